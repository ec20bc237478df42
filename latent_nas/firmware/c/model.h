/* The network. Input and output share the arena with all else: read the output before writing the next input. */
#ifndef MODEL_H
#define MODEL_H
#include <stdint.h>

void model_init(void);
void model_run(void);
int8_t *model_input(void);
const int8_t *model_output(void);
#endif

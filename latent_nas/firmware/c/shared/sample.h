#ifndef NN_SAMPLE_H
#define NN_SAMPLE_H
#include "nn_types.h"

NN_BEGIN_C
/* chance: of a logit so far below the best. state: not 0 */
uint32_t nn_sample(const uint16_t *chance, const int8_t *logits, uint32_t n, uint32_t *state);
NN_END_C
#endif

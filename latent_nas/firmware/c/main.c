/* Runs the model for ever. Put your own sensor and actuator into exchange(). */
#include "model.h"

/* Takes the last outputs (none at the first call) and writes the next inputs. */
__attribute__((weak, noinline)) void exchange(int8_t *input, const int8_t *output)
{
    __asm volatile("" : : "r"(input), "r"(output) : "memory");
}

#ifndef BENCH /* see bench.c */
int main(void)
{
    model_init();
    for (;;) {
        exchange(model_input(), model_output());
        model_run();
    }
}
#endif

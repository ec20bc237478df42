/* A table of what every int8 value becomes; may work in place. */
#include "kernels.h"

void nn_lookup(uint32_t n, const int8_t *table, const int8_t *x, int8_t *y)
{
    for (uint32_t i = 0; i < n; i++)
        y[i] = table[x[i] + 128];
}

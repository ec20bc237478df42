/* Bounds, as of a relu; may work in place. */
#include "clamp.h"

void nn_clamp(uint32_t n, int32_t low, int32_t high, const int8_t *x, int8_t *y)
{
    for (uint32_t i = 0; i < n; i++)
        y[i] = (int8_t)(x[i] < low ? low : x[i] > high ? high : x[i]);
}

/* One input of a concatenation, moved to the output's scale. */
#include "kernels.h"
#include "requantise.h"

void nn_rescale_rows(uint32_t rows, uint32_t n, uint32_t stride, nn_channel rescale, int32_t in_zero,
                     int32_t out_zero, const int8_t *x, int8_t *y)
{
    for (; rows; rows--, x += n, y += stride)
        for (uint32_t i = 0; i < n; i++)
            y[i] = (int8_t)nn_requantise(x[i] - in_zero, rescale.multiplier, rescale.shift, out_zero);
}

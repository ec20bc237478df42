/* Average and maximum of all pixels. */
#include "kernels.h"
#include "requantise.h"

void nn_global_avg(uint32_t pixels, uint32_t channels, nn_channel rescale, int32_t in_zero, int32_t out_zero,
                   const int8_t *x, int8_t *y)
{
    for (uint32_t c = 0; c < channels; c++) {
        int32_t sum = 0, count = (int32_t)pixels;
        for (uint32_t i = 0; i < pixels; i++)
            sum += x[i * channels + c];
        sum -= count * in_zero;
        int32_t below = sum / count - (sum % count < 0); /* rounded down, then 16 bits of what is left */
        uint32_t rest = ((uint32_t)(sum - below * count) << 16) / pixels;
        y[c] = (int8_t)nn_requantise(below * 65536 + (int32_t)rest, rescale.multiplier, rescale.shift, out_zero);
    }
}

void nn_global_max(uint32_t pixels, uint32_t channels, nn_channel rescale, int32_t in_zero, int32_t out_zero,
                   const int8_t *x, int8_t *y)
{
    for (uint32_t c = 0; c < channels; c++) {
        int32_t best = -128;
        for (uint32_t i = 0; i < pixels; i++)
            best = x[i * channels + c] > best ? x[i * channels + c] : best;
        y[c] = (int8_t)nn_requantise((best - in_zero) * 65536, rescale.multiplier, rescale.shift, out_zero);
    }
}

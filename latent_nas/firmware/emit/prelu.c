/* A slope per channel below 0; may work in place. */
#include "kernels.h"
#include "requantise.h"

void nn_prelu(uint32_t pixels, uint32_t channels, const nn_channel *slopes, nn_factor above, int32_t in_zero,
              int32_t out_zero, const int8_t *x, int8_t *y)
{
    for (uint32_t pixel = 0; pixel < pixels; pixel++)
        for (uint32_t c = 0; c < channels; c++) {
            int32_t value = *x++ - in_zero;
            *y++ = (int8_t)(value > 0 ? nn_requantise(value, above.multiplier, above.shift, out_zero)
                                      : nn_requantise(value * slopes[c].bias, slopes[c].multiplier, slopes[c].shift,
                                                      out_zero));
        }
}

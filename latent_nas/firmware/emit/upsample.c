/* Every pixel as a block of down x right equal ones. */
#include "kernels.h"

void nn_upsample(uint32_t height, uint32_t width, uint32_t channels, uint32_t down, uint32_t right,
                 const int8_t *x, int8_t *y)
{
    for (uint32_t row = 0; row < height; row++, x += width * channels)
        for (uint32_t again = 0; again < down; again++) {
            const int8_t *pixel = x;
            for (uint32_t column = 0; column < width; column++, pixel += channels)
                for (uint32_t twice = 0; twice < right; twice++)
                    for (uint32_t c = 0; c < channels; c++)
                        *y++ = pixel[c];
        }
}

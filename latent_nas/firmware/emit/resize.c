/* Linear interpolation between two rows and two columns; a share of 0 reads no neighbour. */
#include "kernels.h"

void nn_resize(uint32_t rows, uint32_t columns, uint32_t width, uint32_t channels, const nn_place *down,
               const nn_place *right, const int8_t *x, int8_t *y)
{
    for (uint32_t row = 0; row < rows; row++) {
        const int8_t *line = x + down[row].first * width * channels;
        int32_t below = down[row].share;
        uint32_t next = below ? width * channels : 0;
        for (uint32_t column = 0; column < columns; column++) {
            const int8_t *pixel = line + right[column].first * channels;
            int32_t beside = right[column].share;
            uint32_t after = beside ? channels : 0;
            if (!(below | beside)) {
                for (uint32_t c = 0; c < channels; c++)
                    *y++ = pixel[c];
                continue;
            }
            int32_t both = below * beside, one = beside * 2048 - both, other = below * 2048 - both;
            int32_t own = 2048 * 2048 - both - one - other;
            for (uint32_t c = 0; c < channels; c++, pixel++)
                *y++ = (int8_t)((own * pixel[0] + one * pixel[after] + other * pixel[next] +
                                 both * pixel[next + after] + (1 << 21)) >> 22);
        }
    }
}

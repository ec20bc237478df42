/* Requantisation by a factor of 0.5 or more: rare, so kept out of line. */
#include "requantise.h"

int32_t nn_requantise_small(int32_t acc, int32_t multiplier, int32_t shift, int32_t zero)
{
    int32_t s = shift + 33;
    int64_t value = (((int64_t)acc * multiplier + ((int64_t)1 << (s - 1))) >> s) + zero;
    return value < -128 ? -128 : value > 127 ? 127 : (int32_t)value;
}

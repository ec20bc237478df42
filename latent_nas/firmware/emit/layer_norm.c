/* Layer normalisation in integers: one root and one division for all features of a token. */
#include "kernels.h"
#include "requantise.h"

#define FRACTION 10 /* bits after the point of a normalised value */

static uint32_t root(uint32_t v)
{
    uint32_t found = 0;
    for (uint32_t bit = 1u << 15; bit; bit >>= 1)
        if ((found | bit) * (found | bit) <= v)
            found |= bit;
    return found;
}

void nn_layer_norm(const nn_layer_norm_args *op, uint32_t tokens, const int8_t *x, int8_t *y)
{
    for (int32_t n = op->n; tokens; tokens--, x += n, y += n) {
        int32_t total = 0, squares = 0;
        for (int32_t i = 0; i < n; i++) {
            total += x[i];
            squares += x[i] * x[i];
        }
        uint64_t v = (uint64_t)((int64_t)n * squares - (int64_t)total * total + op->epsilon);
        int32_t half = (64 - __builtin_clzll(v) + 1) / 2 - 16; /* v / 4^half lies in [2^30, 2^32) */
        uint32_t inverse = 0x80000000u / root((uint32_t)(half >= 0 ? v >> (2 * half) : v << (-2 * half)));
        int32_t shift = 31 - FRACTION + half;
        int64_t start = ((int64_t)1 << (shift - 1)) - (int64_t)total * inverse;
        int64_t step = (int64_t)n * inverse;
        for (int32_t i = 0; i < n; i++) {
            int32_t z = (int32_t)((x[i] * step + start) >> shift);
            int32_t acc = z * op->gain[i] + op->offset[i];
            y[i] = (int8_t)nn_requantise(acc, op->rescale.multiplier, op->rescale.shift, op->zero);
        }
    }
}

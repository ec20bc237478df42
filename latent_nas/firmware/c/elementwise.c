/* Addition, concatenation, clamps, tables and fills. Those of one tensor may work in place. */
#include "requantise.h"

void nn_add(const nn_add_args *op, const int8_t *a, const int8_t *b, int8_t *y)
{
    int32_t shift = op->shift;
    int32_t start = (1 << (shift - 1)) - op->zero_a * op->multiplier_a - op->zero_b * op->multiplier_b;
    for (uint32_t i = 0; i < op->n; i++) {
        int32_t value = ((a[i] * op->multiplier_a + b[i] * op->multiplier_b + start) >> shift) + op->zero;
        y[i] = (int8_t)(value < op->low ? op->low : value > op->high ? op->high : value);
    }
}

void nn_rescale_rows(uint32_t rows, uint32_t n, uint32_t stride, nn_channel rescale, int32_t in_zero,
                     int32_t out_zero, const int8_t *x, int8_t *y)
{
    for (; rows; rows--, x += n, y += stride)
        for (uint32_t i = 0; i < n; i++)
            y[i] = (int8_t)nn_requantise(x[i] - in_zero, rescale.multiplier, rescale.shift, out_zero);
}

void nn_clamp(uint32_t n, int32_t low, int32_t high, const int8_t *x, int8_t *y)
{
    for (uint32_t i = 0; i < n; i++)
        y[i] = (int8_t)(x[i] < low ? low : x[i] > high ? high : x[i]);
}

void nn_lookup(uint32_t n, const int8_t *table, const int8_t *x, int8_t *y)
{
    for (uint32_t i = 0; i < n; i++)
        y[i] = table[x[i] + 128];
}

void nn_fill(uint32_t n, int8_t value, int8_t *y)
{
    for (uint32_t i = 0; i < n; i++)
        y[i] = value;
}

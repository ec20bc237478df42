/* Addition of two tensors, each with a scale of its own; may work in place. */
#include "kernels.h"

void nn_add(const nn_add_args *op, const int8_t *a, const int8_t *b, int8_t *y)
{
    int32_t shift = op->shift;
    int32_t start = (1 << (shift - 1)) - op->zero_a * op->multiplier_a - op->zero_b * op->multiplier_b;
    for (uint32_t i = 0; i < op->n; i++) {
        int32_t value = ((a[i] * op->multiplier_a + b[i] * op->multiplier_b + start) >> shift) + op->zero;
        y[i] = (int8_t)(value < op->low ? op->low : value > op->high ? op->high : value);
    }
}

/* Product of two tensors, the second perhaps broadcast along rows, columns or channels; may work in place. */
#include "kernels.h"
#include "requantise.h"

void nn_multiply(const nn_multiply_args *op, const int8_t *a, const int8_t *b, int8_t *y)
{
    for (uint32_t row = 0; row < op->rows; row++, b += op->b_row)
        for (uint32_t column = 0; column < op->columns; column++)
            for (uint32_t c = 0, at = column * op->b_column; c < op->channels; c++, at += op->b_channel) {
                int32_t product = (*a++ - op->zero_a) * (b[at] - op->zero_b);
                int32_t value = nn_requantise(product, op->rescale.multiplier, op->rescale.shift, op->zero);
                *y++ = (int8_t)(value < op->low ? op->low : value > op->high ? op->high : value);
            }
}

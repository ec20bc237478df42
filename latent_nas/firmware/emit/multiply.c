/* Product of two tensors, the second perhaps a factor per channel or per pixel; may work in place. */
#include "kernels.h"
#include "requantise.h"

void nn_multiply(const nn_multiply_args *op, const int8_t *a, const int8_t *b, int8_t *y)
{
    for (uint32_t pixel = 0; pixel < op->pixels; pixel++, b += op->b_pixel)
        for (uint32_t c = 0, at = 0; c < op->channels; c++, at += op->b_channel) {
            int32_t product = (*a++ - op->zero_a) * (b[at] - op->zero_b);
            int32_t value = nn_requantise(product, op->rescale.multiplier, op->rescale.shift, op->zero);
            *y++ = (int8_t)(value < op->low ? op->low : value > op->high ? op->high : value);
        }
}

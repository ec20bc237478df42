/* Depthwise convolution of 4-bit weights: they are few, so they are unpacked, and the kernel of 8 bits does the rest. */
#include "depthwise.h"
#include "factor4.h"
#include "nibble.h"

void nn_depthwise4(const nn_conv4 *op, const int8_t *x, int8_t *y, int16_t *scratch)
{
    nn_channel *q = (nn_channel *)(void *)scratch;
    uint32_t channels = op->in_c, weights = channels * op->kernel_h * op->kernel_w, small = 1;
    int8_t *w = (int8_t *)(q + channels);
#pragma GCC unroll 1
    for (uint32_t c = 0; c < channels; c++) {
        nn_factor f = nn_factor4(op->factor[c]);
        small &= f.shift >= -6 && op->bias[c] < 1 << 24 && op->bias[c] > -(1 << 24); /* as for 8 bits */
        q[c].bias = op->bias[c];
        q[c].multiplier = f.multiplier;
        q[c].shift = f.shift;
    }
#pragma GCC unroll 1
    for (uint32_t i = 0; i < weights; i++)
        w[i] = (int8_t)nibble(op->weight, i);
    nn_conv unpacked = {w, q, op->in_h, op->in_w, op->in_c, op->out_h, op->out_w, op->out_c,
                        op->kernel_h, op->kernel_w, op->stride_h, op->stride_w, op->top, op->left,
                        op->in_c, op->in_zero, op->out_zero, op->low, op->high, (uint8_t)small};
    nn_depthwise(&unpacked, x, y, (int16_t *)(void *)(w + ((weights + 3) & ~3u)));
}

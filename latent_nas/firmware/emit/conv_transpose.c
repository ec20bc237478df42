/* Transposed convolution: an output gathers the taps that meet it, every stride-th of the window. */
#include "kernels.h"
#include "requantise.h"

void nn_conv_transpose(const nn_transposed *op, const int8_t *x, int8_t *y)
{
    for (int32_t oy = op->top; oy < op->top + op->out_h; oy++)
        for (int32_t ox = op->left; ox < op->left + op->out_w; ox++) {
            const int8_t *filter = op->weight;
            for (int32_t o = 0; o < op->out_c; o++, filter += op->kernel_h * op->kernel_w * op->in_c) {
                int32_t sum = op->channel[o].bias;
                for (int32_t ky = oy % op->stride_h, iy = oy / op->stride_h; ky < op->kernel_h && iy >= 0;
                     ky += op->stride_h, iy--)
                    for (int32_t kx = ox % op->stride_w, ix = ox / op->stride_w; kx < op->kernel_w && ix >= 0;
                         kx += op->stride_w, ix--) {
                        const int8_t *pixel = x + (iy * op->in_w + ix) * op->in_c;
                        const int8_t *weight = filter + (ky * op->kernel_w + kx) * op->in_c;
                        if (iy < op->in_h && ix < op->in_w)
                            for (int32_t c = 0; c < op->in_c; c++)
                                sum += (pixel[c] - op->in_zero) * weight[c];
                    }
                int32_t value = nn_requantise(sum, op->channel[o].multiplier, op->channel[o].shift, op->out_zero);
                *y++ = (int8_t)(value < op->low ? op->low : value > op->high ? op->high : value);
            }
        }
}

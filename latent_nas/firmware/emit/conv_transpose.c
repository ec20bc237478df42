/* Transposed convolution: an output gathers the taps that meet it, every stride-th of the window. */
#include "kernels.h"
#include "requantise.h"

/* What one filter adds up at one output; ky, iy: the first tap and the input row that it meets. */
static int32_t gathered(const nn_transposed *op, const int8_t *x, const int8_t *filter, int32_t ky, int32_t iy,
                        int32_t first_kx, int32_t first_ix)
{
    int32_t sum = 0, channels = op->in_c, zero = op->in_zero;
    for (; ky < op->kernel_h && iy >= 0; ky += op->stride_h, iy--) {
        if (iy >= op->in_h)
            continue;
        for (int32_t kx = first_kx, ix = first_ix; kx < op->kernel_w && ix >= 0; kx += op->stride_w, ix--) {
            if (ix >= op->in_w)
                continue;
            const int8_t *pixel = x + (iy * op->in_w + ix) * channels;
            const int8_t *weight = filter + (ky * op->kernel_w + kx) * channels;
            for (int32_t c = 0; c < channels; c++)
                sum += (pixel[c] - zero) * weight[c];
        }
    }
    return sum;
}

void nn_conv_transpose(const nn_transposed *op, const int8_t *x, int8_t *y)
{
    int32_t window = op->kernel_h * op->kernel_w * op->in_c;
    for (int32_t oy = op->top; oy < op->top + op->out_h; oy++) {
        int32_t iy = oy / op->stride_h, ky = oy - iy * op->stride_h;
        for (int32_t ox = op->left; ox < op->left + op->out_w; ox++) {
            int32_t ix = ox / op->stride_w, kx = ox - ix * op->stride_w;
            const nn_channel *channel = op->channel;
            const int8_t *filter = op->weight;
            for (int32_t o = 0; o < op->out_c; o++, channel++, filter += window) {
                int32_t sum = channel->bias + gathered(op, x, filter, ky, iy, kx, ix);
                int32_t value = nn_requantise(sum, channel->multiplier, channel->shift, op->out_zero);
                *y++ = (int8_t)(value < op->low ? op->low : value > op->high ? op->high : value);
            }
        }
    }
}

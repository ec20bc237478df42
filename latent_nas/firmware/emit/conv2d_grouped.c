/* Convolution with groups, in plain C. Pixels outside the image are the zero point. */
#include "conv2d.h"

void nn_conv2d_grouped(const nn_conv *op, const int8_t *x, int8_t *y)
{
    int32_t depth = op->in_c / op->groups, share = op->out_c / op->groups;
    int8_t *to = y;
    for (int32_t oy = 0; oy < op->out_h; oy++)
        for (int32_t ox = 0; ox < op->out_w; ox++) {
            const int8_t *w = op->weight;
            for (int32_t f = 0; f < op->out_c; f++) {
                int32_t first = f / share * depth;
                uint32_t acc = (uint32_t)op->channel[f].bias; /* wraps as the reference does */
                for (int32_t ky = 0; ky < op->kernel_h; ky++) {
                    int32_t iy = oy * op->stride_h + ky - op->top;
                    for (int32_t kx = 0; kx < op->kernel_w; kx++) {
                        int32_t ix = ox * op->stride_w + kx - op->left, sum = 0;
                        if (iy >= 0 && iy < op->in_h && ix >= 0 && ix < op->in_w) {
                            const int8_t *p = x + (iy * op->in_w + ix) * op->in_c + first;
                            for (int32_t c = 0; c < depth; c++)
                                sum += p[c] * w[c];
                        } else {
                            for (int32_t c = 0; c < depth; c++)
                                sum += op->in_zero * w[c];
                        }
                        acc += (uint32_t)sum;
                        w += depth;
                    }
                }
                const nn_channel *q = &op->channel[f];
                *to++ = (int8_t)nn_requantise((int32_t)acc, q->multiplier, q->shift, op->out_zero);
            }
        }
    nn_limit(y, (uint32_t)op->out_h * op->out_w * op->out_c, op->low, op->high);
}

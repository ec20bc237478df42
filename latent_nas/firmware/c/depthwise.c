/* Depthwise convolution: taps outside the image are left out. SMLAD cores take four channels at a time. */
#include "conv2d.h"

typedef struct {
    const int8_t *x, *w; /* first tap inside the image */
    int32_t rows, columns, x_row, w_row, channels;
} taps;

static inline int32_t one(const taps *t, int32_t c, int32_t acc, int32_t in_zero)
{
    const int8_t *x = t->x + c, *w = t->w + c;
    for (int32_t ky = 0; ky < t->rows; ky++, x += t->x_row, w += t->w_row)
        for (int32_t kx = 0, at = 0; kx < t->columns; kx++, at += t->channels)
            acc += (x[at] - in_zero) * w[at];
    return acc;
}

#ifdef NN_SMLAD
#include "memory.h"

#define TAP(at)                                                                        \
    do {                                                                               \
        uint32_t a = nn_word(x + (at)), b = nn_word(w + (at));                         \
        int16x2_t a02 = __sxtab16(minus, (int8x4_t)a), b02 = __sxtb16((int8x4_t)b);    \
        s0 = __smlabb(a02, b02, s0);                                                   \
        s2 = __smlatt(a02, b02, s2);                                                   \
        int16x2_t a13 = __sxtab16(minus, (int8x4_t)__ror(a, 8));                       \
        int16x2_t b13 = __sxtb16((int8x4_t)__ror(b, 8));                               \
        s1 = __smlabb(a13, b13, s1);                                                   \
        s3 = __smlatt(a13, b13, s3);                                                   \
    } while (0)

static inline void four(const taps *t, int32_t c, const nn_channel *q, int16x2_t minus, int32_t zero, int8_t *y)
{
    const int8_t *x = t->x + c, *w = t->w + c;
    int32_t s0 = q[0].bias, s1 = q[1].bias, s2 = q[2].bias, s3 = q[3].bias, step = t->channels;
    for (int32_t rows = t->rows; rows; rows--) {
        if (t->columns == 3) {
            TAP(0);
            TAP(step);
            TAP(2 * step);
        } else {
            for (int32_t kx = t->columns, at = 0; kx; kx--, at += step)
                TAP(at);
        }
        x += t->x_row;
        w += t->w_row;
    }
    y[0] = (int8_t)nn_requantise(s0, q[0].multiplier, q[0].shift, zero);
    y[1] = (int8_t)nn_requantise(s1, q[1].multiplier, q[1].shift, zero);
    y[2] = (int8_t)nn_requantise(s2, q[2].multiplier, q[2].shift, zero);
    y[3] = (int8_t)nn_requantise(s3, q[3].multiplier, q[3].shift, zero);
}
#endif

static inline int32_t most(int32_t a, int32_t b) { return a > b ? a : b; }
static inline int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

void nn_depthwise(const nn_conv *op, const int8_t *x, int8_t *y)
{
    int32_t channels = op->in_c;
    int8_t *to = y;
    taps t = {0, 0, 0, 0, op->in_w * channels, op->kernel_w * channels, channels};
    for (int32_t oy = 0; oy < op->out_h; oy++) {
        int32_t iy = oy * op->stride_h - op->top, top = most(0, -iy);
        t.rows = least(op->kernel_h, op->in_h - iy) - top;
        for (int32_t ox = 0; ox < op->out_w; ox++, to += channels) {
            int32_t ix = ox * op->stride_w - op->left, left = most(0, -ix), c = 0;
            t.columns = least(op->kernel_w, op->in_w - ix) - left;
            if (t.rows <= 0 || t.columns <= 0)
                t.rows = t.columns = 0;
            t.x = x + ((iy + top) * op->in_w + ix + left) * channels;
            t.w = op->weight + (top * op->kernel_w + left) * channels;
#ifdef NN_SMLAD
            int16x2_t minus = (int16x2_t)((uint32_t)(-op->in_zero & 0xffff) * 0x10001u);
            for (; c + 4 <= channels; c += 4)
                four(&t, c, op->channel + c, minus, op->out_zero, to + c);
#endif
            for (; c < channels; c++) {
                const nn_channel *q = &op->channel[c];
                int32_t acc = one(&t, c, q->bias, op->in_zero);
                to[c] = (int8_t)nn_requantise(acc, q->multiplier, q->shift, op->out_zero);
            }
        }
    }
    nn_limit(y, (uint32_t)op->out_h * op->out_w * op->out_c, op->low, op->high);
}

/* Convolution for cores with SMLAD: two windows at a time as int16 columns, times two filters at a time. */
#include "conv2d.h"
#ifdef NN_SMLAD
#include "memory.h"

/* int8 to int16; of every four values the first and third share a word, the second and fourth the next. */
static void widen(const int8_t *x, int16_t *column, uint32_t n)
{
    for (uint32_t blocks = n >> 2; blocks; blocks--) {
        uint32_t four = nn_word(x);
        int16x2_t even = __sxtb16((int8x4_t)four), odd = __sxtb16((int8x4_t)__ror(four, 8));
        *(nn_unaligned *)column = (uint32_t)even;
        *(nn_unaligned *)(column + 2) = (uint32_t)odd;
        x += 4;
        column += 4;
    }
    for (n &= 3; n; n--)
        *column++ = *x++;
}

/* The outputs of all filters for two columns a0, a1 of k values. */
static void multiply(const nn_conv *op, const int16_t *a0, const int16_t *a1, uint32_t k, int8_t *y0, int8_t *y1)
{
    const int8_t *w = op->weight;
    const nn_channel *q = op->channel;
    int32_t zero = op->out_zero;
    for (uint32_t pairs = op->out_c >> 1; pairs; pairs--) {
        const int8_t *v = w + k;
        const int16_t *p = a0, *r = a1;
        int32_t w0 = q[0].bias, w1 = w0, v0 = q[1].bias, v1 = v0;
#pragma GCC unroll 2
        for (uint32_t blocks = k >> 2; blocks; blocks--) {
            uint32_t f = nn_word(w), g = nn_word(v);
            int16x2_t f02 = __sxtb16((int8x4_t)f), f13 = __sxtb16((int8x4_t)__ror(f, 8));
            int16x2_t g02 = __sxtb16((int8x4_t)g), g13 = __sxtb16((int8x4_t)__ror(g, 8));
            int16x2_t x = (int16x2_t)nn_word(p);
            w0 = __smlad(f02, x, w0);
            v0 = __smlad(g02, x, v0);
            x = (int16x2_t)nn_word(p + 2);
            w0 = __smlad(f13, x, w0);
            v0 = __smlad(g13, x, v0);
            x = (int16x2_t)nn_word(r);
            w1 = __smlad(f02, x, w1);
            v1 = __smlad(g02, x, v1);
            x = (int16x2_t)nn_word(r + 2);
            w1 = __smlad(f13, x, w1);
            v1 = __smlad(g13, x, v1);
            w += 4;
            v += 4;
            p += 4;
            r += 4;
        }
        for (uint32_t rest = k & 3; rest; rest--) {
            w0 += *w * *p;
            w1 += *w++ * *r;
            v0 += *v * *p++;
            v1 += *v++ * *r++;
        }
        int32_t m = q->multiplier, s = q->shift;
        *y0++ = (int8_t)nn_requantise(w0, m, s, zero);
        *y1++ = (int8_t)nn_requantise(w1, m, s, zero);
        q++;
        m = q->multiplier;
        s = q->shift;
        *y0++ = (int8_t)nn_requantise(v0, m, s, zero);
        *y1++ = (int8_t)nn_requantise(v1, m, s, zero);
        q++;
        w = v;
    }
    if (op->out_c & 1) {
        int32_t w0 = q->bias, w1 = w0;
        for (uint32_t blocks = k >> 2; blocks; blocks--) {
            uint32_t f = nn_word(w);
            int16x2_t f02 = __sxtb16((int8x4_t)f), f13 = __sxtb16((int8x4_t)__ror(f, 8));
            w0 = __smlad(f13, (int16x2_t)nn_word(a0 + 2), __smlad(f02, (int16x2_t)nn_word(a0), w0));
            w1 = __smlad(f13, (int16x2_t)nn_word(a1 + 2), __smlad(f02, (int16x2_t)nn_word(a1), w1));
            w += 4;
            a0 += 4;
            a1 += 4;
        }
        for (uint32_t rest = k & 3; rest; rest--) {
            w0 += *w * *a0++;
            w1 += *w++ * *a1++;
        }
        *y0 = (int8_t)nn_requantise(w0, q->multiplier, q->shift, zero);
        *y1 = (int8_t)nn_requantise(w1, q->multiplier, q->shift, zero);
    }
}

/* One window as a column of k values. Its bytes are gathered in the column's upper half and widened from there. */
static void gather(const nn_conv *op, const int8_t *x, int32_t oy, int32_t ox, uint32_t k, int16_t *column)
{
    int32_t row = op->kernel_w * op->in_c, iy = oy * op->stride_h - op->top, ix = ox * op->stride_w - op->left;
    int32_t before = ix < 0 ? -ix : 0, after = ix + op->kernel_w - op->in_w;
    int8_t *bytes = (int8_t *)column + k, *to = bytes;
    after = after > 0 ? after : 0;
    if (before + after > op->kernel_w) {
        before = op->kernel_w;
        after = 0;
    }
    int32_t left = before * op->in_c, right = after * op->in_c, inside = row - left - right;
    for (int32_t ky = 0; ky < op->kernel_h; ky++, iy++, to += row) {
        if (iy < 0 || iy >= op->in_h || inside <= 0) {
            memset(to, op->in_zero, (uint32_t)row);
            continue;
        }
        if (left)
            memset(to, op->in_zero, (uint32_t)left);
        memcpy(to + left, x + (iy * op->in_w + ix + before) * op->in_c, (uint32_t)inside);
        if (right)
            memset(to + left + inside, op->in_zero, (uint32_t)right);
    }
    widen(bytes, column, k);
}

void nn_conv2d(const nn_conv *op, const int8_t *x, int8_t *y, int16_t *scratch)
{
    uint32_t pixels = (uint32_t)op->out_h * op->out_w, k = (uint32_t)op->kernel_h * op->kernel_w * op->in_c;
    int8_t *to = y;
    if (op->groups > 1) {
        nn_conv2d_plain(op, x, y);
    } else {
        int32_t oy = 0, ox = 0;
        for (uint32_t i = 0; i < pixels; i++) {
            int odd = i & 1, last = i + 1 == pixels;
            gather(op, x, oy, ox, k, scratch + (odd ? k : 0));
            if (odd) {
                multiply(op, scratch, scratch + k, k, to, to + op->out_c);
                to += 2 * op->out_c;
            } else if (last) {
                multiply(op, scratch, scratch, k, to, to);
            }
            if (++ox == op->out_w) {
                ox = 0;
                oy++;
            }
        }
    }
    nn_limit(y, pixels * op->out_c, op->low, op->high);
}

void nn_pointwise(const nn_conv *op, const int8_t *x, int8_t *y, int16_t *scratch)
{
    uint32_t pixels = (uint32_t)op->out_h * op->out_w, k = op->in_c;
    int8_t *to = y;
    for (uint32_t pairs = pixels >> 1; pairs; pairs--) {
        widen(x, scratch, k);
        widen(x + k, scratch + k, k);
        multiply(op, scratch, scratch + k, k, to, to + op->out_c);
        x += 2 * k;
        to += 2 * op->out_c;
    }
    if (pixels & 1) {
        widen(x, scratch, k);
        multiply(op, scratch, scratch, k, to, to);
    }
    nn_limit(y, pixels * op->out_c, op->low, op->high);
}
#else
typedef int nn_conv2d_smlad_is_empty;
#endif

/* Convolution of any window, stride and padding, without groups: windows, gathered as columns, times pairs of filters.
   May work in place where the stride is 1 and the output as large as the input: then rows of the input that windows
   still need are kept before outputs reach them. */
#include "conv2d.h"
#include "nn_memory.h"

enum { BYTES, WIDE }; /* a column of int8, or one of those in conv2d.h */

/* n values of the image, or n times the zero point. */
static inline char *copy(const int8_t *x, int32_t n, char *to, int kind)
{
#ifdef NN_SMLAD
    if (kind == WIDE) {
        nn_widen(x, (int32_t *)(void *)to, (uint32_t)n >> 2, 1, 0);
        return to + 2 * NN_PIXELS * n;
    }
#endif
    (void)kind;
#pragma GCC unroll 1 /* rows are short: no call, nothing unrolled */
    for (; n >= 4; n -= 4, x += 4, to += 4)
        *(nn_unaligned *)(void *)to = nn_word(x);
#pragma GCC unroll 1
    for (; n; n--)
        *to++ = (char)*x++;
    return to;
}

APART static char *fill(int8_t zero, int32_t n, char *to, int kind)
{
#ifdef NN_SMLAD
    if (kind == WIDE) {
        uint32_t second = (uint16_t)zero * 0x10001u, first = (second << 8 & 0xff00ff00) | ((second ^ 0x7f007f) & 0xff00ff);
        int32_t *column = (int32_t *)(void *)to;
        for (int32_t i = 0; i < n >> 2; i++, column += 2 * NN_PIXELS) {
            column[0] = (int32_t)first;
            column[NN_PIXELS] = (int32_t)second;
        }
        return to + 2 * NN_PIXELS * n;
    }
#endif
    (void)kind;
    memset(to, zero, (uint32_t)n);
    return to + n;
}

/* Rows of the input from oy - top to oy, before outputs of row oy are written over the last; 0: not in place. */
static int8_t *keep(const nn_conv *op, const int8_t *x, const int8_t *y, int32_t oy, int16_t *scratch)
{
    uint32_t blocks = nn_blocks(op), row = (uint32_t)op->in_w * op->in_c;
    int8_t *kept = (int8_t *)scratch + (op->in_c & 3 ? 28 : 24) * blocks, *to = kept;
    if (x != y || op->kernel_h * op->kernel_w == 1)
        return 0;
    for (int32_t i = 0; i < op->top; i++, to += row)
        memcpy(to, to + row, row);
    memcpy(to, x + (uint32_t)oy * row, row);
    return kept;
}

/* The window of a pixel as a column; what lies outside the image is the zero point. */
static inline __attribute__((always_inline)) void gather(const nn_conv *op, const int8_t *x, const int8_t *kept,
                                                         int32_t oy, int32_t ox, char *to, int kind)
{
    int32_t iy = oy * op->stride_h - op->top, ix = ox * op->stride_w - op->left, channels = op->in_c;
    int32_t above = iy < 0 ? -iy : 0, below = iy + op->kernel_h - op->in_h, step = op->in_w * channels;
    int32_t before = ix < 0 ? -ix : 0, after = ix + op->kernel_w - op->in_w, row = op->kernel_w * channels;
    below = below > 0 ? below : 0;
    after = after > 0 ? after : 0;
    int32_t rows = op->kernel_h - above - below, inside = (op->kernel_w - before - after) * channels;
    if (rows <= 0 || inside <= 0) {
        fill(op->in_zero, op->kernel_h * row, to, kind);
        return;
    }
    if (above)
        to = fill(op->in_zero, above * row, to, kind);
    int32_t left = (ix + before) * channels;
    iy += above;
    const int8_t *from = left + (kept ? kept + above * step : x + iy * step);
    for (; rows; rows--, iy++, from += step) {
        if (kept && iy == oy + 1)
            from = x + iy * step + left;
        if (before)
            to = fill(op->in_zero, before * channels, to, kind);
        to = copy(from, inside, to, kind);
        if (after)
            to = fill(op->in_zero, after * channels, to, kind);
    }
    if (below)
        fill(op->in_zero, below * row, to, kind);
}

APART static void narrow(const nn_conv *op, const int8_t *x, const int8_t *kept, int32_t oy, int32_t ox, int8_t *to)
{
    gather(op, x, kept, oy, ox, (char *)to, BYTES);
}

#ifdef NN_SMLAD
APART static void wide(const nn_conv *op, const int8_t *x, const int8_t *kept, int32_t oy, int32_t ox, int32_t *to)
{
    int32_t iy = oy * op->stride_h - op->top, ix = ox * op->stride_w - op->left, width = op->kernel_w;
    if (iy >= 0 && ix >= 0 && iy + op->kernel_h <= op->in_h && ix + width <= op->in_w) { /* mostly */
        int32_t row = op->in_w * op->in_c, rows = kept ? op->top + 1 : op->kernel_h;
        int32_t size = width * op->in_c, blocks = size >> 2;
        x += ix * op->in_c;
        nn_widen(kept ? kept + ix * op->in_c : x + iy * row, to, (uint32_t)blocks, (uint32_t)rows, row - size);
        if (rows < op->kernel_h)
            nn_widen(x + (oy + 1) * row, to + 2 * NN_PIXELS * rows * blocks, (uint32_t)blocks,
                     (uint32_t)(op->kernel_h - rows), row - size);
        return;
    }
    gather(op, x, kept, oy, ox, (char *)to, WIDE);
}

void nn_conv2d(const nn_conv *op, const int8_t *x, int8_t *y, int16_t *scratch)
{
    uint32_t pixels = (uint32_t)op->out_h * op->out_w, blocks = nn_blocks(op), held = 0;
    int32_t *columns = (int32_t *)(void *)scratch;
    int8_t *bytes = (int8_t *)(columns + 2 * NN_PIXELS * blocks), *to = y;
    for (int32_t oy = 0; oy < op->out_h; oy++) {
        const int8_t *kept = keep(op, x, y, oy, scratch);
        for (int32_t ox = 0; ox < op->out_w; ox++) {
            if (op->in_c & 3) {
                narrow(op, x, kept, oy, ox, bytes);
                nn_widen(bytes, columns + held, blocks, 1, 0);
            } else {
                wide(op, x, kept, oy, ox, columns + held);
            }
            if (++held == NN_PIXELS) {
                nn_columns(op, columns, held, to);
                to += held * op->out_c;
                held = 0;
            }
        }
    }
    if (held)
        nn_columns(op, columns, held, to);
    nn_limit(y, pixels * op->out_c, op->low, op->high);
}

void nn_conv2d_large(const nn_conv *op, const int8_t *x, int8_t *y, int16_t *scratch)
{
    int8_t *bytes = (int8_t *)scratch, *to = y;
    for (int32_t oy = 0; oy < op->out_h; oy++) {
        const int8_t *kept = keep(op, x, y, oy, scratch);
        for (int32_t ox = 0; ox < op->out_w; ox++, to += op->out_c) {
            narrow(op, x, kept, oy, ox, bytes);
            nn_large(op, bytes, to);
        }
    }
    nn_limit(y, (uint32_t)op->out_h * op->out_w * op->out_c, op->low, op->high);
}

void nn_pointwise(const nn_conv *op, const int8_t *x, int8_t *y, int16_t *scratch)
{
    uint32_t blocks = op->in_c >> 2, pixels = (uint32_t)op->out_h * op->out_w, n;
    int32_t *columns = (int32_t *)(void *)scratch;
    int8_t *to = y;
    if (op->in_c & 3) {
        nn_conv2d(op, x, y, scratch);
        return;
    }
    for (uint32_t left = pixels; left; left -= n) {
        n = left < NN_PIXELS ? left : (uint32_t)NN_PIXELS;
        for (uint32_t i = 0; i < n; i++, x += op->in_c)
            nn_widen(x, columns + i, blocks, 1, 0);
        nn_columns(op, columns, n, to);
        to += n * op->out_c;
    }
    nn_limit(y, pixels * op->out_c, op->low, op->high);
}
#else
/* The outputs of all filters for one column of bytes. */
static void one(const nn_conv *op, const int8_t *column, uint32_t blocks, int8_t *y)
{
    const int8_t *w = op->weight;
    const nn_channel *q = op->channel;
    for (uint32_t f = 0; f < op->out_c; f += 2, q += 2) {
        const int8_t *p = column;
        int32_t more = f + 1 < op->out_c;
        uint32_t s = (uint32_t)q[0].bias, t = more ? (uint32_t)q[1].bias : 0; /* wrap as the reference does */
        for (uint32_t n = blocks; n; n--, p += 4, w += 8) {
            s += (uint32_t)(p[0] * w[0] + p[1] * w[1] + p[2] * w[2] + p[3] * w[3]);
            t += (uint32_t)(p[0] * w[4] + p[1] * w[5] + p[2] * w[6] + p[3] * w[7]);
        }
        y[f] = (int8_t)nn_requantise((int32_t)s, q[0].multiplier, q[0].shift, op->out_zero);
        if (more)
            y[f + 1] = (int8_t)nn_requantise((int32_t)t, q[1].multiplier, q[1].shift, op->out_zero);
    }
}

#ifndef NN_UNSIGNED
/* The same for two columns, one behind the other. */
static void two(const nn_conv *op, const int8_t *column, uint32_t blocks, int8_t *y)
{
    const int8_t *w = op->weight;
    const nn_channel *q = op->channel;
    int8_t *z = y + op->out_c;
    for (uint32_t f = 0; f < op->out_c; f += 2, q += 2) {
        const int8_t *p = column, *r = column + 4 * blocks;
        int32_t more = f + 1 < op->out_c;
        uint32_t s0 = (uint32_t)q[0].bias, t0 = more ? (uint32_t)q[1].bias : 0, s1 = s0, t1 = t0;
        for (uint32_t n = blocks; n; n--, p += 4, r += 4, w += 8)
#pragma GCC unroll 4
            for (int32_t i = 0; i < 4; i++) {
                s0 += (uint32_t)(p[i] * w[i]);
                t0 += (uint32_t)(p[i] * w[i + 4]);
                s1 += (uint32_t)(r[i] * w[i]);
                t1 += (uint32_t)(r[i] * w[i + 4]);
            }
        y[f] = (int8_t)nn_requantise((int32_t)s0, q[0].multiplier, q[0].shift, op->out_zero);
        z[f] = (int8_t)nn_requantise((int32_t)s1, q[0].multiplier, q[0].shift, op->out_zero);
        if (more) {
            y[f + 1] = (int8_t)nn_requantise((int32_t)t0, q[1].multiplier, q[1].shift, op->out_zero);
            z[f + 1] = (int8_t)nn_requantise((int32_t)t1, q[1].multiplier, q[1].shift, op->out_zero);
        }
    }
}
#endif

/* All outputs; pairs: the weights are NN_PAIRs, and two pixels share them where there are registers for it. */
static inline __attribute__((always_inline)) void pixels(const nn_conv *op, const int8_t *x, int8_t *y,
                                                         int16_t *scratch, int pairs)
{
    uint32_t blocks = nn_blocks(op), held = 0;
    int8_t *columns = (int8_t *)scratch, *to = y;
    for (int32_t oy = 0; oy < op->out_h; oy++) {
        const int8_t *kept = keep(op, x, y, oy, scratch);
        for (int32_t ox = 0; ox < op->out_w; ox++) {
            narrow(op, x, kept, oy, ox, columns + 4 * blocks * held);
#ifdef NN_UNSIGNED
            if (pairs)
                nn_moved(op, columns, blocks, to);
            else
                one(op, columns, blocks, to);
            to += op->out_c;
#else
            if (++held == 2) {
                two(op, columns, blocks, to);
                to += 2 * op->out_c;
                held = 0;
            }
#endif
        }
    }
    (void)pairs;
    if (held)
        one(op, columns, blocks, to);
    nn_limit(y, (uint32_t)op->out_h * op->out_w * op->out_c, op->low, op->high);
}

void nn_conv2d(const nn_conv *op, const int8_t *x, int8_t *y, int16_t *scratch)
{
    pixels(op, x, y, scratch, 1);
}

void nn_conv2d_large(const nn_conv *op, const int8_t *x, int8_t *y, int16_t *scratch)
{
#ifdef NN_UNSIGNED
    pixels(op, x, y, scratch, 0);
#else
    nn_conv2d(op, x, y, scratch);
#endif
}

void nn_pointwise(const nn_conv *op, const int8_t *x, int8_t *y, int16_t *scratch)
{
    nn_conv2d(op, x, y, scratch);
}
#endif

/* Convolution of 4-bit weights: the windows of three pixels as columns of int16, times one filter after the other. A
   word holds eight weights; of the values that they meet, those at even places lie in its lower half. Windows of one
   pixel may work in place. */
#include "clamp.h"
#include "factor4.h"
#include "kernels.h"
#include "nn_memory.h"
#include "requantise.h"

enum { PIXELS = 3, EIGHT = 8 * PIXELS, MOST = 73 }; /* blocks whose sums, times 4096, keep within 32 bits */

/* n values of a window, or n times the zero point where x is 0, from place i on. */
__attribute__((noinline)) static uint32_t put(int16_t *column, uint32_t i, const int8_t *x, int32_t zero, uint32_t n)
{
    uint32_t end = i + n;
#ifdef NN_SMLAD
    if (x && !((i | n) & 3)) {
        for (; i < end; i += 4, x += 4) {
            uint32_t four = nn_word(x), even = (uint32_t)__sxtb16((int8x4_t)four);
            uint32_t odd = (uint32_t)__sxtb16((int8x4_t)nn_ror(four, 8));
            uint32_t *to = (uint32_t *)(void *)(column + (i >> 3) * EIGHT + (i & 4));
            to[0] = (even & 0xffff) | odd << 16;
            to[1] = even >> 16 | (odd & 0xffff0000);
        }
        return end;
    }
#endif
#pragma GCC unroll 1
    for (; i < end; i++)
        column[(i >> 3) * EIGHT + (i & 7)] = (int16_t)(x ? *x++ : zero);
    return end;
}

/* The window of a pixel; what lies outside the image is the zero point, and meets weights of 0 behind its end. */
static void gather(const nn_conv4 *op, const int8_t *x, int32_t oy, int32_t ox, int16_t *column)
{
    int32_t width = op->kernel_w, channels = op->in_c;
    int32_t iy = oy * op->stride_h - op->top, ix = ox * op->stride_w - op->left;
    int32_t before = ix < 0 ? -ix : 0, after = ix + width - op->in_w;
    uint32_t at = 0;
    before = before < width ? before : width;
    after = after < 0 ? 0 : after < width - before ? after : width - before;
    for (int32_t i = op->kernel_h; i; i--, iy++) {
        int32_t inside = iy < 0 || iy >= op->in_h ? 0 : width - before - after;
        if (!inside) {
            at = put(column, at, 0, op->in_zero, (uint32_t)(width * channels));
            continue;
        }
        at = put(column, at, 0, op->in_zero, (uint32_t)(before * channels));
        at = put(column, at, x + (iy * op->in_w + ix + before) * channels, 0, (uint32_t)(inside * channels));
        at = put(column, at, 0, op->in_zero, (uint32_t)(after * channels));
    }
    while (at & 7)
        at = put(column, at, 0, 0, 1);
}

/* Add the products of some blocks to the sums of three pixels. */
static inline const int8_t *multiply(const int8_t *w, const int16_t *column, uint32_t blocks, int32_t *sums)
{
    int32_t r = 0, s = 0, t = 0;
#ifdef NN_SMLAD
    const uint32_t mask = 0xF000F000u;
    const int16x2_t *p = (const int16x2_t *)(const void *)column;
    for (; blocks; blocks--, w += 4, p += 4 * PIXELS) { /* weights times 4096, in the upper bits of halves */
        uint32_t eight = nn_word(w);
        int16x2_t a = (int16x2_t)(eight << 12 & mask), b = (int16x2_t)(eight << 8 & mask);
        r = __smlad(p[1], b, __smlad(p[0], a, r));
        s = __smlad(p[5], b, __smlad(p[4], a, s));
        t = __smlad(p[9], b, __smlad(p[8], a, t));
        a = (int16x2_t)(eight << 4 & mask), b = (int16x2_t)(eight & mask);
        r = __smlad(p[3], b, __smlad(p[2], a, r));
        s = __smlad(p[7], b, __smlad(p[6], a, s));
        t = __smlad(p[11], b, __smlad(p[10], a, t));
    }
    r >>= 12, s >>= 12, t >>= 12;
#else
    for (; blocks; blocks--, w += 4, column += EIGHT) {
        uint32_t eight = nn_word(w);
        const int16_t *p = column;
#pragma GCC unroll 4
        for (uint32_t i = 0; i < 4; i++, p += 2, eight <<= 4) { /* from the last pair on, the halves' upper bits */
            int32_t odd = (int32_t)eight >> 28, even = (int32_t)(eight << 16) >> 28;
            r += p[6 - 4 * i] * even + p[7 - 4 * i] * odd;
            s += p[14 - 4 * i] * even + p[15 - 4 * i] * odd;
            t += p[22 - 4 * i] * even + p[23 - 4 * i] * odd;
        }
    }
#endif
    sums[0] += r, sums[1] += s, sums[2] += t;
    return w;
}

void nn_conv2d4(const nn_conv4 *op, const int8_t *x, int8_t *y, int16_t *scratch)
{
    uint32_t blocks = ((uint32_t)op->kernel_h * op->kernel_w * op->in_c + 7) >> 3, filters = op->out_c;
    int32_t pixels = op->out_h * op->out_w, oy = 0, ox = 0;
    int8_t *to = y;
    for (int32_t pixel = 0; pixel < pixels; pixel += PIXELS, to += PIXELS * filters) {
        uint32_t held = pixels - pixel < PIXELS ? (uint32_t)(pixels - pixel) : PIXELS;
        const int8_t *w = op->weight;
#pragma GCC unroll 1
        for (uint32_t i = 0; i < held; i++) {
            gather(op, x, oy, ox, scratch + 8 * i);
            if (++ox == op->out_w)
                ox = 0, oy++;
        }
        for (uint32_t f = 0; f < filters; f++) {
            nn_factor q = nn_factor4(op->factor[f]);
            int32_t sums[PIXELS] = {op->bias[f], op->bias[f], op->bias[f]};
            for (uint32_t n = 0; n < blocks; n += MOST)
                w = multiply(w, scratch + n * EIGHT, blocks - n < MOST ? blocks - n : MOST, sums);
#pragma GCC unroll 1
            for (uint32_t i = 0; i < held; i++)
                to[i * filters + f] = (int8_t)nn_requantise(sums[i], q.multiplier, q.shift, op->out_zero);
        }
    }
    nn_limit(y, (uint32_t)pixels * filters, op->low, op->high);
}

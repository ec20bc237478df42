/* Depthwise convolution: the rows under a row of outputs as int16, every channel for itself. May work in place where
   the stride is 1 and the output as large as the input: a row is copied before outputs reach it. */
#include "clamp.h"
#include "depthwise.h"
#include "nn_memory.h"

typedef struct {
    int16_t *ring, *zeros, *weight; /* rows of some channels, as many as a window has; a row outside; weights */
    const int16_t **rows;
    uint32_t pitch, taps; /* int16 of a row, and of weights, of one channel */
} space;

#ifdef NN_SMLAD
/* Two pixels of four channels, less the zero point, to the rows of the channels. */
static inline uint32_t *pair(uint32_t a, uint32_t b, int16x2_t minus, uint32_t words, uint32_t *to)
{
    uint32_t a02 = (uint32_t)__sxtab16(minus, (int8x4_t)a), a13 = (uint32_t)__sxtab16(minus, (int8x4_t)nn_ror(a, 8));
    uint32_t b02 = (uint32_t)__sxtab16(minus, (int8x4_t)b), b13 = (uint32_t)__sxtab16(minus, (int8x4_t)nn_ror(b, 8));
    to[0] = (a02 & 0xffff) | b02 << 16;
    to[words] = (a13 & 0xffff) | b13 << 16;
    to[2 * words] = a02 >> 16 | (b02 & 0xffff0000);
    to[3 * words] = a13 >> 16 | (b13 & 0xffff0000);
    return to + 1;
}
#endif

/* A row of one channel, or of four, as int16 less the zero point. */
static void widen(const nn_axis *along, int32_t in_zero, const int8_t *x, uint32_t channels, uint32_t pitch, int16_t *to)
{
    int32_t fit = (int32_t)pitch - along->pad;
    uint32_t step = (uint32_t)along->x_step, n = (uint32_t)(fit < 0 ? 0 : along->in < fit ? along->in : fit);
    (void)channels;
    to += along->pad;
    if (!n)
        return;
#ifdef NN_SMLAD
    if (channels == 4) {
        int16x2_t minus = (int16x2_t)((uint32_t)(-in_zero & 0xffff) * 0x10001u);
        uint32_t zero = (uint32_t)(in_zero & 0xff) * 0x1010101u, words = pitch >> 1;
        uint32_t *word = (uint32_t *)(void *)(to - (along->pad & 1));
        if (along->pad & 1) { /* then the others are whole words */
            word = pair(zero, nn_word(x), minus, words, word);
            n--;
            x += step;
        }
#pragma GCC unroll 2
        for (; n >= 2; n -= 2, x += 2 * step)
            word = pair(nn_word(x), nn_word(x + step), minus, words, word);
        if (n)
            pair(nn_word(x), zero, minus, words, word);
        return;
    }
#endif
#pragma GCC unroll 2
    for (; n; n--, x += step)
        *to++ = (int16_t)(*x - in_zero + NN_MOVED);
}

/* Some channels, one behind the other, of all outputs. */
static void part(const nn_conv *op, const nn_axis *along, const nn_axis *across, const space *s, uint32_t first,
                 uint32_t channels, const int8_t *x, int8_t *y)
{
    int32_t size = (int32_t)(channels * s->pitch), window = across->kernel, row = -across->pad, next = 0;
    int32_t place = (row % window + window) % window; /* of a row in the ring: row modulo window */
    nn_row outputs = {s->rows, s->weight, op->channel + first, y + first, s->pitch, s->taps, channels};
    for (uint32_t c = 0; c < channels; c++)
        nn_taps(op, along, across, op->weight + first + c, outputs.q[c].shift, s->weight + c * s->taps);
    for (int32_t out = 0; out < across->out; out++, row += across->stride, outputs.y += across->y_step) {
        for (int32_t i = 0, at = place; i < window; i++, at = at + 1 == window ? 0 : at + 1) {
            int16_t *to = s->ring + at * size;
            int inside = row + i >= 0 && row + i < across->in;
            s->rows[i] = inside ? to : s->zeros;
            if (inside && row + i >= next)
                widen(along, op->in_zero, x + (row + i) * across->x_step + first, channels, s->pitch, to);
        }
        next = row + window;
        place = (place + across->stride) % window;
        nn_outputs(op, along, across, &outputs);
    }
}

#ifndef NN_SMLAD
void nn_taps(const nn_conv *op, const nn_axis *along, const nn_axis *across, const int8_t *w, int32_t shift, int16_t *to)
{
    (void)op;
    (void)shift;
    for (int32_t i = 0; i < across->kernel; i++)
        for (int32_t j = 0; j < along->kernel; j++)
            *to++ = w[i * across->w_step + j * along->w_step];
}

/* Windows of 3x3. The weights lie on the stack, from where a load takes one instruction. */
static void three(const nn_row *row, const nn_axis *along, int32_t sum, int32_t zero)
{
    const nn_value *a = (const nn_value *)row->rows[0], *b = (const nn_value *)row->rows[1];
    const nn_value *c = (const nn_value *)row->rows[2];
    int32_t w[9], m = row->q->multiplier, shift = row->q->shift, step = along->stride;
    int8_t *y = row->y;
    for (int32_t i = 0; i < 9; i++)
        w[i] = row->weight[i];
#pragma GCC unroll 1
    for (int32_t left = along->out; left; left--, a += step, b += step, c += step, y += along->y_step) {
        int32_t acc = sum + a[0] * w[0];
        acc += a[1] * w[1];
        acc += a[2] * w[2];
        acc += b[0] * w[3];
        acc += b[1] * w[4];
        acc += b[2] * w[5];
        acc += c[0] * w[6];
        acc += c[1] * w[7];
        acc += c[2] * w[8];
        *y = (int8_t)nn_requantise(acc, m, shift, zero);
    }
}

void nn_outputs(const nn_conv *op, const nn_axis *along, const nn_axis *across, nn_row *row)
{
    const nn_channel *q = row->q;
    int8_t *y = row->y;
    int32_t sum = q->bias, taps = across->kernel * along->kernel;
    for (int32_t i = 0; NN_MOVED && i < taps; i++)
        sum -= NN_MOVED * row->weight[i];
    if (along->kernel == 3 && across->kernel == 3) {
        three(row, along, sum, op->out_zero);
        return;
    }
    for (int32_t out = 0, at = 0; out < along->out; out++, at += along->stride, y += along->y_step) {
        const int16_t *w = row->weight;
        int32_t acc = sum;
        for (int32_t i = 0; i < across->kernel; i++) {
            const int16_t *x = row->rows[i] + at;
            for (int32_t j = along->kernel; j; j--)
                acc += *x++ * *w++;
        }
        *y = (int8_t)nn_requantise(acc, q->multiplier, q->shift, op->out_zero);
    }
}
#endif

void nn_depthwise(const nn_conv *op, const int8_t *x, int8_t *y, int16_t *scratch)
{
    int32_t depth = op->in_c, most = 1;
    nn_axis h = {op->in_h, op->out_h, op->kernel_h, op->stride_h, op->top, op->in_w * depth, op->out_w * depth,
                 op->kernel_w * depth};
    nn_axis w = {op->in_w, op->out_w, op->kernel_w, op->stride_w, op->left, depth, depth, depth};
    int down = (h.kernel == 1) == (w.kernel == 1) ? h.out > w.out : w.kernel == 1;
    const nn_axis *along = down ? &h : &w, *across = down ? &w : &h;
    uint32_t window = (uint32_t)across->kernel, taps = (uint32_t)along->kernel;
    space s;
    s.taps = window * ((taps + 2) & ~1u);
#ifdef NN_SMLAD
    if (along->stride <= 2 && nn_line(along, across)) {
        taps = 9;
        s.taps = 12;
    }
    if (depth >= 4 && along->stride <= 2 && ((op->kernel_h == 3 && op->kernel_w == 3) || nn_line(along, across)))
        most = 4; /* others have much to do per row, and take less space one by one */
#endif
    s.pitch = ((uint32_t)((along->out - 1) * along->stride) + taps + 4) & ~1u;
#if UINTPTR_MAX > UINT32_MAX /* a computer: the scratch that was planned has room for pointers of 32 bits */
    const int16_t *rows[UINT8_MAX];
    s.rows = rows;
#else
    s.rows = (const int16_t **)(void *)scratch;
#endif
    s.weight = scratch + 2 * window;
    s.zeros = s.weight + (uint32_t)most * s.taps;
    s.ring = s.zeros + (uint32_t)most * s.pitch;
    memset(s.zeros, NN_MOVED & 0xff, 2 * s.pitch * (uint32_t)most * (window + 1));
    for (int32_t c = 0, n; c < depth; c += n) {
        n = depth - c < most ? 1 : most;
        part(op, along, across, &s, (uint32_t)c, (uint32_t)n, x, y);
    }
    nn_limit(y, (uint32_t)(op->out_h * op->out_w * depth), op->low, op->high);
}

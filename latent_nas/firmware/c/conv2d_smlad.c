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

/* Adds to acc[4] the products of two rows of int8 weights w, v with two columns p, r, blocks of four values at a time:
 * acc = {w p, v p, w r, v r}. All 14 registers are in use, which compilers do not manage without spilling. */
void nn_dot22(const int8_t *w, const int8_t *v, const int16_t *p, const int16_t *r, uint32_t blocks, int32_t *acc);

#define BLOCK                                                                                     \
    "ldr r8, [r0], #4\n ldr r10, [r1], #4\n sxtb16 r9, r8\n sxtb16 r8, r8, ror #8\n"              \
    "sxtb16 r11, r10\n sxtb16 r10, r10, ror #8\n"                                                 \
    "ldr r12, [r2], #4\n smlad r4, r9, r12, r4\n smlad r5, r11, r12, r5\n"                        \
    "ldr r12, [r2], #4\n smlad r4, r8, r12, r4\n smlad r5, r10, r12, r5\n"                        \
    "ldr r12, [r3], #4\n smlad r6, r9, r12, r6\n smlad r7, r11, r12, r7\n"                        \
    "ldr r12, [r3], #4\n smlad r6, r8, r12, r6\n smlad r7, r10, r12, r7\n"

__asm(".syntax unified\n .section .text.nn_dot22,\"ax\",%progbits\n .p2align 2\n .thumb\n .thumb_func\n"
      ".global nn_dot22\n .type nn_dot22, %function\n"
      "nn_dot22:\n push {r4-r11, lr}\n ldr r12, [sp, #40]\n ldm r12, {r4-r7}\n ldr r12, [sp, #36]\n"
      "lsrs lr, r12, #1\n bcc 1f\n" BLOCK "1:\n cmp lr, #0\n beq 3f\n"
      "2:\n" BLOCK BLOCK "subs lr, lr, #1\n bne 2b\n"
      "3:\n ldr r12, [sp, #40]\n stm r12, {r4-r7}\n pop {r4-r11, pc}\n"
      ".size nn_dot22, . - nn_dot22\n .text\n");

/* The outputs of all filters for two columns a0, a1 of k values. */
static void multiply(const nn_conv *op, const int16_t *a0, const int16_t *a1, uint32_t k, int8_t *y0, int8_t *y1)
{
    const int8_t *w = op->weight;
    const nn_channel *q = op->channel;
    int32_t zero = op->out_zero;
    uint32_t blocks = k >> 2, whole = k & ~3u;
    for (uint32_t pairs = op->out_c >> 1; pairs; pairs--, q += 2, w += 2 * k) {
        int32_t acc[4] = {q[0].bias, q[1].bias, q[0].bias, q[1].bias};
        nn_dot22(w, w + k, a0, a1, blocks, acc);
        for (uint32_t i = whole; i < k; i++) {
            acc[0] += w[i] * a0[i];
            acc[1] += w[k + i] * a0[i];
            acc[2] += w[i] * a1[i];
            acc[3] += w[k + i] * a1[i];
        }
        int32_t m = q[0].multiplier, s = q[0].shift;
        *y0++ = (int8_t)nn_requantise(acc[0], m, s, zero);
        *y1++ = (int8_t)nn_requantise(acc[2], m, s, zero);
        m = q[1].multiplier;
        s = q[1].shift;
        *y0++ = (int8_t)nn_requantise(acc[1], m, s, zero);
        *y1++ = (int8_t)nn_requantise(acc[3], m, s, zero);
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

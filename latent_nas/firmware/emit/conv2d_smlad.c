/* Convolution for cores with SMLAD: two windows at a time as int16 columns, times two filters at a time. */
#include "conv2d.h"
#ifdef NN_SMLAD
#include "memory.h"

/* int8 to int16; of every four values the first and third share a word, the second and fourth the next. */
static void widen(const int8_t *x, int16_t *column, uint32_t n)
{
    for (uint32_t blocks = n >> 2; blocks; blocks--) {
        uint32_t four = nn_word(x);
        int16x2_t even = __sxtb16((int8x4_t)four), odd = __sxtb16((int8x4_t)nn_ror(four, 8));
        *(nn_unaligned *)column = (uint32_t)even;
        *(nn_unaligned *)(column + 2) = (uint32_t)odd;
        x += 4;
        column += 4;
    }
    for (n &= 3; n; n--)
        *column++ = *x++;
}

/* Pairs of filters times two columns of whole blocks of four values, requantised; no shift is negative. */
typedef struct {
    const int8_t *w;
    const int16_t *a0, *a1;
    uint32_t blocks, k;
    const nn_channel *q;
    int32_t offset; /* 2 * zero + 1 */
    int8_t *y0, *y1;
    uint32_t pairs;
} job;

void nn_filters22(job *todo);

#define BLOCK                                                                                     \
    "ldr r8, [r0], #4\n ldr r10, [r1], #4\n sxtb16 r9, r8\n sxtb16 r8, r8, ror #8\n"              \
    "sxtb16 r11, r10\n sxtb16 r10, r10, ror #8\n"                                                 \
    "ldr r12, [r2], #4\n smlad r4, r9, r12, r4\n smlad r5, r11, r12, r5\n"                        \
    "ldr r12, [r2], #4\n smlad r4, r8, r12, r4\n smlad r5, r10, r12, r5\n"                        \
    "ldr r12, [r3], #4\n smlad r6, r9, r12, r6\n smlad r7, r11, r12, r7\n"                        \
    "ldr r12, [r3], #4\n smlad r6, r8, r12, r6\n smlad r7, r10, r12, r7\n"
#define WRITE(m, s, a, b)                                                                         \
    "ldr r9, [r8, #" m "]\n ldr r10, [r8, #" s "]\n smmul " a ", " a ", r9\n smmul " b ", " b     \
    ", r9\n asr " a ", " a ", r10\n asr " b ", " b ", r10\n add " a ", " a ", r0\n add " b ", " b \
    ", r0\n ssat " a ", #8, " a ", asr #1\n ssat " b ", #8, " b ", asr #1\n"                      \
    "strb " a ", [r2], #1\n strb " b ", [r3], #1\n"

/* All 14 registers are in use, which compilers do not manage without spilling in the inner loop. */
__asm(".syntax unified\n .section .text.nn_filters22,\"ax\",%progbits\n .p2align 2\n .thumb\n .thumb_func\n"
      ".global nn_filters22\n .type nn_filters22, %function\n"
      "nn_filters22:\n push {r0, r4-r11, lr}\n"
      "1:\n ldr r12, [sp]\n ldm r12, {r0, r2, r3, lr}\n ldr r1, [r12, #16]\n ldr r8, [r12, #20]\n add r1, r0\n"
      "ldr r4, [r8]\n ldr r5, [r8, #12]\n mov r6, r4\n mov r7, r5\n"
      "lsrs lr, lr, #1\n bcc 2f\n" BLOCK "2:\n cmp lr, #0\n beq 4f\n"
      "3:\n" BLOCK BLOCK "subs lr, lr, #1\n bne 3b\n"
      "4:\n ldr r12, [sp]\n str r1, [r12]\n ldr r8, [r12, #20]\n ldr r0, [r12, #24]\n ldrd r2, r3, [r12, #28]\n"
      WRITE("4", "8", "r4", "r6") WRITE("16", "20", "r5", "r7")
      "add r8, #24\n str r8, [r12, #20]\n strd r2, r3, [r12, #28]\n"
      "ldr r9, [r12, #36]\n subs r9, #1\n str r9, [r12, #36]\n bne 1b\n"
      "pop {r0, r4-r11, pc}\n"
      ".size nn_filters22, . - nn_filters22\n .text\n");

/* How many pairs of filters nn_filters22 can take: all or none. */
static uint32_t fast_pairs(const nn_conv *op, uint32_t k)
{
    for (uint32_t f = 0; f < op->out_c; f++)
        if (op->channel[f].shift < 0 || k % 4)
            return 0;
    return op->out_c >> 1;
}

/* The outputs of all filters for two columns of k values. */
static void multiply(const nn_conv *op, uint32_t pairs, const int16_t *a0, const int16_t *a1, uint32_t k, int8_t *y0,
                     int8_t *y1)
{
    const int8_t *w = op->weight + 2 * pairs * k;
    int32_t zero = op->out_zero;
    if (pairs) {
        job todo = {op->weight, a0, a1, k >> 2, k, op->channel, 2 * zero + 1, y0, y1, pairs};
        nn_filters22(&todo);
    }
    for (uint32_t f = 2 * pairs; f < op->out_c; f++) {
        const nn_channel *q = &op->channel[f];
        const int16_t *p = a0, *r = a1;
        int32_t w0 = q->bias, w1 = w0;
        for (uint32_t blocks = k >> 2; blocks; blocks--) {
            uint32_t four = nn_word(w);
            int16x2_t even = __sxtb16((int8x4_t)four), odd = __sxtb16((int8x4_t)nn_ror(four, 8));
            w0 = __smlad(odd, (int16x2_t)nn_word(p + 2), __smlad(even, (int16x2_t)nn_word(p), w0));
            w1 = __smlad(odd, (int16x2_t)nn_word(r + 2), __smlad(even, (int16x2_t)nn_word(r), w1));
            w += 4;
            p += 4;
            r += 4;
        }
        for (uint32_t rest = k & 3; rest; rest--) {
            w0 += *w * *p++;
            w1 += *w++ * *r++;
        }
        y0[f] = (int8_t)nn_requantise(w0, q->multiplier, q->shift, zero);
        y1[f] = (int8_t)nn_requantise(w1, q->multiplier, q->shift, zero);
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
        uint32_t pairs = fast_pairs(op, k);
        int32_t oy = 0, ox = 0;
        for (uint32_t i = 0; i < pixels; i++) {
            int odd = i & 1, last = i + 1 == pixels;
            gather(op, x, oy, ox, k, scratch + (odd ? k : 0));
            if (odd) {
                multiply(op, pairs, scratch, scratch + k, k, to, to + op->out_c);
                to += 2 * op->out_c;
            } else if (last) {
                multiply(op, pairs, scratch, scratch, k, to, to);
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
    uint32_t pixels = (uint32_t)op->out_h * op->out_w, k = op->in_c, pairs = fast_pairs(op, k);
    int8_t *to = y;
    for (uint32_t twice = pixels >> 1; twice; twice--) {
        widen(x, scratch, k);
        widen(x + k, scratch + k, k);
        multiply(op, pairs, scratch, scratch + k, k, to, to + op->out_c);
        x += 2 * k;
        to += 2 * op->out_c;
    }
    if (pixels & 1) {
        widen(x, scratch, k);
        multiply(op, pairs, scratch, scratch, k, to, to);
    }
    nn_limit(y, pixels * op->out_c, op->low, op->high);
}
#else
typedef int nn_conv2d_smlad_is_empty;
#endif

/* Depthwise convolution: taps outside the image are left out. SMLAD cores take four channels at a time. */
#include "clamp.h"
#include "kernels.h"
#include "requantise.h"

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
/* Four channels at a time, from the first tap at x, w on: their outputs to y, or their sums to acc. */
typedef struct {
    int32_t x_row, w_row, step;
    uint32_t minus; /* -zero, twice */
    int32_t rows, columns, x_skip, w_skip; /* from the end of a row to the next */
    int32_t fast; /* no shift is negative: write y, else acc */
    int32_t offset; /* 2 * zero + 1 */
    int8_t *y;
    int32_t acc[4];
} job;

void nn_taps4(const int8_t *x, const int8_t *w, const nn_channel *q, job *todo);

#define TAP(at)                                                                                     \
    "ldr r8, [r0" at "]\n ldr r9, [r1" at "]\n"                                                     \
    "sxtab16 r10, r12, r8\n sxtb16 r11, r9\n sxtab16 r8, r12, r8, ror #8\n sxtb16 r9, r9, ror #8\n" \
    "smlabb r4, r10, r11, r4\n smlatt r6, r10, r11, r6\n smlabb r5, r8, r9, r5\n smlatt r7, r8, r9, r7\n"

#define WRITE(acc, m, s, at)                                                                        \
    "ldr r8, [r2, #" m "]\n ldr r9, [r2, #" s "]\n smmul " acc ", " acc ", r8\n asr " acc ", " acc  \
    ", r9\n add " acc ", r0\n ssat " acc ", #8, " acc ", asr #1\n strb " acc ", [r1, #" at "]\n"

/* All registers are in use, which compilers do not manage without spilling; rows of three taps have their own loop. */
__asm(".syntax unified\n .section .text.nn_taps4,\"ax\",%progbits\n .p2align 2\n .thumb\n .thumb_func\n"
      ".global nn_taps4\n .type nn_taps4, %function\n"
      "nn_taps4:\n push {r2-r11, lr}\n"
      "ldr r4, [r2]\n ldr r5, [r2, #12]\n ldr r6, [r2, #24]\n ldr r7, [r2, #36]\n"
      "ldr r2, [r3, #8]\n ldr r12, [r3, #12]\n ldr lr, [r3, #16]\n ldr r8, [r3, #20]\n cmp lr, #0\n beq 4f\n"
      "cmp r8, #3\n bne 2f\n"
      "1:\n" TAP("") TAP(", r2") TAP(", r2, lsl #1")
      "ldrd r8, r9, [r3]\n add r0, r8\n add r1, r9\n subs lr, lr, #1\n bne 1b\n b 4f\n"
      "2:\n ldr r3, [sp, #4]\n ldr r3, [r3, #20]\n"
      "3:\n" TAP("") "add r0, r2\n add r1, r2\n subs r3, #1\n bne 3b\n"
      "ldr r3, [sp, #4]\n ldrd r8, r9, [r3, #24]\n add r0, r8\n add r1, r9\n subs lr, lr, #1\n bne 2b\n"
      "4:\n ldr r2, [sp]\n ldr r3, [sp, #4]\n ldr r8, [r3, #32]\n cmp r8, #0\n beq 5f\n ldrd r0, r1, [r3, #36]\n"
      WRITE("r4", "4", "8", "0") WRITE("r5", "16", "20", "1") WRITE("r6", "28", "32", "2") WRITE("r7", "40", "44", "3")
      "pop {r2-r11, pc}\n"
      "5:\n add r3, #44\n stm r3, {r4-r7}\n pop {r2-r11, pc}\n"
      ".size nn_taps4, . - nn_taps4\n .text\n");

static int32_t fours(const nn_conv *op, const taps *t, int32_t fast, int8_t *y)
{
    int32_t c = 0, channels = t->channels, zero = op->out_zero;
    const nn_channel *q = op->channel;
    job todo = {t->x_row, t->w_row, channels, (uint32_t)(-op->in_zero & 0xffff) * 0x10001u, t->rows, t->columns,
                t->x_row - t->columns * channels, t->w_row - t->columns * channels, fast, 2 * zero + 1, y, {0, 0, 0, 0}};
    for (; c + 4 <= channels; c += 4, q += 4) {
        todo.y = y + c;
        nn_taps4(t->x + c, t->w + c, q, &todo);
        if (fast)
            continue;
        y[c] = (int8_t)nn_requantise(todo.acc[0], q[0].multiplier, q[0].shift, zero);
        y[c + 1] = (int8_t)nn_requantise(todo.acc[1], q[1].multiplier, q[1].shift, zero);
        y[c + 2] = (int8_t)nn_requantise(todo.acc[2], q[2].multiplier, q[2].shift, zero);
        y[c + 3] = (int8_t)nn_requantise(todo.acc[3], q[3].multiplier, q[3].shift, zero);
    }
    return c;
}
#endif

static inline int32_t most(int32_t a, int32_t b) { return a > b ? a : b; }
static inline int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

void nn_depthwise(const nn_conv *op, const int8_t *x, int8_t *y)
{
    int32_t channels = op->in_c;
    int8_t *to = y;
#ifdef NN_SMLAD
    int32_t fast = 1;
    for (int32_t c = 0; c < channels; c++)
        fast &= op->channel[c].shift >= 0;
#endif
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
            c = fours(op, &t, fast, to);
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

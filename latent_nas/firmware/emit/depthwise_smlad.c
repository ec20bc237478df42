/* Rows of depthwise outputs for cores with SMLAD: two taps at a time. */
#include "depthwise.h"
#ifdef NN_SMLAD
#include "nn_memory.h"

static int quick(const nn_conv *op, const nn_axis *along, const nn_axis *across)
{
    int three = op->kernel_h == 3 && op->kernel_w == 3;
    return op->small && along->stride <= 2 && (three || nn_line(along, across));
}

/* Per row of a window pairs of neighbours. Quick: first and second, second and third. Else: every other has its pair
   once, and a last one alone a 0. Of a quick line three taps are a row. Quick ones of a negative shift are as many times
   as large as it says, so that the kernel need not shift to the left. */
void nn_taps(const nn_conv *op, const nn_axis *along, const nn_axis *across, const int8_t *w, int32_t shift, int16_t *to)
{
    int32_t step = quick(op, along, across) ? 1 : 2, last = along->kernel - (step == 1);
    int32_t times = step == 1 && shift < 0 ? 1 << -shift : 1;
    int32_t rows = across->kernel, next = across->w_step, left = along->kernel, less = 0;
    if (step == 1 && rows == 1) {
        rows = less = 3;
        next = 3 * along->w_step;
        last = 2;
    }
    do {
#pragma GCC unroll 1
        for (int32_t j = 0; j < last; j += step) {
            *to++ = (int16_t)(j < left ? w[j * along->w_step] * times : 0);
            *to++ = (int16_t)(j + 1 < left ? w[(j + 1) * along->w_step] * times : 0);
        }
        w += next;
        left -= less;
    } while (--rows);
}

typedef struct {
    const int16_t *rows[3];
    const int16_t *weight;
    const nn_channel *q;
    int8_t *y;
    uint32_t pitch; /* bytes */
    int32_t n, offset, step; /* outputs of a row; 2 * zero + 1; bytes from output to output */
    uint32_t channels;
} job;

void nn_rows31(job *todo);
void nn_rows32(job *todo);

/* A row of the window of two outputs, by the stride: values in r11 and r12, sums in r9 and r10. */
#define STRIDE1(row, w01, w12)                                                                    \
    "ldr r12, [" row ", #4]\n ldr r11, [" row "], #4\n"                                           \
    "smlad r9, r11, " w01 ", r9\n smlatb r10, r11, " w01 ", r10\n"                                \
    "smlabt r9, r12, " w12 ", r9\n smlad r10, r12, " w12 ", r10\n"
#define STRIDE2(row, w01, w12)                                                                    \
    "ldr r12, [" row ", #4]\n ldr r11, [" row "], #8\n"                                           \
    "smlabt r9, r12, " w12 ", r9\n smlad r10, r12, " w01 ", r10\n ldr r12, [" row "]\n"           \
    "smlad r9, r11, " w01 ", r9\n smlabt r10, r12, " w12 ", r10\n"

/* Windows 3x3, or lines of nine whose rows begin three apart, two outputs at a time. On the stack: bias, multiplier,
   shift, then offset, step, what is left of n, and the job. Registers: the rows, six pairs of weights, two sums, two
   values, y. Where a shift is negative the bias is as many times as large, as the weights are, and the shift 0. */
#define ROWS(name, ROW)                                                                           \
    __asm(".syntax unified\n .section .text." name ",\"ax\",%progbits\n .p2align 2\n .thumb\n .thumb_func\n" \
          ".weak " name "\n .type " name ", %function\n"                                        \
          name ":\n push {r0, r4-r11, lr}\n sub sp, #24\n"                                        \
          "ldrd r2, r3, [r0, #32]\n strd r2, r3, [sp, #12]\n"                                     \
          "1:\n ldr r12, [sp, #24]\n ldrd r10, r11, [r12, #12]\n ldr lr, [r12, #20]\n"            \
          "ldm r11!, {r0-r2}\n cmp r2, #0\n ittt mi\n rsbmi r3, r2, #0\n lslmi r0, r0, r3\n"      \
          "movmi r2, #0\n stm sp, {r0-r2}\n ldm r10!, {r3-r8}\n"                                 \
          "strd r10, r11, [r12, #12]\n add r0, lr, #1\n str r0, [r12, #20]\n"                     \
          "ldrd r10, r11, [r12, #24]\n str r11, [sp, #20]\n ldm r12, {r0-r2}\n"                   \
          "add r9, r0, r10\n add r11, r2, r10\n add r10, r1\n stm r12, {r9-r11}\n"                \
          "2:\n ldr r9, [sp]\n mov r10, r9\n"                                                     \
          ROW("r0", "r3", "r4") ROW("r1", "r5", "r6") ROW("r2", "r7", "r8")                       \
          "ldrd r11, r12, [sp, #4]\n smmul r9, r9, r11\n smmul r10, r10, r11\n"                   \
          "asr r9, r9, r12\n asr r10, r10, r12\n ldrd r11, r12, [sp, #12]\n add r9, r11\n add r10, r11\n" \
          "ldr r11, [sp, #20]\n ssat r9, #8, r9, asr #1\n ssat r10, #8, r10, asr #1\n"            \
          "subs r11, #2\n str r11, [sp, #20]\n strb r9, [lr]\n it pl\n strbpl r10, [lr, r12]\n"   \
          "add lr, lr, r12, lsl #1\n bgt 2b\n"                                                    \
          "ldr r12, [sp, #24]\n ldr r0, [r12, #40]\n subs r0, #1\n str r0, [r12, #40]\n bne 1b\n" \
          "add sp, #28\n pop {r4-r11, pc}\n"                                                      \
          ".size " name ", . - " name "\n .text\n")
ROWS("nn_rows31", STRIDE1);
ROWS("nn_rows32", STRIDE2);

/* Windows of any size. */
static void any(const nn_conv *op, const nn_axis *along, const nn_axis *across, const nn_row *row)
{
    for (uint32_t c = 0; c < row->channels; c++) {
        const nn_channel *q = row->q + c;
        int8_t *y = row->y + c;
        for (int32_t out = 0, at = (int32_t)(c * row->pitch); out < along->out; out++, at += along->stride) {
            const int16_t *w = row->weight + c * row->taps;
            int32_t acc = q->bias;
            for (int32_t i = 0; i < across->kernel; i++) {
                const int16_t *x = row->rows[i] + at;
#pragma GCC unroll 1
                for (int32_t j = along->kernel; j > 0; j -= 2, x += 2, w += 2)
                    acc = __smlad((int16x2_t)nn_word(x), (int16x2_t)nn_word(w), acc);
            }
            *y = (int8_t)nn_requantise(acc, q->multiplier, q->shift, op->out_zero);
            y += along->y_step;
        }
    }
}

void nn_outputs(const nn_conv *op, const nn_axis *along, const nn_axis *across, nn_row *row)
{
    if (!quick(op, along, across)) {
        any(op, along, across, row);
        return;
    }
    const int16_t **rows = row->rows, *first = rows[0];
    int line = across->kernel == 1;
    job todo = {{first, line ? first + 3 : rows[1], line ? first + 6 : rows[2]}, row->weight, row->q, row->y, 2 * row->pitch, along->out,
                2 * op->out_zero + 1, along->y_step, row->channels};
    if (along->stride == 1)
        nn_rows31(&todo);
    else
        nn_rows32(&todo);
}
#else
typedef int nn_depthwise_smlad_is_empty;
#endif

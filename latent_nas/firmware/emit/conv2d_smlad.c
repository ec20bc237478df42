/* Three columns times pairs of filters, for cores with SMLAD: loads come in sequences, which take a cycle less each. */
#include "conv2d.h"
#ifdef NN_SMLAD
#include "nn_memory.h"

/* Rows of int8, aligned to words, to a column; the next row begins ``step`` bytes behind the end of the one before. */
__asm(".syntax unified\n .section .text.nn_widen,\"ax\",%progbits\n .p2align 2\n .thumb\n .thumb_func\n"
      ".global nn_widen\n .type nn_widen, %function\n"
      "nn_widen:\n push {r4-r10, lr}\n ldr lr, [sp, #32]\n"
      "1:\n subs r8, r2, #4\n blo 3f\n"
      "2:\n ldm r0!, {r4-r7}\n"
      "rev16 r9, r4\n eor r9, r9, #0x7f007f\n sxtb16 r10, r4, ror #8\n str r9, [r1]\n str r10, [r1, #12]\n"
      "rev16 r9, r5\n eor r9, r9, #0x7f007f\n sxtb16 r10, r5, ror #8\n str r9, [r1, #24]\n str r10, [r1, #36]\n"
      "rev16 r9, r6\n eor r9, r9, #0x7f007f\n sxtb16 r10, r6, ror #8\n str r9, [r1, #48]\n str r10, [r1, #60]\n"
      "rev16 r9, r7\n eor r9, r9, #0x7f007f\n sxtb16 r10, r7, ror #8\n str r9, [r1, #72]\n str r10, [r1, #84]\n"
      "adds r1, #96\n subs r8, #4\n bhs 2b\n"
      "3:\n adds r8, #4\n beq 5f\n"
      "4:\n ldr r4, [r0], #4\n rev16 r9, r4\n eor r9, r9, #0x7f007f\n sxtb16 r10, r4, ror #8\n str r9, [r1]\n str r10, [r1, #12]\n"
      "adds r1, #24\n subs r8, #1\n bne 4b\n"
      "5:\n add r0, lr\n subs r3, #1\n bne 1b\n"
      "pop {r4-r10, pc}\n"
      ".size nn_widen, . - nn_widen\n .text\n");

typedef struct {
    const int8_t *w;
    const int32_t *columns;
    const nn_channel *q;
    uint32_t rounds, rest; /* of eight blocks, and the blocks of a first one that is not whole */
    int32_t offset;        /* 2 * zero + 1 */
    int8_t *y;
    uint32_t second, third; /* outputs of the other pixels, behind y; 0: there is no such pixel */
    int32_t pairs;          /* of filters; 0: the sums of one go to acc */
    int32_t acc[6];
} job;

/* Multiply and requantise; no shift is negative. Leaves w, q and y behind what was used. */
void nn_filters23(job *todo);

#define THREE(w, a, b, c)                                                                         \
    "smlad " a ", r10, " w ", " a "\n smlad " b ", r11, " w ", " b "\n smlad " c ", r12, " w ", " c "\n"
#define BLOCK(counts)                                                                             \
    "ldm r0!, {r2, r3}\n ldm r1!, {r10-r12}\n"                                                    \
    "sxtb16 lr, r2\n" THREE("lr", "r4", "r5", "r6") "sxtb16 lr, r3\n" THREE("lr", "r7", "r8", "r9") counts \
    "ldm r1!, {r10-r12}\n" THREE("r2", "r4", "r5", "r6") THREE("r3", "r7", "r8", "r9")
#define WRITE(at, a, b, c)                                                                        \
    "ldrd r2, r3, [r1, #" at "]\n"                                                                \
    "smmul " a ", " a ", r2\n smmul " b ", " b ", r2\n smmul " c ", " c ", r2\n"                  \
    "asr " a ", " a ", r3\n asr " b ", " b ", r3\n asr " c ", " c ", r3\n"                        \
    "add " a ", lr\n add " b ", lr\n add " c ", lr\n"                                             \
    "ssat " a ", #8, " a ", asr #1\n ssat " b ", #8, " b ", asr #1\n ssat " c ", #8, " c ", asr #1\n"
#define STORE(a, b, c) "strb " b ", [r0, r2]\n strb " c ", [r0, r3]\n strb " a ", [r0], #1\n"

/* All 14 registers are in use, which compilers do not manage without spilling: six sums, the two pointers, two words of
   weights, three of columns and one that is a weight, then the counter, which lies at sp + 4. */
__asm(".syntax unified\n .section .text.nn_filters23,\"ax\",%progbits\n .p2align 2\n .thumb\n .thumb_func\n"
      ".global nn_filters23\n .type nn_filters23, %function\n"
      "nn_filters23:\n push {r0, r1, r4-r11, lr}\n mov r12, r0\n"
      "1:\n ldm r12, {r0-r3}\n ldr lr, [r12, #16]\n ldr r4, [r2]\n ldr r7, [r2, #12]\n str r3, [sp, #4]\n"
      "mov r5, r4\n mov r6, r4\n mov r8, r7\n mov r9, r7\n"
      "tbb [pc, lr]\n"
      "2:\n .byte (10f - 2b) / 2\n .byte (17f - 2b) / 2\n .byte (16f - 2b) / 2\n .byte (15f - 2b) / 2\n"
      ".byte (14f - 2b) / 2\n .byte (13f - 2b) / 2\n .byte (12f - 2b) / 2\n .byte (11f - 2b) / 2\n"
      ".macro nn_block last\n" BLOCK(".if \\last\n ldr lr, [sp, #4]\n subs lr, #1\n str lr, [sp, #4]\n .endif\n")
      ".endm\n"
      "10:\n nn_block 0\n 11:\n nn_block 0\n 12:\n nn_block 0\n 13:\n nn_block 0\n 14:\n nn_block 0\n"
      "15:\n nn_block 0\n 16:\n nn_block 0\n 17:\n nn_block 1\n bne 10b\n .purgem nn_block\n"
      "ldr r12, [sp]\n ldr r1, [r12, #8]\n ldr lr, [r12, #20]\n ldr r10, [r12, #36]\n subs r10, #1\n bmi 7f\n"
      WRITE("4", "r4", "r5", "r6") WRITE("16", "r7", "r8", "r9")
      "add r1, r1, #24\n str r0, [r12]\n str r1, [r12, #8]\n str r10, [r12, #36]\n"
      "ldr r0, [r12, #24]\n ldrd r2, r3, [r12, #28]\n"
      STORE("r4", "r5", "r6") STORE("r7", "r8", "r9") "str r0, [r12, #24]\n bne 1b\n"
      "pop {r0, r1, r4-r11, pc}\n"
      "7:\n str r0, [r12]\n add r12, #40\n stm r12, {r4-r9}\n pop {r0, r1, r4-r11, pc}\n"
      ".size nn_filters23, . - nn_filters23\n .text\n");

/* One pair of filters, or the last of an odd number, where shifts may be negative. */
APART static void pair(job *todo, uint32_t filters, int32_t zero)
{
    uint32_t at[NN_PIXELS] = {0, todo->second, todo->third};
    nn_filters23(todo);
    for (uint32_t f = 0; f < filters; f++)
        for (int32_t i = NN_PIXELS - 1; i >= 0; i--) /* the first last: it takes the place of pixels that are not there */
            todo->y[at[i] + f] = (int8_t)nn_requantise(todo->acc[NN_PIXELS * f + (uint32_t)i], todo->q[f].multiplier,
                                                       todo->q[f].shift, zero);
    todo->q += 2;
    todo->y += 2;
}

/* All filters times one column alone. */
APART static void single(const nn_conv *op, const int32_t *column, uint32_t blocks, int8_t *y)
{
    const int8_t *w = op->weight;
    const nn_channel *q = op->channel;
    for (uint32_t f = 0; f < op->out_c; f += 2, q += 2) {
        const int32_t *p = column;
        int32_t s = q[0].bias, t = q[1].bias;
#pragma GCC unroll 2
        for (uint32_t n = blocks; n; n--, p += 2 * NN_PIXELS, w += 8) {
            uint32_t a = nn_word(w), b = nn_word(w + 4);
            int16x2_t first = p[0], second = p[NN_PIXELS];
            s = __smlad(second, (int16x2_t)a, __smlad(first, __sxtb16((int8x4_t)a), s));
            t = __smlad(second, (int16x2_t)b, __smlad(first, __sxtb16((int8x4_t)b), t));
        }
        y[f] = (int8_t)nn_requantise(s, q[0].multiplier, q[0].shift, op->out_zero);
        if (f + 1 < op->out_c)
            y[f + 1] = (int8_t)nn_requantise(t, q[1].multiplier, q[1].shift, op->out_zero);
    }
}

void nn_large(const nn_conv *op, const int8_t *column, int8_t *y)
{
    const int8_t *w = op->weight;
    const nn_channel *q = op->channel;
    for (uint32_t f = 0; f < op->out_c; f += 2, q += 2) {
        const int8_t *p = column;
        int32_t s = q[0].bias, t = q[1].bias;
#pragma GCC unroll 2
        for (uint32_t n = nn_blocks(op); n; n--, p += 4, w += 8) {
            uint32_t a = nn_word(w), b = nn_word(w + 4), x = nn_word(p);
            int16x2_t even = __sxtb16((int8x4_t)x), odd = __sxtb16((int8x4_t)nn_ror(x, 8));
            s = __smlad(odd, __sxtb16((int8x4_t)nn_ror(a, 8)), __smlad(even, __sxtb16((int8x4_t)a), s));
            t = __smlad(odd, __sxtb16((int8x4_t)nn_ror(b, 8)), __smlad(even, __sxtb16((int8x4_t)b), t));
        }
        y[f] = (int8_t)nn_requantise(s, q[0].multiplier, q[0].shift, op->out_zero);
        if (f + 1 < op->out_c)
            y[f + 1] = (int8_t)nn_requantise(t, q[1].multiplier, q[1].shift, op->out_zero);
    }
}

void nn_columns(const nn_conv *op, const int32_t *columns, uint32_t pixels, int8_t *y)
{
    uint32_t blocks = nn_blocks(op), filters = op->out_c, fast = op->small ? filters & ~1u : 0;
    int32_t zero = op->out_zero;
    if (pixels == 1) {
        single(op, columns, blocks, y);
        return;
    }
    job todo; /* its sums are left as they are */
    todo.w = op->weight;
    todo.columns = columns;
    todo.q = op->channel;
    todo.rounds = (blocks + 7) >> 3;
    todo.rest = blocks & 7;
    todo.offset = 2 * zero + 1;
    todo.y = y;
    todo.second = filters;
    todo.third = pixels > 2 ? 2 * filters : 0;
    todo.pairs = (int32_t)(fast >> 1);
    if (fast)
        nn_filters23(&todo);
    for (uint32_t f = fast; f < filters; f += 2)
        pair(&todo, f + 1 < filters ? 2 : 1, zero);
}
#else
typedef int nn_conv2d_smlad_is_empty;
#endif

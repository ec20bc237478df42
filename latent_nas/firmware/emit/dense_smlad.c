/* Four units at a time for cores with SMLAD: their weights come in one sequence of loads. */
#include "dense.h"
#ifdef NN_SMLAD

typedef struct {
    const int8_t *w, *x;
    const nn_channel *q;
    uint32_t rounds, rest; /* of four blocks of four values, and the blocks of a first one that is not whole */
    int32_t offset;        /* 2 * zero + 1 */
    int8_t *y;
    int32_t fours; /* units; 0: the sums of four go to acc */
    int32_t acc[4];
} job;

/* Multiply and requantise; no shift is negative. Leaves w behind what was used. */
void nn_units4(job *todo);
void nn_units4_large(job *todo);

/* Four values times four units. In r10 and r11 the first and second values, see NN_PAIR. */
#define UNIT(w, sum) "sxtb16 r9, " w "\n smlad " sum ", r10, r9, " sum "\n smlad " sum ", r11, " w ", " sum "\n"
#define BLOCK                                                                                     \
    "ldr r11, [r1], #4\n ldm r0!, {r2, r3, r12, lr}\n rev16 r10, r11\n eor r10, r10, #0x7f007f\n" \
    "sxtb16 r11, r11, ror #8\n" UNIT("r2", "r4") UNIT("r3", "r5") UNIT("r12", "r6") UNIT("lr", "r7")
#define UNIT_LARGE(w, sum)                                                                        \
    "sxtb16 r9, " w "\n smlad " sum ", r10, r9, " sum "\n"                                        \
    "sxtb16 " w ", " w ", ror #8\n smlad " sum ", r11, " w ", " sum "\n"
#define BLOCK_LARGE                                                                               \
    "ldr r11, [r1], #4\n ldm r0!, {r2, r3, r12, lr}\n sxtb16 r10, r11\n sxtb16 r11, r11, ror #8\n" \
    UNIT_LARGE("r2", "r4") UNIT_LARGE("r3", "r5") UNIT_LARGE("r12", "r6") UNIT_LARGE("lr", "r7")
#define WRITE(sum, at)                                                                            \
    "ldrd r2, r3, [r1, #" at "]\n smmul " sum ", " sum ", r2\n asr " sum ", " sum ", r3\n"        \
    "add " sum ", r10\n ssat " sum ", #8, " sum ", asr #1\n strb " sum ", [r11], #1\n"

#define UNITS4(name, BLOCK)                                                                       \
    __asm(".syntax unified\n .section .text." name ",\"ax\",%progbits\n .p2align 2\n .thumb\n .thumb_func\n" \
          ".weak " name "\n .type " name ", %function\n"                                        \
          name ":\n push {r0, r4-r11, lr}\n mov r12, r0\n"                                        \
          "1:\n ldm r12, {r0-r3}\n ldr lr, [r12, #16]\n mov r8, r3\n"                             \
          "ldr r4, [r2]\n ldr r5, [r2, #12]\n ldr r6, [r2, #24]\n ldr r7, [r2, #36]\n"            \
          "tbb [pc, lr]\n"                                                                        \
          "2:\n .byte (3f - 2b) / 2\n .byte (6f - 2b) / 2\n .byte (5f - 2b) / 2\n .byte (4f - 2b) / 2\n" \
          "3:\n" BLOCK "4:\n" BLOCK "5:\n" BLOCK "6:\n" BLOCK "subs r8, #1\n bne 3b\n"            \
          "ldr r12, [sp]\n ldr r1, [r12, #8]\n ldr r10, [r12, #20]\n ldrd r11, r8, [r12, #24]\n str r0, [r12]\n" \
          "subs r8, #1\n bmi 7f\n"                                                                \
          WRITE("r4", "4") WRITE("r5", "16") WRITE("r6", "28") WRITE("r7", "40")                  \
          "add r1, r1, #48\n str r1, [r12, #8]\n strd r11, r8, [r12, #24]\n bne 1b\n"             \
          "pop {r0, r4-r11, pc}\n"                                                                \
          "7:\n add r12, #32\n stm r12, {r4-r7}\n pop {r0, r4-r11, pc}\n"                         \
          ".size " name ", . - " name "\n .text\n")
UNITS4("nn_units4", BLOCK);
UNITS4("nn_units4_large", BLOCK_LARGE);

static inline void fours(const nn_dense_args *op, const int8_t *x, int8_t *y, void (*units)(job *))
{
    uint32_t blocks = (op->in_n + 3u) >> 2, n = op->out_n >> 2;
    job todo = {op->weight, x, op->channel, (blocks + 3) >> 2, blocks & 3, 2 * op->out_zero + 1, y,
                op->small ? (int32_t)n : 0, {0, 0, 0, 0}};
    if (op->small && n)
        units(&todo);
    for (uint32_t done = op->small ? n : 0; done < n; done++, todo.q += 4) {
        units(&todo);
        for (int32_t i = 0; i < 4; i++)
            *todo.y++ = (int8_t)nn_requantise(todo.acc[i], todo.q[i].multiplier, todo.q[i].shift, op->out_zero);
    }
}

void nn_fours(const nn_dense_args *op, const int8_t *x, int8_t *y)
{
    fours(op, x, y, nn_units4);
}

void nn_fours_large(const nn_dense_args *op, const int8_t *x, int8_t *y)
{
    fours(op, x, y, nn_units4_large);
}
#else
typedef int nn_dense_smlad_is_empty;
#endif

/* Four units at a time for cores that load a byte at an offset only without its sign: weights are moved by 128, so
   sums are 128 times the inputs' sum too large. Inputs beyond the last meet a moved 0. */
#include "dense.h"
#ifdef NN_UNSIGNED

/* Add the products of the inputs from x to end to four sums; return the weights behind those that were used. */
const int8_t *nn_four(const int8_t *x, const int8_t *w, const int8_t *end, uint32_t *sums);

#define UNIT(at, sum) "ldrb r3, [r1, #" #at "]\n muls r3, r2, r3\n adds " sum ", " sum ", r3\n"
#define VALUE(at, a, b, c, d)                                                                     \
    "ldrb r2, [r0, #" #at "]\n sxtb r2, r2\n" UNIT(a, "r4") UNIT(b, "r5") UNIT(c, "r6") UNIT(d, "r7")
__asm(".syntax unified\n .section .text.nn_four,\"ax\",%progbits\n .p2align 2\n .thumb\n .thumb_func\n"
      ".weak nn_four\n .type nn_four, %function\n"
      "nn_four:\n push {r4-r7, lr}\n mov lr, r2\n mov r12, r3\n ldm r3!, {r4-r7}\n"
      "1:\n" VALUE(0, 0, 4, 8, 12) VALUE(1, 1, 5, 9, 13) VALUE(2, 2, 6, 10, 14) VALUE(3, 3, 7, 11, 15)
      "adds r0, #4\n adds r1, #16\n cmp r0, lr\n bne 1b\n"
      "mov r3, r12\n stm r3!, {r4-r7}\n mov r0, r1\n pop {r4-r7, pc}\n"
      ".size nn_four, . - nn_four\n .text\n");

void nn_fours(const nn_dense_args *op, const int8_t *x, int8_t *y)
{
    const int8_t *w = op->weight, *end = x + ((op->in_n + 3u) & ~3u);
    const nn_channel *q = op->channel;
    uint32_t extra = 0;
#pragma GCC unroll 4
    for (const int8_t *p = x; p != end; p++)
        extra += (uint32_t)(int32_t)*p;
    extra <<= 7;
    for (uint32_t unit = 0; unit + 4 <= op->out_n; unit += 4, q += 4) {
        uint32_t sums[4];
        for (int32_t i = 0; i < 4; i++)
            sums[i] = (uint32_t)q[i].bias - extra;
        w = nn_four(x, w, end, sums);
        for (int32_t i = 0; i < 4; i++)
            *y++ = (int8_t)nn_requantise((int32_t)sums[i], q[i].multiplier, q[i].shift, op->out_zero);
    }
}
#else
typedef int nn_dense_unsigned_is_empty;
#endif

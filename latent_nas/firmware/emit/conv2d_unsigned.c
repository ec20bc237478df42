/* A column times pairs of filters, for cores that load a byte at an offset only without its sign. */
#include "conv2d.h"
#ifdef NN_UNSIGNED

/* Moves the values of a column by 128, to bytes without a sign, and returns 128 times their sum. */
APART static uint32_t unsign(int8_t *column, uint32_t blocks)
{
    uint32_t *words = (uint32_t *)(void *)column, sum = 0;
#pragma GCC unroll 1
    for (; blocks; blocks--) {
        uint32_t word = *words ^ 0x80808080, even = word & 0xff00ff, both = even + (word >> 8 & 0xff00ff);
        *words++ = word;
        sum += (both & 0xffff) + (both >> 16);
    }
    return sum << 7;
}

/* A value of the column times its weight of either filter, 4 bytes apart: x, w and v hold bytes, s and t sums. */
#define VALUE(at, of_s, of_t)                                                                                          \
    "ldrb %[x], [%[p], #" #at "]\n ldrb %[v], [%[w], #" #of_s "]\n muls %[v], %[x], %[v]\n adds %[s], %[s], %[v]\n"      \
    "ldrb %[v], [%[w], #" #of_t "]\n muls %[v], %[x], %[v]\n adds %[t], %[t], %[v]\n"
#define BLOCK VALUE(0, 0, 4) VALUE(1, 1, 5) VALUE(2, 2, 6) VALUE(3, 3, 7)
#define TWO_BLOCKS BLOCK VALUE(4, 8, 12) VALUE(5, 9, 13) VALUE(6, 10, 14) VALUE(7, 11, 15)

void nn_moved(const nn_conv *op, int8_t *column, uint32_t blocks, int8_t *y)
{
    const uint8_t *w = (const uint8_t *)op->weight, *end = (const uint8_t *)column + 4 * blocks;
    const nn_channel *q = op->channel;
    uint32_t extra = unsign(column, blocks), x, v;
    for (uint32_t f = 0; f < op->out_c; f += 2, q += 2) {
        const uint8_t *p = (const uint8_t *)column;
        uint32_t s = (uint32_t)q[0].bias - extra, t = (uint32_t)q[1].bias - extra;
        if (blocks & 1)
            __asm__(".syntax unified\n" BLOCK "adds %[p], #4\n adds %[w], #8\n"
                    : [p] "+l"(p), [w] "+l"(w), [s] "+l"(s), [t] "+l"(t), [x] "=&l"(x), [v] "=&l"(v)::"cc", "memory");
        if (p != end)
            __asm__(".syntax unified\n1:\n" TWO_BLOCKS
                    "adds %[p], #8\n adds %[w], #16\n cmp %[p], %[end]\n bne 1b\n"
                    : [p] "+l"(p), [w] "+l"(w), [s] "+l"(s), [t] "+l"(t), [x] "=&l"(x), [v] "=&l"(v)
                    : [end] "l"(end)
                    : "cc", "memory");
        y[f] = (int8_t)nn_requantise((int32_t)s, q[0].multiplier, q[0].shift, op->out_zero);
        if (f + 1 < op->out_c)
            y[f + 1] = (int8_t)nn_requantise((int32_t)t, q[1].multiplier, q[1].shift, op->out_zero);
    }
}
#else
typedef int nn_conv2d_unsigned_is_empty;
#endif

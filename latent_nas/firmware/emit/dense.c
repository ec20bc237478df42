/* Fully connected layer: four units at a time, then those left over, whose weights lie in rows. The biases hold
   -zero * sum(weights) already. */
#include "dense.h"
#include "nn_memory.h"

/* A sum and a row's products with the input, wrapped as the reference's. */
__attribute__((noinline)) static uint32_t row(const int8_t *x, const int8_t *w, uint32_t n, uint32_t sum)
{
#ifdef NN_SMLAD
    for (; n >= 4; n -= 4, x += 4, w += 4) {
        uint32_t a = nn_word(x), b = nn_word(w);
        int16x2_t a02 = __sxtb16((int8x4_t)a), a13 = __sxtb16((int8x4_t)nn_ror(a, 8));
        int32_t even = __smlad(a02, __sxtb16((int8x4_t)b), (int32_t)sum);
        sum = (uint32_t)__smlad(a13, __sxtb16((int8x4_t)nn_ror(b, 8)), even);
    }
#endif
#pragma GCC unroll 1
    for (; n; n--)
        sum += (uint32_t)(*x++ * *w++);
    return sum;
}

#ifndef NN_SMLAD
void nn_fours_large(const nn_dense_args *op, const int8_t *x, int8_t *y)
{
    const int8_t *w = op->weight;
    const nn_channel *q = op->channel;
    for (uint32_t unit = 0; unit + 4 <= op->out_n; unit += 4, q += 4) {
        const int8_t *p = x;
        uint32_t sums[4] = {(uint32_t)q[0].bias, (uint32_t)q[1].bias, (uint32_t)q[2].bias, (uint32_t)q[3].bias};
        for (uint32_t blocks = (op->in_n + 3u) >> 2; blocks; blocks--, p += 4, w += 16)
#pragma GCC unroll 4
            for (int32_t i = 0; i < 4; i++) {
                sums[0] += (uint32_t)(p[i] * w[i]);
                sums[1] += (uint32_t)(p[i] * w[i + 4]);
                sums[2] += (uint32_t)(p[i] * w[i + 8]);
                sums[3] += (uint32_t)(p[i] * w[i + 12]);
            }
        for (int32_t i = 0; i < 4; i++)
            *y++ = (int8_t)nn_requantise((int32_t)sums[i], q[i].multiplier, q[i].shift, op->out_zero);
    }
}

#ifndef NN_UNSIGNED
void nn_fours(const nn_dense_args *op, const int8_t *x, int8_t *y)
{
    nn_fours_large(op, x, y);
}
#endif
#endif

static void others(const nn_dense_args *op, const int8_t *x, int8_t *y)
{
    uint32_t unit = op->out_n & ~3u;
    const int8_t *w = op->weight + unit * ((op->in_n + 3u) & ~3u);
    for (; unit < op->out_n; unit++, w += op->in_n) {
        const nn_channel *q = &op->channel[unit];
        int32_t sum = (int32_t)row(x, w, op->in_n, (uint32_t)q->bias);
        y[unit] = (int8_t)nn_requantise(sum, q->multiplier, q->shift, op->out_zero);
    }
    nn_limit(y, op->out_n, op->low, op->high);
}

void nn_dense(const nn_dense_args *op, const int8_t *x, int8_t *y)
{
    nn_fours(op, x, y);
    others(op, x, y);
}

void nn_dense_large(const nn_dense_args *op, const int8_t *x, int8_t *y)
{
    nn_fours_large(op, x, y);
    others(op, x, y);
}

/* Fully connected layer; SMLAD cores take two rows at a time. The biases hold -zero * sum(weights) already. */
#include "clamp.h"
#include "kernels.h"
#include "requantise.h"
#ifdef NN_SMLAD
#include "memory.h"
#endif

void nn_dense(const nn_dense_args *op, const int8_t *x, int8_t *y)
{
    uint32_t n = op->in_n, unit = 0;
    const int8_t *w = op->weight;
    const nn_channel *q = op->channel;
#ifdef NN_SMLAD
    for (; unit + 2 <= op->out_n; unit += 2, q += 2) {
        const int8_t *p = x, *v = w + n;
        int32_t s = q[0].bias, t = q[1].bias;
#pragma GCC unroll 2
        for (uint32_t blocks = n >> 2; blocks; blocks--) {
            uint32_t a = nn_word(p), b = nn_word(w), c = nn_word(v);
            int16x2_t a02 = __sxtb16((int8x4_t)a), a13 = __sxtb16((int8x4_t)nn_ror(a, 8));
            s = __smlad(a02, __sxtb16((int8x4_t)b), s);
            s = __smlad(a13, __sxtb16((int8x4_t)nn_ror(b, 8)), s);
            t = __smlad(a02, __sxtb16((int8x4_t)c), t);
            t = __smlad(a13, __sxtb16((int8x4_t)nn_ror(c, 8)), t);
            p += 4;
            w += 4;
            v += 4;
        }
        for (uint32_t rest = n & 3; rest; rest--) {
            s += *p * *w++;
            t += *p++ * *v++;
        }
        w = v;
        y[unit] = (int8_t)nn_requantise(s, q[0].multiplier, q[0].shift, op->out_zero);
        y[unit + 1] = (int8_t)nn_requantise(t, q[1].multiplier, q[1].shift, op->out_zero);
    }
#endif
    for (; unit < op->out_n; unit++, q++) {
        int32_t sum = 0;
        for (uint32_t i = 0; i < n; i++)
            sum += x[i] * *w++;
        sum = (int32_t)((uint32_t)sum + (uint32_t)q->bias);
        y[unit] = (int8_t)nn_requantise(sum, q->multiplier, q->shift, op->out_zero);
    }
    nn_limit(y, op->out_n, op->low, op->high);
}

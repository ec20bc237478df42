/* Fully connected layer of 4-bit weights; cores with SMLAD take eight at a time. */
#include "clamp.h"
#include "kernels.h"
#include "nn_memory.h"
#include "nibble.h"
#include "requantise.h"

/* The biases hold -zero * sum(weights) already. */
void nn_dense4(const nn_dense_args *op, const int8_t *x, int8_t *y)
{
    uint32_t n = op->in_n, bytes = (n + 7) / 8 * 4;
    const int8_t *w = op->weight;
    const nn_channel *q = op->channel;
    for (uint32_t unit = 0; unit < op->out_n; unit++, q++, w += bytes) {
        uint32_t i = 0;
        int32_t sum = 0;
#ifdef NN_SMLAD
        const int8_t *p = x;
        for (; i + 8 <= n; i += 8, p += 8) { /* weights times 16, in the upper halves of bytes */
            uint32_t eight = nn_word(w + (i >> 1)), a = nn_word(p), b = nn_word(p + 4);
            uint32_t low = (eight << 4) & 0xF0F0F0F0u, high = eight & 0xF0F0F0F0u;
            sum = __smlad(__sxtb16((int8x4_t)a), __sxtb16((int8x4_t)low), sum);
            sum = __smlad(__sxtb16((int8x4_t)nn_ror(a, 8)), __sxtb16((int8x4_t)nn_ror(low, 8)), sum);
            sum = __smlad(__sxtb16((int8x4_t)b), __sxtb16((int8x4_t)high), sum);
            sum = __smlad(__sxtb16((int8x4_t)nn_ror(b, 8)), __sxtb16((int8x4_t)nn_ror(high, 8)), sum);
        }
        sum >>= 4;
#endif
        for (; i < n; i++)
            sum += x[i] * nibble(w, i);
        sum = (int32_t)((uint32_t)sum + (uint32_t)q->bias);
        y[unit] = (int8_t)nn_requantise(sum, q->multiplier, q->shift, op->out_zero);
    }
    nn_limit(y, op->out_n, op->low, op->high);
}

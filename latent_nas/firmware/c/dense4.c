/* Rows of 4-bit weights: fully connected layer and table of tokens. Eight weights in four bytes, the first four in the
   low halves; the rest of the last eight is 0. */
#include "conv2d.h"
#include "memory.h"

static int32_t nibble(const int8_t *row, uint32_t i)
{
    int8_t byte = row[(i >> 3) * 4 + (i & 3)];
    return (i & 4 ? byte : (int8_t)((uint8_t)byte << 4)) >> 4;
}

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

void nn_embedding4(const nn_embedding_args *op, uint32_t tokens, const uint16_t *x, int8_t *y)
{
    for (uint32_t bytes = (op->n + 7u) / 8 * 4; tokens; tokens--, x++) {
        const nn_factor *f = op->factor + *x;
        for (uint32_t i = 0; i < op->n; i++)
            *y++ = (int8_t)nn_requantise(nibble(op->weight + *x * bytes, i), f->multiplier, f->shift, op->zero);
    }
}

/* Tokens to rows of a table. */
#include "kernels.h"
#include "requantise.h"

void nn_embedding(const nn_embedding_args *op, uint32_t tokens, const uint16_t *x, int8_t *y)
{
    for (; tokens; tokens--, x++) {
        const nn_factor *f = op->factor + *x;
        const int8_t *row = op->weight + (uint32_t)*x * op->n;
        for (uint32_t i = 0; i < op->n; i++)
            *y++ = (int8_t)nn_requantise(row[i], f->multiplier, f->shift, op->zero);
    }
}

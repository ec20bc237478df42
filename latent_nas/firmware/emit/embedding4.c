/* Tokens to rows of a table of 4-bit weights. */
#include "kernels.h"
#include "nibble.h"
#include "requantise.h"

void nn_embedding4(const nn_embedding_args *op, uint32_t tokens, const uint16_t *x, int8_t *y)
{
    for (uint32_t bytes = (op->n + 7u) / 8 * 4; tokens; tokens--, x++) {
        const nn_factor *f = op->factor + *x;
        for (uint32_t i = 0; i < op->n; i++)
            *y++ = (int8_t)nn_requantise(nibble(op->weight + *x * bytes, i), f->multiplier, f->shift, op->zero);
    }
}

/* A part of a tensor, copied. */
#include "kernels.h"

void nn_slice(const nn_box *op, const int8_t *x, int8_t *y)
{
    x += op->start;
    for (uint32_t row = 0; row < op->rows; row++, x += op->row_stride)
        for (uint32_t run = 0; run < op->runs; run++)
            for (uint32_t i = 0; i < op->length; i++)
                *y++ = x[run * op->run_stride + i];
}

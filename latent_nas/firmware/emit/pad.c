/* The zero point around a tensor. */
#include "kernels.h"

void nn_pad(const nn_box *op, uint32_t n, int8_t zero, const int8_t *x, int8_t *y)
{
    for (uint32_t i = 0; i < n; i++)
        y[i] = zero;
    y += op->start;
    for (uint32_t row = 0; row < op->rows; row++, y += op->row_stride)
        for (uint32_t run = 0; run < op->runs; run++)
            for (uint32_t i = 0; i < op->length; i++)
                y[run * op->run_stride + i] = *x++;
}

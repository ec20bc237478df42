#ifndef NN_CONV2D_H
#define NN_CONV2D_H
#include "clamp.h"
#include "kernels.h"
#include "requantise.h"

#define APART __attribute__((noinline)) /* compilers merge and hoist so much else that registers run out */

/* Values of a window, whole blocks of four: those beyond the window meet weights of 0. */
static inline uint32_t nn_blocks(const nn_conv *op)
{
    return ((uint32_t)op->kernel_h * op->kernel_w * op->in_c + 3) >> 2;
}

enum { NN_PIXELS = 3 }; /* that share the weights, with SMLAD */

/* Columns for NN_PIXELS windows. A block of four values, two pairs as those of NN_PAIR, is two words per window: 256 times
   the first values, less the second, plus 127; then the second values. The words of the windows alternate. */
NN_BEGIN_C
void nn_widen(const int8_t *x, int32_t *column, uint32_t blocks, uint32_t rows, int32_t step);
void nn_columns(const nn_conv *op, const int32_t *columns, uint32_t pixels, int8_t *y);
void nn_large(const nn_conv *op, const int8_t *column, int8_t *y); /* a column of bytes, weights as they are */
void nn_moved(const nn_conv *op, int8_t *column, uint32_t blocks, int8_t *y); /* with NN_UNSIGNED, of one pixel */
NN_END_C
#endif

#ifndef NN_DENSE_H
#define NN_DENSE_H
#include "clamp.h"
#include "kernels.h"
#include "requantise.h"

NN_BEGIN_C
/* Of the units, as many as are in fours; weights as NN_PAIR, or as they are. */
void nn_fours(const nn_dense_args *op, const int8_t *x, int8_t *y);
void nn_fours_large(const nn_dense_args *op, const int8_t *x, int8_t *y);
NN_END_C
#endif

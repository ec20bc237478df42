#ifndef NN_CONV2D_H
#define NN_CONV2D_H
#include "clamp.h"
#include "kernels.h"
#include "requantise.h"

NN_BEGIN_C
void nn_conv2d_plain(const nn_conv *op, const int8_t *x, int8_t *y); /* without the activation's bounds */
NN_END_C
#endif

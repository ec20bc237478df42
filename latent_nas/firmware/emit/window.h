/* The part of a pooling window that lies inside the image. */
#ifndef NN_WINDOW_H
#define NN_WINDOW_H
#include "kernels.h"

typedef struct {
    int32_t y0, y1, x0, x1;
} area;

static inline area inside(const nn_window *op, int32_t oy, int32_t ox)
{
    area a = {oy * op->stride_h - op->top, 0, ox * op->stride_w - op->left, 0};
    a.y1 = a.y0 + op->kernel_h < op->in_h ? a.y0 + op->kernel_h : op->in_h;
    a.x1 = a.x0 + op->kernel_w < op->in_w ? a.x0 + op->kernel_w : op->in_w;
    a.y0 = a.y0 > 0 ? a.y0 : 0;
    a.x0 = a.x0 > 0 ? a.x0 : 0;
    return a;
}
#endif

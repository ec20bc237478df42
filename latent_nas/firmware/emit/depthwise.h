#ifndef NN_DEPTHWISE_H
#define NN_DEPTHWISE_H
#include "kernels.h"
#include "requantise.h"

#ifdef NN_UNSIGNED
#define NN_MOVED 0x101 /* what rows hold more, so that they have no sign; two equal bytes */
typedef uint16_t nn_value;
#else
#define NN_MOVED 0
typedef int16_t nn_value;
#endif

/* Windows slide along the longer side of the image, or along themselves where they are lines; rows are lines along it,
   and follow each other across it. */
typedef struct {
    int32_t in, out, kernel, stride, pad;
    int32_t x_step, y_step, w_step; /* from element to element */
} nn_axis;

/* One row of outputs of some channels, one behind the other; kernels may move what is in it. */
typedef struct {
    const int16_t **rows;  /* of the image, less its zero point, from the first pixel of the first window on */
    const int16_t *weight; /* of the first channel, see nn_taps */
    const nn_channel *q;
    int8_t *y;
    uint32_t pitch, taps, channels; /* from channel to channel: int16 of a row and of weights */
} nn_row;

/* Whether a window is a line of at most nine, which the kernel of 3x3 takes as three rows of three. */
static inline int nn_line(const nn_axis *along, const nn_axis *across)
{
    return across->kernel == 1 && along->kernel <= 9;
}

NN_BEGIN_C
/* Place the weights of one channel, which has that shift, for nn_outputs. */
void nn_taps(const nn_conv *op, const nn_axis *along, const nn_axis *across, const int8_t *w, int32_t shift, int16_t *to);
void nn_outputs(const nn_conv *op, const nn_axis *along, const nn_axis *across, nn_row *row);
NN_END_C
#endif

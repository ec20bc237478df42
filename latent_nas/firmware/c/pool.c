/* Max, average and global pooling. Pixels outside the image do not count. */
#include "requantise.h"

typedef struct {
    int32_t y0, y1, x0, x1;
} area;

static area inside(const nn_window *op, int32_t oy, int32_t ox)
{
    area a = {oy * op->stride_h - op->top, 0, ox * op->stride_w - op->left, 0};
    a.y1 = a.y0 + op->kernel_h < op->in_h ? a.y0 + op->kernel_h : op->in_h;
    a.x1 = a.x0 + op->kernel_w < op->in_w ? a.x0 + op->kernel_w : op->in_w;
    a.y0 = a.y0 > 0 ? a.y0 : 0;
    a.x0 = a.x0 > 0 ? a.x0 : 0;
    return a;
}

void nn_max_pool(const nn_window *op, const int8_t *x, int8_t *y)
{
    for (int32_t oy = 0; oy < op->out_h; oy++)
        for (int32_t ox = 0; ox < op->out_w; ox++) {
            area a = inside(op, oy, ox);
            for (int32_t c = 0; c < op->channels; c++) {
                int32_t best = -128;
                for (int32_t iy = a.y0; iy < a.y1; iy++)
                    for (int32_t ix = a.x0; ix < a.x1; ix++) {
                        int32_t value = x[(iy * op->in_w + ix) * op->channels + c];
                        best = value > best ? value : best;
                    }
                *y++ = (int8_t)best;
            }
        }
}

void nn_avg_pool(const nn_window *op, const int8_t *x, int8_t *y)
{
    for (int32_t oy = 0; oy < op->out_h; oy++)
        for (int32_t ox = 0; ox < op->out_w; ox++) {
            area a = inside(op, oy, ox);
            int32_t count = (a.y1 - a.y0) * (a.x1 - a.x0), half = count / 2;
            for (int32_t c = 0; c < op->channels; c++) {
                int32_t sum = 0;
                for (int32_t iy = a.y0; iy < a.y1; iy++)
                    for (int32_t ix = a.x0; ix < a.x1; ix++)
                        sum += x[(iy * op->in_w + ix) * op->channels + c];
                *y++ = (int8_t)(sum < 0 ? -((half - sum) / count) : (sum + half) / count);
            }
        }
}

void nn_global_avg(uint32_t pixels, uint32_t channels, nn_channel rescale, int32_t in_zero, int32_t out_zero,
                   const int8_t *x, int8_t *y)
{
    for (uint32_t c = 0; c < channels; c++) {
        int32_t sum = 0, count = (int32_t)pixels;
        for (uint32_t i = 0; i < pixels; i++)
            sum += x[i * channels + c];
        sum -= count * in_zero;
        int32_t below = sum / count - (sum % count < 0); /* rounded down, then 16 bits of what is left */
        uint32_t rest = ((uint32_t)(sum - below * count) << 16) / pixels;
        y[c] = (int8_t)nn_requantise(below * 65536 + (int32_t)rest, rescale.multiplier, rescale.shift, out_zero);
    }
}

void nn_global_max(uint32_t pixels, uint32_t channels, nn_channel rescale, int32_t in_zero, int32_t out_zero,
                   const int8_t *x, int8_t *y)
{
    for (uint32_t c = 0; c < channels; c++) {
        int32_t best = -128;
        for (uint32_t i = 0; i < pixels; i++)
            best = x[i * channels + c] > best ? x[i * channels + c] : best;
        y[c] = (int8_t)nn_requantise((best - in_zero) * 65536, rescale.multiplier, rescale.shift, out_zero);
    }
}

/* Average pooling. Pixels outside the image do not count. */
#include "window.h"

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

#ifndef NN_CLAMP_H
#define NN_CLAMP_H
#include "nn_types.h"

NN_BEGIN_C
void nn_clamp(uint32_t n, int32_t low, int32_t high, const int8_t *x, int8_t *y);
NN_END_C

/* An activation's bounds, where they are tighter than int8: mostly they are not, as the zero point of a relu is -128. */
static inline void nn_limit(int8_t *y, uint32_t n, int8_t low, int8_t high)
{
    if (low > -128 || high < 127)
        nn_clamp(n, low, high, y, y);
}
#endif

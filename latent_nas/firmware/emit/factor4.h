#ifndef NN_FACTOR4_H
#define NN_FACTOR4_H
#include "nn_types.h"

/* The factor of a channel, 16 bits: ten of a multiplier's eleven, whose first is 1, and six of a shift, 33 above that of
   nn_channel; 0: no factor. */
static inline nn_factor nn_factor4(uint32_t packed)
{
    nn_factor f = {0, 0};
    if (packed & 63) {
        f.multiplier = (int32_t)(((packed >> 6) | 1024) << 20);
        f.shift = (int32_t)(packed & 63) - 33;
    }
    return f;
}
#endif

/* (acc * multiplier + 2^(s-1)) >> s in 64 bits with s = shift + 33, moved by the zero point, saturated to int8. */
#ifndef NN_REQUANTISE_H
#define NN_REQUANTISE_H
#include "types.h"
#ifdef NN_SMLAD
#include <arm_acle.h>
#endif

NN_BEGIN_C
int32_t nn_requantise_small(int32_t acc, int32_t multiplier, int32_t shift, int32_t zero);
NN_END_C

static inline int32_t nn_saturate(int32_t value)
{
#ifdef NN_SMLAD
    return (int32_t)__builtin_arm_ssat((int)value, 8); /* GCC's __ssat warns of a sign */
#else
    return value < -128 ? -128 : value > 127 ? 127 : value;
#endif
}

/* For s >= 33 the rounding constant is a multiple of 2^32: the high word alone decides, exactly. */
static inline int32_t nn_requantise(int32_t acc, int32_t multiplier, int32_t shift, int32_t zero)
{
    if (shift < 0)
        return nn_requantise_small(acc, multiplier, shift, zero);
    int32_t high = (int32_t)(((int64_t)acc * multiplier) >> 32);
    return nn_saturate(((high >> shift) + 2 * zero + 1) >> 1);
}
#endif

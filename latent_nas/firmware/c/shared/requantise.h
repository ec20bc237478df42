/* (acc * multiplier + 2^(s-1)) >> s in 64 bits with s = shift + 33, moved by the zero point, saturated to int8. */
#ifndef NN_REQUANTISE_H
#define NN_REQUANTISE_H
#include "nn_types.h"
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

/* The high word of a product; multiplier is positive. */
static inline int32_t nn_high(int32_t acc, int32_t multiplier)
{
#ifdef NN_UNSIGNED /* which multiplies to 32 bits only, and would call a routine of 64 times 64 bits */
    uint32_t low = (uint32_t)acc & 0xffff, by = (uint32_t)multiplier & 0xffff;
    int32_t high = acc >> 16, by_high = multiplier >> 16;
    int32_t middle = high * (int32_t)by + (int32_t)(low * by >> 16);
    uint32_t rest = ((uint32_t)middle & 0xffff) + low * (uint32_t)by_high;
    return high * by_high + (middle >> 16) + (int32_t)(rest >> 16);
#else
    return (int32_t)(((int64_t)acc * multiplier) >> 32);
#endif
}

/* For s >= 33 the rounding constant is a multiple of 2^32: the high word alone decides, exactly. */
static inline int32_t nn_requantise(int32_t acc, int32_t multiplier, int32_t shift, int32_t zero)
{
    if (shift < 0)
        return nn_requantise_small(acc, multiplier, shift, zero);
    int32_t high = nn_high(acc, multiplier);
    return nn_saturate(((high >> shift) + 2 * zero + 1) >> 1);
}
#endif

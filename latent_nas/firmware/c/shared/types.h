/* What kernels share. Tensors are NHWC; every kernel equals the integer reference in Python bit by bit. */
#ifndef NN_TYPES_H
#define NN_TYPES_H
#include <stdint.h>

#ifdef __cplusplus
#define NN_BEGIN_C extern "C" {
#define NN_END_C }
#define restrict __restrict
#else
#define NN_BEGIN_C
#define NN_END_C
#endif

/* NN_SMLAD chooses the kernels for cores with the DSP extension; NN_PLAIN forbids them. */
#if defined(__ARM_FEATURE_SIMD32) && !defined(NN_PLAIN)
#define NN_SMLAD 1
#endif

/* Per output channel. real factor = multiplier / 2^(shift + 33); shift is in [-32, 29]. */
typedef struct {
    int32_t bias;
    int32_t multiplier;
    int32_t shift;
} nn_channel;

/* real factor = multiplier / 2^(shift + 33), as in nn_channel; of attention's scores / 2^shift */
typedef struct {
    int32_t multiplier, shift;
} nn_factor;
#endif

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

/* ARMv6-M loads a byte at an offset only without its sign. */
#if defined(__ARM_ARCH_6M__)
#define NN_UNSIGNED 1
#endif

/* Neighbouring weights where sums keep below 2^23. With SMLAD both are one number, 256 * second + first: times the second
   input of a pair it gives 256 times the second product and a rest, which the first weight times (256 * first input -
   second input) makes 256 times the first product. That spares every second weight its widening, and sums are 256 times
   as large. Inputs are shifted by 127 to fit 16 bits, which ``wide`` takes back. With NN_UNSIGNED weights are moved by
   128, to bytes without a sign; sums are 128 times the inputs' sum too large, and ``moved`` holds the rest. */
#if defined(NN_SMLAD)
#define NN_PAIR(first, second) first, (second) - ((first) < 0)
#define NN_PAIRED(bias, wide, moved, multiplier, shift) {wide, multiplier, (shift) + 8}
#elif defined(NN_UNSIGNED)
#define NN_PAIR(first, second) (first) ^ -128, (second) ^ -128
#define NN_PAIRED(bias, wide, moved, multiplier, shift) {moved, multiplier, shift}
#else
#define NN_PAIR(first, second) first, second
#define NN_PAIRED(bias, wide, moved, multiplier, shift) {bias, multiplier, shift}
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

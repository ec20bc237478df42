/* int8 kernels. Tensors are NHWC; every kernel equals the integer reference in Python bit by bit. */
#ifndef NN_KERNELS_H
#define NN_KERNELS_H
#include <stdint.h>

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

/* Convolution. The biases of conv2d and pointwise hold -zero * sum(weights) already; depthwise ones do not. */
typedef struct {
    const int8_t *weight; /* conv2d: (out_c, kernel_h, kernel_w, in_c / groups); depthwise: (kernel_h, kernel_w, c) */
    const nn_channel *channel;
    uint16_t in_h, in_w, in_c, out_h, out_w, out_c;
    uint8_t kernel_h, kernel_w, stride_h, stride_w, top, left;
    uint16_t groups;
    int8_t in_zero, out_zero, low, high;
} nn_conv;

typedef struct {
    const int8_t *weight; /* (out_n, in_n) */
    const nn_channel *channel;
    uint16_t in_n, out_n;
    int8_t out_zero, low, high;
} nn_dense_args;

typedef struct {
    uint16_t in_h, in_w, channels, out_h, out_w;
    uint8_t kernel_h, kernel_w, stride_h, stride_w, top, left;
} nn_window;

/* scratch: conv2d 4 bytes per element of a window, pointwise 4 per input channel; plain kernels use none. */
void nn_conv2d(const nn_conv *op, const int8_t *x, int8_t *y, int16_t *scratch);
void nn_pointwise(const nn_conv *op, const int8_t *x, int8_t *y, int16_t *scratch);
void nn_depthwise(const nn_conv *op, const int8_t *x, int8_t *y);
void nn_dense(const nn_dense_args *op, const int8_t *x, int8_t *y);

typedef struct {
    uint32_t n;
    int32_t multiplier_a, multiplier_b, shift;
    int8_t zero_a, zero_b, zero, low, high;
} nn_add_args;
void nn_add(const nn_add_args *op, const int8_t *a, const int8_t *b, int8_t *y);

void nn_max_pool(const nn_window *op, const int8_t *x, int8_t *y);
void nn_avg_pool(const nn_window *op, const int8_t *x, int8_t *y);
/* rescale.bias is unused; its shift counts the 7 fractional bits of the mean */
void nn_global_avg(uint32_t pixels, uint32_t channels, nn_channel rescale, int32_t in_zero, int32_t out_zero,
                   const int8_t *x, int8_t *y);
void nn_global_max(uint32_t pixels, uint32_t channels, nn_channel rescale, int32_t in_zero, int32_t out_zero,
                   const int8_t *x, int8_t *y);
/* one input of a concatenation: rows of n values into rows of stride values */
void nn_rescale_rows(uint32_t rows, uint32_t n, uint32_t stride, nn_channel rescale, int32_t in_zero,
                     int32_t out_zero, const int8_t *x, int8_t *y);
void nn_clamp(uint32_t n, int32_t low, int32_t high, const int8_t *x, int8_t *y);
void nn_lookup(uint32_t n, const int8_t *table, const int8_t *x, int8_t *y);
void nn_fill(uint32_t n, int8_t value, int8_t *y);

/* real factor = multiplier / 2^(shift + 33), as in nn_channel; of attention's scores / 2^shift */
typedef struct {
    int32_t multiplier, shift;
} nn_factor;

typedef struct {
    const int8_t *weight;    /* (tokens, n); embedding4: packed rows, see dense4.c */
    const nn_factor *factor; /* per token */
    uint16_t n;
    int8_t zero;
} nn_embedding_args;
void nn_embedding(const nn_embedding_args *op, uint32_t tokens, const uint16_t *x, int8_t *y);
void nn_embedding4(const nn_embedding_args *op, uint32_t tokens, const uint16_t *x, int8_t *y);
void nn_dense4(const nn_dense_args *op, const int8_t *x, int8_t *y);

typedef struct {
    const int16_t *gain;
    const int32_t *offset;
    nn_factor rescale;
    int64_t epsilon;
    uint16_t n;
    int8_t zero;
} nn_layer_norm_args;
void nn_layer_norm(const nn_layer_norm_args *op, uint32_t tokens, const int8_t *x, int8_t *y);

typedef struct {
    const int32_t *bias; /* (heads, window): by distance */
    nn_factor score, value;
    uint16_t heads, width, window;
    int8_t zero_q, zero_k, zero_v, zero;
} nn_attention_args;
/* seen: tokens before this one. state: keys and values, 2 * window * features. weights: scratch, one per token */
void nn_attention(const nn_attention_args *op, uint32_t seen, const int8_t *q, const int8_t *k, const int8_t *v,
                  int8_t *y, int8_t *state, int32_t *weights);

/* chance: of a logit so far below the best. state: not 0 */
uint32_t nn_sample(const uint16_t *chance, const int8_t *logits, uint32_t n, uint32_t *state);
#endif

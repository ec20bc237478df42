/* Rows of 4-bit weights: eight weights in four bytes, the first four in the low halves; what the last eight lack is
   0. */
#ifndef NN_NIBBLE_H
#define NN_NIBBLE_H
#include <stdint.h>

static inline int32_t nibble(const int8_t *row, uint32_t i)
{
    int8_t byte = row[(i >> 3) * 4 + (i & 3)];
    return (i & 4 ? byte : (int8_t)((uint8_t)byte << 4)) >> 4;
}
#endif

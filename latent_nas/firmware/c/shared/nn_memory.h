#ifndef NN_MEMORY_H
#define NN_MEMORY_H
/* What the kernels copy with: a C library's, where there is one. */
#include <stddef.h>
#include "nn_types.h"

NN_BEGIN_C
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memset(void *to, int value, size_t n);
NN_END_C

typedef uint32_t __attribute__((aligned(1), may_alias)) nn_unaligned;

static inline uint32_t nn_word(const void *p)
{
    return *(const nn_unaligned *)p;
}

static inline uint32_t nn_ror(uint32_t value, uint32_t bits) /* GCC's arm_acle.h has no __ror */
{
    return value >> bits | value << (32 - bits);
}
#endif

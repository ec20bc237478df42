/* What a compiler may call without a C library, and the kernels do. */
#include "nn_memory.h"

#if defined(__ARM_FEATURE_UNALIGNED)
#define WORDS 1
#endif

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    uint8_t *t = to;
    const uint8_t *f = from;
#ifdef WORDS
    for (; n >= 4; n -= 4, t += 4, f += 4)
        *(nn_unaligned *)t = nn_word(f);
#endif
    for (; n; n--)
        *t++ = *f++;
    return to;
}

void *memset(void *to, int value, size_t n)
{
    uint8_t *t = to;
#ifdef WORDS
    uint32_t four = (uint8_t)value * 0x01010101u;
    for (; n >= 4; n -= 4, t += 4)
        *(nn_unaligned *)t = four;
#endif
    for (; n; n--)
        *t++ = (uint8_t)value;
    return to;
}

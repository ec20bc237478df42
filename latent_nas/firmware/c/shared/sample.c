/* Draws a token by its chance, in integers. */
#include "sample.h"

uint32_t nn_sample(const uint16_t *chance, const int8_t *logits, uint32_t n, uint32_t *state)
{
    int32_t best = -128;
    uint32_t sum = 0, r = *state, token = 0;
    for (uint32_t i = 0; i < n; i++)
        best = logits[i] > best ? logits[i] : best;
    for (uint32_t i = 0; i < n; i++)
        sum += chance[best - logits[i]];
    r ^= r << 13; /* xorshift32 (Marsaglia 2003) */
    r ^= r >> 17;
    r ^= r << 5;
    *state = r;
    uint32_t point = (uint32_t)(((uint64_t)r * sum) >> 32);
    while (point >= chance[best - logits[token]])
        point -= chance[best - logits[token++]];
    return token;
}

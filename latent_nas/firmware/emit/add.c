/* Addition of two tensors, each with a scale of its own; may work in place. */
#include "clamp.h"
#include "kernels.h"
#include "nn_memory.h"
#include "requantise.h"

static inline int8_t sum(const nn_add_args *op, int32_t start, int8_t a, int8_t b)
{
    return (int8_t)nn_saturate(((a * op->multiplier_a + b * op->multiplier_b + start) >> op->shift) + op->zero);
}

void nn_add(const nn_add_args *op, const int8_t *a, const int8_t *b, int8_t *y)
{
    int32_t start = (1 << (op->shift - 1)) - op->zero_a * op->multiplier_a - op->zero_b * op->multiplier_b;
    int8_t *to = y;
    const nn_add_args here = *op; /* in registers: y could be op, for all that a compiler knows */
    uint32_t n = op->n;
    for (; n >= 4; n -= 4, a += 4, b += 4, to += 4) {
        uint32_t four = nn_word(a), more = nn_word(b);
        to[0] = sum(&here, start, (int8_t)four, (int8_t)more);
        to[1] = sum(&here, start, (int8_t)(four >> 8), (int8_t)(more >> 8));
        to[2] = sum(&here, start, (int8_t)(four >> 16), (int8_t)(more >> 16));
        to[3] = sum(&here, start, (int8_t)(four >> 24), (int8_t)(more >> 24));
    }
    for (; n; n--)
        *to++ = sum(&here, start, *a++, *b++);
    nn_limit(y, op->n, op->low, op->high);
}

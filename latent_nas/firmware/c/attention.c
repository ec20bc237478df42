/* Causal attention of one token at a time: keys and values of the window stay in a ring. */
#include "memory.h"
#include "requantise.h"

#define STEPS 256 /* of a score: 1/256 of a doubling of its weight */

/* The weight of every token in the ring, by its slot; returns their sum. */
static uint32_t weigh(const nn_attention_args *op, uint32_t head, uint32_t at, uint32_t count, const int8_t *q,
                      const int8_t *keys, int32_t *weights)
{
    uint32_t features = (uint32_t)op->heads * op->width, sum = 0;
    const int32_t *bias = op->bias + head * op->window;
    int32_t best = INT32_MIN;
    for (uint32_t slot = 0; slot < count; slot++, keys += features) {
        int32_t dot = 0;
        for (uint32_t i = 0; i < op->width; i++)
            dot += (q[i] - op->zero_q) * (keys[i] - op->zero_k);
        uint32_t age = slot <= at ? at - slot : at + op->window - slot;
        int64_t half = (int64_t)1 << (op->score.shift - 1);
        int32_t score = (int32_t)(((int64_t)dot * op->score.multiplier + half) >> op->score.shift) + bias[age];
        weights[slot] = score;
        best = score > best ? score : best;
    }
    for (uint32_t slot = 0; slot < count; slot++) {
        uint32_t below = (uint32_t)best - (uint32_t)weights[slot], halvings = below / STEPS;
        weights[slot] = halvings < 16 ? op->table[below % STEPS] >> halvings : 0;
        sum += (uint32_t)weights[slot];
    }
    return sum;
}

void nn_attention(const nn_attention_args *op, uint32_t seen, const int8_t *q, const int8_t *k, const int8_t *v,
                  int8_t *y, int8_t *state, int32_t *weights)
{
    uint32_t features = (uint32_t)op->heads * op->width, at = seen % op->window;
    uint32_t count = seen < op->window ? seen + 1 : op->window;
    int8_t *keys = state, *values = state + op->window * features;
    memcpy(keys + at * features, k, features);
    memcpy(values + at * features, v, features);
    for (uint32_t head = 0; head < op->heads; head++, q += op->width, keys += op->width) {
        uint32_t sum = weigh(op, head, at, count, q, keys, weights), inverse = 0xFFFFFFFFu / sum;
        uint32_t start = 0u - (uint32_t)op->zero_v * sum; /* may wrap: the total does not */
        for (uint32_t i = 0; i < op->width; i++, values++) {
            const int8_t *p = values;
            uint32_t total = start;
            for (uint32_t slot = 0; slot < count; slot++, p += features)
                total += (uint32_t)(weights[slot] * *p);
            int32_t mean = (int32_t)(((int64_t)(int32_t)total * inverse + 65536) >> 17);
            *y++ = (int8_t)nn_requantise(mean, op->value.multiplier, op->value.shift, op->zero);
        }
    }
}

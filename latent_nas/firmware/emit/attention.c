/* Causal attention of one token at a time: keys and values of the window stay in a ring. */
#include "kernels.h"
#include "nn_memory.h"
#include "requantise.h"

#define STEPS 256 /* of a score: 1/256 of a doubling of its weight */

/* 2^15 * 2^(-i / 256): the weight of a score so far below the best. */
static const uint16_t halved[STEPS] = {
    32768, 32679, 32591, 32503, 32415, 32327, 32240, 32153, 32066, 31979, 31893, 31806, 31720, 31635, 31549, 31464,
    31379, 31294, 31209, 31125, 31041, 30957, 30873, 30790, 30706, 30623, 30541, 30458, 30376, 30293, 30212, 30130,
    30048, 29967, 29886, 29805, 29725, 29644, 29564, 29484, 29405, 29325, 29246, 29167, 29088, 29009, 28931, 28852,
    28774, 28697, 28619, 28542, 28464, 28388, 28311, 28234, 28158, 28082, 28006, 27930, 27855, 27779, 27704, 27629,
    27554, 27480, 27406, 27332, 27258, 27184, 27110, 27037, 26964, 26891, 26818, 26746, 26674, 26601, 26530, 26458,
    26386, 26315, 26244, 26173, 26102, 26031, 25961, 25891, 25821, 25751, 25681, 25612, 25543, 25474, 25405, 25336,
    25268, 25199, 25131, 25063, 24995, 24928, 24860, 24793, 24726, 24659, 24593, 24526, 24460, 24394, 24328, 24262,
    24196, 24131, 24066, 24001, 23936, 23871, 23806, 23742, 23678, 23614, 23550, 23486, 23423, 23359, 23296, 23233,
    23170, 23108, 23045, 22983, 22921, 22859, 22797, 22735, 22674, 22613, 22552, 22491, 22430, 22369, 22309, 22248,
    22188, 22128, 22068, 22009, 21949, 21890, 21831, 21772, 21713, 21654, 21595, 21537, 21479, 21421, 21363, 21305,
    21247, 21190, 21133, 21076, 21019, 20962, 20905, 20849, 20792, 20736, 20680, 20624, 20568, 20513, 20457, 20402,
    20347, 20292, 20237, 20182, 20127, 20073, 20019, 19965, 19911, 19857, 19803, 19750, 19696, 19643, 19590, 19537,
    19484, 19431, 19379, 19326, 19274, 19222, 19170, 19118, 19066, 19015, 18963, 18912, 18861, 18810, 18759, 18708,
    18658, 18607, 18557, 18507, 18457, 18407, 18357, 18308, 18258, 18209, 18160, 18110, 18061, 18013, 17964, 17915,
    17867, 17819, 17770, 17722, 17674, 17627, 17579, 17531, 17484, 17437, 17390, 17343, 17296, 17249, 17202, 17156,
    17109, 17063, 17017, 16971, 16925, 16879, 16834, 16788, 16743, 16697, 16652, 16607, 16562, 16518, 16473, 16428,
};

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
        weights[slot] = halvings < 16 ? halved[below % STEPS] >> halvings : 0;
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

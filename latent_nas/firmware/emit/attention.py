"""Causal attention of one token at a time, over a ring of keys and values."""

from typing import Any

from latent_nas.firmware.emit import C, Call, Emitter
from latent_nas.firmware.emit.constants import array, factor, struct

DECLARES = """typedef struct {
    const int32_t *bias; /* (heads, window): by distance */
    nn_factor score, value;
    uint16_t heads, width, window;
    int8_t zero_q, zero_k, zero_v, zero;
} nn_attention_args;
/* seen: tokens before this one. state: keys and values, 2 * window * features. weights: scratch, one per token */
void nn_attention(const nn_attention_args *op, uint32_t seen, const int8_t *q, const int8_t *k, const int8_t *v,
                  int8_t *y, int8_t *state, int32_t *weights);"""


def attention(call: Call) -> C:
    """Return the constants of an attention, and its call."""
    op: Any = call.node.operator
    c, i = call.constants, call.node.id
    data = array("int32_t", f"bias_{i}", c["bias"].reshape(-1).tolist())
    (m, value_m), (shift, value_shift) = c["multiplier"].tolist(), c["shift"].tolist()
    fields: list[Any] = [f"bias_{i}", f"{{{m}, {shift}}}", factor(value_m, value_shift)]
    fields += [op.heads, op.head_width, op.window, *c["input_zero_points"].tolist(), call.integer("output_zero_point")]
    tensors = f"{', '.join(call.xs)}, {call.y}, {call.state}"
    statement = f"nn_attention(&op_{i}, model_position, {tensors}, (int32_t *)(void *)({call.scratch}));"
    return data + struct("nn_attention_args", f"op_{i}", fields), statement


Kernel = Emitter(attention, (DECLARES,))

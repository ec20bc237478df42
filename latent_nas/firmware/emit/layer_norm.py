"""Layer normalisation."""

from math import prod

from latent_nas.firmware.emit import C, Call, Emitter
from latent_nas.firmware.emit.constants import array, factor, struct

DECLARES = """typedef struct {
    const int16_t *gain;
    const int32_t *offset;
    nn_factor rescale;
    int64_t epsilon;
    uint16_t n;
    int8_t zero;
} nn_layer_norm_args;
void nn_layer_norm(const nn_layer_norm_args *op, uint32_t tokens, const int8_t *x, int8_t *y);"""


def layer_norm(call: Call) -> C:
    """Return the constants of a normalisation, and its call."""
    c, i, n = call.constants, call.node.id, call.node.shape[-1]
    data = array("int16_t", f"gain_{i}", c["weight"].tolist()) + array("int32_t", f"offset_{i}", c["bias"].tolist())
    fields = [f"gain_{i}", f"offset_{i}", factor(call.integer("multiplier"), call.integer("shift"))]
    fields += [f"{call.integer('epsilon')}ll", str(n), str(call.integer("output_zero_point"))]
    statement = f"nn_layer_norm(&op_{i}, {prod(call.node.shape) // n}, {call.xs[0]}, {call.y});"
    return data + struct("nn_layer_norm_args", f"op_{i}", fields), statement


Kernel = Emitter(layer_norm, (DECLARES,))

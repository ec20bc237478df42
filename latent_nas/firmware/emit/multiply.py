"""Product of two tensors."""

from typing import Any

from latent_nas.firmware.emit import C, Call, Emitter
from latent_nas.firmware.emit.constants import factor, struct

DECLARES = """typedef struct {
    uint32_t rows, columns, channels;
    uint32_t b_row, b_column, b_channel; /* by how much the place of b grows from one to the next */
    nn_factor rescale;
    int16_t zero_a, zero_b, zero, low, high;
} nn_multiply_args;
void nn_multiply(const nn_multiply_args *op, const int8_t *a, const int8_t *b, int8_t *y);"""


def multiply(call: Call) -> C:
    """Return the constants of a product, and its call."""
    op: Any = call.node.operator
    c, i = call.constants, call.node.id
    counts, steps = op.loops(*call.inputs)
    fields = [*counts, *steps]
    fields += [factor(call.integer("multiplier"), call.integer("shift")), *c["input_zero_points"].tolist()]
    fields += [call.integer(name) for name in ("output_zero_point", "low", "high")]
    return struct("nn_multiply_args", f"op_{i}", fields), f"nn_multiply(&op_{i}, {call.xs[0]}, {call.xs[1]}, {call.y});"


Kernel = Emitter(multiply, (DECLARES,))

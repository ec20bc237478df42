"""An image read at other rows and columns."""

from typing import Any

from latent_nas.firmware.emit import C, Call, Emitter
from latent_nas.firmware.emit.constants import array
from latent_nas.operators.resize import shares

PLACE = """typedef struct { uint16_t first, share; } nn_place; /* a neighbour, and the next one's share in 2048 */"""
PROTOTYPE = """void nn_resize(uint32_t rows, uint32_t columns, uint32_t width, uint32_t channels, const nn_place *down,
               const nn_place *right, const int8_t *x, int8_t *y);"""


def resize(call: Call) -> C:
    """Return the places, and the call."""
    op: Any = call.node.operator
    i, (_, width, channels) = call.node.id, call.inputs[0]
    data = ""
    for name, places in (("down", op.rows), ("right", op.columns)):
        data += array("nn_place", f"{name}_{i}", [f"{{{first}, {share}}}" for first, share in shares(places)])
    sizes = ", ".join(map(str, (*call.node.shape[:2], width, channels)))
    return data, f"nn_resize({sizes}, down_{i}, right_{i}, {call.xs[0]}, {call.y});"


Kernel = Emitter(resize, (PLACE, PROTOTYPE))

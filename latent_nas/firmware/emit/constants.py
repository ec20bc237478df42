"""Constants of operators as C: arrays, structs, and the nn_channel and nn_factor of a requantisation."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from latent_nas.firmware.emit import Call

ALIGNED = " ALIGNED"  # to four bytes, for kernels that read words


def array(kind: str, name: str, values: Sequence[Any], aligned: str = "") -> str:
    """Return the definition of an array of C type ``kind``."""
    lines = [", ".join(map(str, values[i : i + 24])) for i in range(0, len(values), 24)]
    return f"static const {kind} {name}[{len(values)}]{aligned} = {{\n" + ",\n".join(lines) + "\n};\n"


def struct(kind: str, name: str, values: Sequence[Any]) -> str:
    """Return the definition of a struct of C type ``kind``, its fields in their order."""
    return f"static const {kind} {name} = {{{', '.join(map(str, values))}}};\n"


def channel(bias: int, m: int, shift: int) -> str:
    """Return an nn_channel of a multiplier and a shift; a multiplier of 0 gives 0 under any shift."""
    return f"{{{_int32(bias)}, {m}, {shift - 33 if m else 0}}}"


def factor(m: int, shift: int) -> str:
    """Return an nn_factor, see ``channel``."""
    return f"{{{m}, {shift - 33 if m else 0}}}"


def channels(call: Call, folded: bool) -> list[str]:
    """Return the nn_channels of an operator with weights; ``folded``: biases with -zero * sum(weights), wrapped."""
    c = call.constants
    bias = c["bias"].astype(np.int64)
    if folded:
        bias = bias - call.integer("input_zero_point") * c["weight"].reshape(len(bias), -1).sum(axis=1, dtype=np.int64)
        bias = (bias + 2**31) % 2**32 - 2**31
    rows = zip(bias, c["multiplier"], c["shift"], strict=True)
    return [channel(int(b), int(m), int(s)) for b, m, s in rows]


def weighted(call: Call, weight: np.ndarray, folded: bool) -> str:
    """Return ``weight_<id>`` and ``channel_<id>`` of an operator with weights."""
    i = call.node.id
    return array("int8_t", f"weight_{i}", weight.reshape(-1).tolist(), ALIGNED) + array(
        "nn_channel", f"channel_{i}", channels(call, folded)
    )


def packed(weight: np.ndarray) -> np.ndarray:
    """Return rows (n, k) of 4-bit weights as bytes (n, ceil(k / 8) * 4), see nibble.h."""
    padded = np.pad(weight.astype(np.int16), ((0, 0), (0, -weight.shape[1] % 8)))
    eight = padded.reshape(len(weight), -1, 2, 4)
    return np.asarray(((eight[:, :, 0] & 15) | (eight[:, :, 1] << 4)).astype(np.int8).reshape(len(weight), -1))


def _int32(value: int) -> str:
    return "INT32_MIN" if value == -(2**31) else str(value)

"""Constants of operators as C: arrays, structs, and the nn_channel and nn_factor of a requantisation."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from latent_nas.firmware.emit import Call

ALIGNED = " ALIGNED"  # to four bytes, for kernels that read words


def array(kind: str, name: str, values: Sequence[Any], aligned: str = "", size: int = 0) -> str:
    """Return the definition of an array of C type ``kind``; ``size``: where a value stands for several elements."""
    lines = [", ".join(map(str, values[i : i + 24])) for i in range(0, len(values), 24)]
    return f"static const {kind} {name}[{size or len(values)}]{aligned} = {{\n" + ",\n".join(lines) + "\n};\n"


def struct(kind: str, name: str, values: Sequence[Any]) -> str:
    """Return the definition of a struct of C type ``kind``, its fields in their order."""
    return f"static const {kind} {name} = {{{', '.join(map(str, values))}}};\n"


def channel(bias: int, m: int, shift: int) -> str:
    """Return an nn_channel of a multiplier and a shift; a multiplier of 0 gives 0 under any shift."""
    return f"{{{_int32(bias)}, {m}, {shift - 33 if m else 0}}}"


def factor(m: int, shift: int) -> str:
    """Return an nn_factor, see ``channel``."""
    return f"{{{m}, {shift - 33 if m else 0}}}"


def folded(call: Call) -> np.ndarray:
    """Return the biases (filters,) int64 of an operator with weights less zero * sum(weights), wrapped to 32 bits."""
    bias, rows = (
        call.constants["bias"].astype(np.int64),
        call.constants["weight"].reshape(len(call.constants["bias"]), -1),
    )
    moved = bias - call.integer("input_zero_point") * rows.sum(axis=1, dtype=np.int64)
    return np.asarray((moved + 2**31) % 2**32 - 2**31)


def channels(call: Call, fold: bool) -> list[str]:
    """Return the nn_channels of an operator with weights; ``fold``: with the biases of ``folded``."""
    c = call.constants
    rows = zip(folded(call) if fold else c["bias"], c["multiplier"], c["shift"], strict=True)
    return [channel(int(b), int(m), int(s)) for b, m, s in rows]


def small(call: Call, pairs: bool = False) -> int:
    """Return 1 if no nn_channel of an operator has a negative shift, so that the high words of products are enough.

    Args:
        pairs: channels are NN_PAIRED, whose shifts are larger by 8.
    """
    least = 33 - 8 * pairs
    return int(np.all((call.constants["shift"] >= least) | (call.constants["multiplier"] == 0)))


def pairs_fit(call: Call) -> bool:
    """Return whether all sums keep below 2^23 whatever the input, and weights fit NN_PAIR."""
    c = call.constants
    rows = c["weight"].reshape(len(c["weight"]), -1).astype(np.int64)
    bias = c["bias"].astype(np.int64) - call.integer("input_zero_point") * rows.sum(axis=1)
    most, least = np.maximum(127 * rows, -128 * rows).sum(axis=1), np.minimum(127 * rows, -128 * rows).sum(axis=1)
    below = np.all(bias + most < 2**23) and np.all(bias + least > -(2**23))
    return bool(below and rows.min(initial=0) > -128 and np.all(c["shift"] - 33 + 8 < 32))


def paired_channels(call: Call, firsts: np.ndarray, moves: bool) -> list[str]:
    """Return the nn_channels of an operator with weights in pairs.

    Args:
        firsts: sums of the first weights (outputs,). moves: with NN_UNSIGNED its kernel moves inputs by 128, too.
    """
    zero, rows = call.integer("input_zero_point"), call.constants["weight"].reshape(len(firsts), -1)
    sums = rows.sum(axis=1, dtype=np.int64)
    biases = call.constants["bias"].astype(np.int64) - zero * sums
    wide = (256 * biases - 127 * firsts.astype(np.int64) + 2**31) % 2**32 - 2**31
    moved = biases - 128 * moves * sums
    each = zip(biases, wide, moved, call.constants["multiplier"], call.constants["shift"], strict=True)
    return [f"NN_PAIRED({b}, {_int32(int(w))}, {v}, {m}, {s - 33 if m else 0})" for b, w, v, m, s in each]


def pairs(name: str, values: np.ndarray) -> str:
    """Return the definition of an array of weights (n,) in pairs, n even."""
    return array(
        "int8_t", name, [f"NN_PAIR({a}, {b})" for a, b in values.reshape(-1, 2).tolist()], ALIGNED, len(values)
    )


def weighted(call: Call, weight: np.ndarray, fold: bool) -> str:
    """Return ``weight_<id>`` and ``channel_<id>`` of an operator with weights."""
    i = call.node.id
    return array("int8_t", f"weight_{i}", weight.reshape(-1).tolist(), ALIGNED) + array(
        "nn_channel", f"channel_{i}", channels(call, fold)
    )


def packed(weight: np.ndarray) -> np.ndarray:
    """Return rows (n, k) of 4-bit weights as bytes (n, ceil(k / 8) * 4), see nibble.h."""
    padded = np.pad(weight.astype(np.int16), ((0, 0), (0, -weight.shape[1] % 8)))
    eight = padded.reshape(len(weight), -1, 2, 4)
    return np.asarray(((eight[:, :, 0] & 15) | (eight[:, :, 1] << 4)).astype(np.int8).reshape(len(weight), -1))


def _int32(value: int) -> str:
    return "INT32_MIN" if value == -(2**31) else str(value)

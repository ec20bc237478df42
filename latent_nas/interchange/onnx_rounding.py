"""QuantizeLinear and DequantizeLinear: how tensors are rounded, each once, and what they make of constants."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from latent_nas.fixed_point import Quant
from latent_nas.interchange.onnx_draft import Draft
from latent_nas.interchange.onnx_file import File
from latent_nas.interchange.onnx_nodes.call import Unreadable, Value


@dataclass(frozen=True)
class Rounding:
    """How integers of a file, of 8 bits, stand for real numbers: ``real = scale * (q - zero)``."""

    scale: float
    zero: int
    signed: bool

    @staticmethod
    def of(scale: np.ndarray, zero: np.ndarray | None, what: str) -> "Rounding":
        """Return it of a node's constants.

        Raises:
            Unreadable: several scales, not 8 bits, or a scale that is not above 0.
        """
        if scale.size != 1 or (zero is not None and zero.dtype not in (np.int8, np.uint8)):
            raise Unreadable(
                f"{what}: only one scale and 8 bits are known here for a tensor between operators; quantise to int8"
            )
        value = float(scale.ravel()[0])
        if not (np.isfinite(value) and value > 0):
            raise Unreadable(f"{what}: its scale is {value}; wanted one above 0")
        return Rounding(value, int(0 if zero is None else zero.ravel()[0]), zero is not None and zero.dtype == np.int8)

    def quant(self) -> Quant:
        """Return the same of int8; unsigned integers are moved to signed ones."""
        return Quant(self.scale, self.zero - 128 * (not self.signed))

    def integers(self, x: np.ndarray) -> np.ndarray:
        """Return the file's integers of real numbers."""
        low, high = (-128, 127) if self.signed else (0, 255)
        return np.clip(np.rint(x / self.scale) + self.zero, low, high)


def rounded(
    kind: str, inputs: list[np.ndarray | None], axis: int, what: str, block: int = 0
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return what a node of that kind makes of a constant; of floats made of integers with zero point 0 their scale.

    Args:
        block: elements along the axis that have a scale of their own, from opset 21 on; 0 where a channel has one.

    Raises:
        Unreadable: scales or zero points that have no equal here.
    """
    constant, scales = inputs[0], inputs[1]
    assert constant is not None
    assert scales is not None
    scale = scales.astype(float)
    given = inputs[2] if len(inputs) > 2 else None
    zero = np.zeros(1, np.uint8) if given is None else given
    if block:
        return _of_blocks(kind, constant, scale, zero, axis, block, what), None
    channels = constant.shape[axis] if -constant.ndim <= axis < constant.ndim else 1
    if scale.ndim > 1 or scale.size not in (1, channels) or not np.isfinite(scale).all() or scale.min() < 0:
        raise Unreadable(f"{what} has scales {scale.shape}; wanted finite ones, 1 or {channels}")
    each, offset = (_along(a, constant, axis) for a in (scale, zero.astype(float)))
    if kind == "QuantizeLinear":
        if zero.dtype not in (np.int8, np.uint8, np.int16, np.uint16, np.int32) or not scale.all():
            raise Unreadable(
                f"{what} rounds to {zero.dtype} by scales from {scale.min()}; wanted int8 or uint8, and scales above 0"
            )
        limits, steps = np.iinfo(zero.dtype), constant.astype(np.float32) / each.astype(np.float32)
        integers: np.ndarray = np.clip(np.rint(steps) + offset, limits.min, limits.max).astype(zero.dtype)
        return integers, None
    floats: np.ndarray = (constant.astype(float) - offset) * each
    return floats, None if zero.any() else np.broadcast_to(each, constant.shape)


def _of_blocks(
    kind: str, constant: np.ndarray, scale: np.ndarray, zero: np.ndarray, axis: int, block: int, what: str
) -> np.ndarray:
    """Return the floats of integers whose scales are of blocks along an axis; the last block may be shorter.

    Raises:
        Unreadable: floats that are rounded so, or scales that are not as many as blocks.
    """
    blocks = list(constant.shape)
    blocks[axis] = -(-blocks[axis] // block)
    if kind == "QuantizeLinear" or list(scale.shape) != blocks or zero.size not in (1, scale.size):
        raise Unreadable(
            f"{what} has scales {scale.shape} for blocks of {block} along axis {axis} of a constant {constant.shape};"
            f" wanted integers as its input and scales {tuple(blocks)}"
        )
    if not np.isfinite(scale).all() or scale.min() < 0:
        raise Unreadable(f"{what} has scales that are not finite, or below 0")
    part = np.arange(constant.shape[axis]) // block
    offset = np.broadcast_to(zero.astype(float).reshape(scale.shape if zero.size > 1 else ()), scale.shape)
    floats: np.ndarray = (constant.astype(float) - offset.take(part, axis)) * scale.take(part, axis)
    return floats


def _along(values: np.ndarray, constant: np.ndarray, axis: int) -> np.ndarray:
    """Return one value, or those of each channel, as they are broadcast to a constant."""
    around = [-1 if i == axis % max(constant.ndim, 1) else 1 for i in range(constant.ndim)]
    return values.reshape(around) if values.size > 1 else values.reshape(())


@dataclass
class Roundings:
    """Notes how the tensors of a draft are rounded in the file.

    Attributes:
        parts: nodes of whose tensors a part is rounded. first: by node, the file's tensor that was rounded first.
    """

    draft: Draft
    file: File
    parts: set[int] = field(default_factory=set)
    first: dict[int, str] = field(default_factory=dict)

    def note(self, value: Value, quant: Quant, tensor: str, what: str) -> None:
        """Note how a tensor, or a part of one, is rounded; of several roundings in a row the last one counts.

        Args:
            tensor: of the file, which is rounded.

        Raises:
            Unreadable: parts of one tensor are rounded in two ways, which one node can't hold.
        """
        places = value.order[value.order >= 0]
        whole = np.unique(places).size == np.prod(self.draft.shape(value.node))
        before = self.draft.quants.get(value.node)
        again = whole and value.node not in self.parts
        if before not in (None, quant) and not again and not self._only_use(tensor, self.first[value.node]):
            raise Unreadable(
                f"{what} rounds a part of a tensor with scale {quant.scale:g} and zero point {quant.zero_point},"
                f" another part or the whole has {before.scale:g} and {before.zero_point}; give all of it one scale"
            )
        if not whole:
            self.parts.add(value.node)
        self.first.setdefault(value.node, tensor)
        self.draft.quants[value.node] = quant

    def _only_use(self, tensor: str, source: str) -> bool:
        """Return whether nothing of the file's tensor ``source`` is used but what becomes of it in ``tensor``."""
        nodes, ending = self.file.nodes, self.file.ending.tensor
        uses = Counter([name for node in nodes for name in node.input] + [ending])
        makers = {name: node for node in nodes for name in node.output}
        while uses[tensor] == 1 and tensor != source and tensor in makers:
            tensor = makers[tensor].input[0]
        return tensor == source and uses[tensor] == 1

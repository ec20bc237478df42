"""What one operator brings to any cost, from its shapes alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, prod
from types import MappingProxyType

from latent_nas.operators import KernelCosts, Operator, Shape


@dataclass(frozen=True)
class Layer:
    """Figures of a deployed operator at its place in a graph.

    Attributes:
        kernel: the routine, as runtimes name it.
        work: the terms of its time and scratch (``Operator.work`` and ``fine_work``), and ``input_channels`` of its
            first input; empty where nothing runs.
        view: its output is its input under another shape, and takes no memory of its own.
        output_bytes: of the tensor it makes.
        weights_bytes, bias_bytes: in flash. channels: filters, each with a scale of its own.
        state_bytes: what it remembers from one run to the next. table_bytes: in flash, beside its kernel's own tables.
        may_overwrite: its output may lie over its input, if the runtime's kernel works so.
        own: what the operator says of its kernel, for runtimes that have none.
    """

    kernel: str
    work: Mapping[str, float]
    view: bool
    output_bytes: int
    macs: int
    parameters: int
    weights_bytes: int
    bias_bytes: int
    channels: int
    state_bytes: int
    table_bytes: int
    may_overwrite: bool = False
    own: KernelCosts | None = None

    def total(self, each: Mapping[str, float]) -> float:
        """Return the sum of ``each`` term's figure times its count here.

        Raises:
            ValueError: a term that the operator does not count.
        """
        try:
            return sum([value * self.work[term] for term, value in each.items()])
        except KeyError as error:
            there = ", ".join(self.work)
            raise ValueError(f"{self.kernel!r} does not count {error.args[0]!r}, but {there}") from None


@lru_cache(maxsize=1 << 16)
def layer(operator: Operator, inputs: tuple[Shape, ...]) -> Layer:
    """Return the figures of an operator that reads tensors of these shapes; biases have 32 bits."""
    work, shapes = operator.work(*inputs), operator.weight_shapes(*inputs)
    if work:
        work = {**work, **operator.fine_work(*inputs), "input_channels": float(inputs[0][-1])}
    weights, biases = (prod(shapes[name]) if name in shapes else 0 for name in ("weight", "bias"))
    return Layer(
        kernel=operator.kernel(*inputs),
        work=MappingProxyType(work),
        view=operator.in_place and not work,
        output_bytes=prod(operator.shape(*inputs)) * operator.element_bytes,
        macs=operator.macs(*inputs),
        parameters=operator.parameters(*inputs),
        weights_bytes=ceil(weights * operator.bits / 8),
        bias_bytes=4 * biases,
        channels=operator.scales(*inputs),
        state_bytes=operator.state_bytes(*inputs),
        table_bytes=operator.table_bytes(*inputs),
        may_overwrite=operator.may_overwrite(*inputs),
        own=operator.kernel_costs,
    )

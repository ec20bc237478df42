"""Operators: one file each, with all that the project knows of one.

An operator is a frozen value without weights. Shapes are without the batch: (height, width, channels) of an image,
(features,) of a vector, (tokens, features) of a text, whose operators take any number of tokens. Arrays on the integer
side are NHWC int8, modules on the float side NCHW float32.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from latent_nas import plugins
from latent_nas.fixed_point import Quant

if TYPE_CHECKING:
    from torch import nn

Shape = tuple[int, ...]


@dataclass(frozen=True)
class KernelCosts:
    """What an operator says of its own kernel, for runtimes that do not know it.

    Attributes:
        cycles: by the names of cores, cycles per count of each term of ``Operator.work``.
        scratch_bytes: per term of ``Operator.work``, bytes of the arena that it needs while it runs.
        code_bytes: flash, once per model. table_bytes: flash, of every operator that it runs.
    """

    cycles: Mapping[str, Mapping[str, float]]
    scratch_bytes: Mapping[str, float] = field(default_factory=dict)
    code_bytes: int = 0
    table_bytes: int = 0


@dataclass(frozen=True)
class Operator(ABC):
    """What every operator answers. ``inputs`` are always the shapes of its input tensors."""

    kind: ClassVar[str]
    arity: ClassVar[int | None] = 1  # None: two or more
    in_place: ClassVar[bool] = False  # the output may overwrite an input of the same size
    keeps_quant: ClassVar[bool] = False  # the output is quantised as the (only) input is
    kernel_costs: ClassVar[KernelCosts | None] = None  # of its own kernel, where runtimes have none

    @classmethod
    def examples(cls) -> "tuple[Operator, ...]":
        """Return a few operators of this kind whose fields differ: contracts are checked on them."""
        return (cls(),)

    @abstractmethod
    def shape(self, *inputs: Shape) -> Shape:
        """Return the shape of the output, or raise ValueError with what came and what was wanted."""

    @abstractmethod
    def module(self, *inputs: Shape) -> "nn.Module":
        """Return a fresh float torch module, NCHW."""

    @abstractmethod
    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return the int8 output (n, *shape) of int8 inputs: the reference that every kernel must equal bit by bit."""

    @property
    def bits(self) -> int:
        """Of a weight, deployed."""
        return 8

    @property
    def element_bytes(self) -> int:
        """Of the output, deployed."""
        return 1

    def step(self) -> "Operator":
        """Return the operator as it works on one token at a time; where it doesn't matter, itself."""
        return self

    def state_bytes(self, *inputs: Shape) -> int:
        """Return what it must remember from one run to the next."""
        return 0

    def table_bytes(self, *inputs: Shape) -> int:
        """Return the flash of what its kernel reads beside weights, and beside tables of which the runtime knows."""
        return 0

    def scales(self, *inputs: Shape) -> int:
        """Return how many scales its weights have: one per filter."""
        shapes = self.weight_shapes(*inputs)
        return shapes["weight"][0] if "weight" in shapes else 0

    def weight_shapes(self, *inputs: Shape) -> dict[str, Shape]:
        """Return the shapes of the deployed weights ("weight", channels last) and biases ("bias")."""
        return {}

    def constants(self, weights: dict[str, np.ndarray], inputs: list[Quant], output: Quant) -> dict[str, np.ndarray]:
        """Return the integers the device needs, from float weights shaped as ``weight_shapes`` and tensor scales."""
        return {}

    def macs(self, *inputs: Shape) -> int:
        """Return the multiply-accumulates of one inference, without biases."""
        return 0

    def parameters(self, *inputs: Shape) -> int:
        """Return the number of deployed weights and biases."""
        return sum(prod(s) for s in self.weight_shapes(*inputs).values())

    def kernel(self, *inputs: Shape) -> str:
        """Return the name of the routine that a runtime uses for it, e.g. "depthwise" for a depthwise conv2d."""
        return self.kind

    def work(self, *inputs: Shape) -> dict[str, float]:
        """Return what the routine's time is made of, as counts: the terms of a runtime's cycle coefficients."""
        return {"call": 1.0, "outputs": float(prod(self.shape(*inputs)))}

    def fine_work(self, *inputs: Shape) -> dict[str, float]:
        """Return further counts of the routine's time, of rims and remainders; costs read them, features do not."""
        return {}

    def may_overwrite(self, *inputs: Shape) -> bool:
        """Return whether a kernel that works in place can put the output over an input of the same size."""
        return self.in_place

    def check_arity(self, *inputs: Shape) -> None:
        """Raise ValueError when the number of inputs is wrong."""
        if len(inputs) != self.arity and not (self.arity is None and len(inputs) >= 2):
            raise ValueError(f"{self.kind} takes {self.arity or 'two or more'} inputs, got {len(inputs)}")

    def to_json(self) -> dict[str, Any]:
        """Return kind and fields, read back by ``from_json``."""
        return {"kind": self.kind, **asdict(self)}


def from_json(data: dict[str, Any]) -> Operator:
    """Return the operator of ``to_json``; lists become tuples."""
    fields = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k != "kind"}
    operator: Operator = plugins.load("operators", data["kind"])(**fields)
    return operator


def image(kind: str, *inputs: Shape) -> None:
    """Raise ValueError unless every input is (height, width, channels)."""
    for shape in inputs:
        if len(shape) != 3:
            raise ValueError(f"{kind} wants (height, width, channels), got {shape}; flatten comes after it")

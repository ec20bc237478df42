"""Any function of one value: on a microcontroller a table of 256 bytes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.fixed_point import Quant
from latent_nas.operators import KernelCosts, Shape
from latent_nas.operators.elementwise import Elementwise
from latent_nas.operators.formula import NUMPY, SINGLE, evaluate, jumps, parsed

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Activation(Elementwise):
    """A function of every element, as a formula of x: "sigmoid(x)", "leaky_relu(x, 0.1)", "x * tanh(exp(x))"."""

    kind: ClassVar[str] = "activation"
    in_place: ClassVar[bool] = True
    kernel_costs: ClassVar[KernelCosts] = KernelCosts(
        {"cortex-m4": {"call": 38, "outputs": 8.3}}, code_bytes=160, table_bytes=256
    )
    formula: str

    @classmethod
    def examples(cls) -> "tuple[Activation, ...]":
        """Return some of differing fields."""
        return (cls("silu(x)"), cls("leaky_relu(x, 0.1)"), cls("1 / (1 + exp(-1.702 * x))"))

    def shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape."""
        parsed(self.formula)
        return super().shape(*inputs)

    def kernel(self, *inputs: Shape) -> str:
        """Return "lookup"."""
        return "lookup"

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return a module that evaluates the formula."""
        from latent_nas.operators._float import Formula

        return Formula(self.formula)

    def constants(self, weights: dict[str, np.ndarray], inputs: list[Quant], output: Quant) -> dict[str, np.ndarray]:
        """Return "table" (256,): the output of every int8 input from -128 to 127, computed in double precision.

        A formula with steps is computed in single precision, as files and networks do: an int8 value may lie on a step.

        Raises:
            ValueError: the formula has no value at some input, as log(x) below 0.
        """
        x = inputs[0].scale * (np.arange(-128.0, 128.0) - inputs[0].zero_point)
        library = NUMPY
        if jumps(self.formula):
            x, library = inputs[0].dequantise(np.arange(-128, 128)), SINGLE
        with np.errstate(all="ignore"):  # what is infinite is saturated, what is not a number refused
            y = evaluate(self.formula, x, library)
        if np.isnan(y).any():
            raise ValueError(
                f"{self.formula} is not a number at x = {x[np.isnan(y)][-1]:.3g}, which its int8 input can be; clip the"
                " input before it"
            )
        return {"table": output.quantise(np.clip(y, -1e30, 1e30))}

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return the table's entries."""
        looked_up: np.ndarray = constants["table"][xs[0].astype(np.int16) + 128]
        return looked_up


Plugin = Activation

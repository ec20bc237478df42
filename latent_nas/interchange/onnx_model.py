"""What an ONNX file holds: its graph, weights and roundings, its input as the file has it, and what lies where."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from latent_nas.fixed_point import Quant
from latent_nas.graph import Graph
from latent_nas.interchange.onnx_draft import Weights
from latent_nas.interchange.onnx_rounding import Rounding


@dataclass(frozen=True)
class Traced:
    """The tensor of the file that holds what a node of the graph makes, to compare the two.

    Attributes:
        tensor: its name. what: the file's node that makes it, for messages. order: where its elements lie in ours.
    """

    tensor: str
    what: str
    order: np.ndarray


@dataclass(frozen=True)
class Given:
    """The input as the file has it.

    Attributes:
        name, dims: of the file, the batch first, as the file fixes it or 1. dtype: of the file.
        order: where its elements lie in the graph's input; shaped as ``dims`` with a batch of one.
        rounding: of integers, how they stand for the graph's input; None: as numbers.
    """

    name: str
    dims: tuple[int, ...]
    dtype: np.dtype[Any]
    order: np.ndarray
    rounding: Rounding | None

    def to_file(self, x: np.ndarray) -> np.ndarray:
        """Return data (n, *input_shape) as the file has them, (n, *dims without the batch), floats or integers."""
        floats = x.reshape(len(x), -1)[:, self.order.ravel()].reshape(len(x), *self.dims[1:])
        if self.rounding is not None:
            return self.rounding.integers(floats).astype(self.dtype)
        return (floats if self.dtype.kind == "f" else np.rint(floats)).astype(self.dtype)

    def from_file(self, x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Return data (n, *dims without the batch) as the graph has them, (n, *shape), floats."""
        if self.rounding is not None:
            x = self.rounding.scale * (x.astype(np.float32) - self.rounding.zero)
        flat = np.empty((len(x), self.order.size), np.float32)
        flat[:, self.order.ravel()] = x.reshape(len(x), -1)
        return flat.reshape(len(x), *shape)


@dataclass(frozen=True)
class Model:
    """What an ONNX file holds.

    Attributes:
        weights: by node of the graph. quants: of the tensors that the file rounds, by node: none in a float file.
        traced: the file's tensors, by node. notes: what was decided on the way, a line each. ending: which functions
            at the end were left out and what the outputs are; "" where none was.
    """

    graph: Graph
    weights: dict[int, Weights]
    quants: dict[int, Quant]
    traced: dict[int, Traced]
    given: Given
    notes: tuple[str, ...] = ()
    ending: str = ""

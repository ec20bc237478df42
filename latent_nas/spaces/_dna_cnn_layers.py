"""What the genes of ``dna_cnn`` say of each layer, and how large the layers become, for a batch at a time."""

from dataclasses import dataclass

import numpy as np

from latent_nas.operators import Shape
from latent_nas.spaces import Gene

LAYERS = 15
KERNELS, FILTERS, STRIDES, POOLINGS = tuple(range(1, 8)), tuple(range(24, 513, 4)), (1, 2), (1, 2, 3)
OWN = (
    ("kernel_height", KERNELS),
    ("kernel_width", KERNELS),
    ("filters", FILTERS),
    ("stride", STRIDES),
    ("pooling", POOLINGS),
)
HEIGHT, WIDTH, FILTER, STRIDE, POOLING = range(len(OWN))
STARTS = tuple(1 + len(OWN) * i + i * (i - 1) // 2 for i in range(LAYERS + 1))  # of a layer's genes; the last: the end


def genes() -> tuple[Gene, ...]:
    """Return the number of layers, then per layer its own five genes and whether it reads each layer before it.

    The first choice is to read the layer just before and no other: what a mutation adds to the depth is a chain.
    """
    found = [Gene("layers", tuple(range(1, LAYERS + 1)))]
    for layer in range(1, LAYERS + 1):
        found += [Gene(f"layer{layer}_{name}", choices) for name, choices in OWN]
        found += [
            Gene(f"layer{layer}_reads_{other}", (True, False) if other == layer - 1 else (False, True))
            for other in range(1, layer)
        ]
    return tuple(found)


def reads(columns: np.ndarray, layer: int) -> np.ndarray:
    """Return what a layer (from 0) reads, (layer + 1, n) bool: row 0 is the image, row i the i-th layer.

    Args:
        columns: genes of n networks, (genes, n). A layer that reads none of the layers reads the image.
    """
    flags = columns[STARTS[layer] + len(OWN) : STARTS[layer + 1]] > 0
    if layer:
        flags = np.concatenate([flags[:-1], ~flags[-1:]])
    return np.concatenate([~flags.any(axis=0, keepdims=True), flags])


@dataclass
class Sizes:
    """How far tensors are reduced: by 2^twos * 3^threes, rounded up at every step. Arrays are (..., n)."""

    twos: np.ndarray
    threes: np.ndarray

    @property
    def factor(self) -> np.ndarray:
        """What the input's height and width were divided by."""
        return (1 << self.twos) * 3**self.threes

    def image(self, shape: Shape) -> tuple[np.ndarray, np.ndarray]:
        """Return height and width of the tensors, for an input of that shape."""
        return -(-shape[0] // self.factor), -(-shape[1] // self.factor)

    def common(self, chosen: np.ndarray) -> "Sizes":
        """Return the sizes at which the chosen tensors (m, n) of (m, n) meet: the least common multiple, (n,)."""
        return Sizes((self.twos * chosen).max(axis=0), (self.threes * chosen).max(axis=0))


def canonical(columns: np.ndarray, shape: Shape) -> np.ndarray:
    """Return representatives (genes, n) of the networks (genes, n).

    Layers beyond the last are 0; what an image of one pixel can't be reduced by is not; kernels lose the rows and
    columns that only ever meet padding.
    """
    columns = columns.copy()
    found = Sizes(*np.zeros((2, LAYERS + 1, columns.shape[1]), np.int64))
    for layer in range(LAYERS):
        start = STARTS[layer]
        own = columns[start : start + len(OWN)]  # a view: what is written to it stays
        columns[start : STARTS[layer + 1]] *= layer <= columns[0]
        here = Sizes(found.twos[: layer + 1], found.threes[: layer + 1]).common(reads(columns, layer))
        sizes = here.image(shape)
        own[STRIDE] *= np.maximum(*sizes) > 1
        for gene, size in zip((HEIGHT, WIDTH), sizes, strict=True):
            own[gene] = np.minimum(own[gene], 2 * size - 2 - ((own[STRIDE] > 0) & (size % 2 == 0)))
        here.twos = here.twos + own[STRIDE]
        own[POOLING] = np.minimum(own[POOLING], np.maximum(*here.image(shape)) - 1)
        found.twos[layer + 1] = here.twos + (own[POOLING] == 1)
        found.threes[layer + 1] = here.threes + (own[POOLING] == 2)
    return columns

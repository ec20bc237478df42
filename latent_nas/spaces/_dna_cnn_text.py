"""DNA as text: a layer after another, each with what it reads, as in ``3x3 36 <- 0 | 5x7 48 /2 pool3 <- 1``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from latent_nas.spaces import Genes
from latent_nas.spaces._dna_cnn_layers import FILTERS, KERNELS, LAYERS, OWN, POOLINGS, STARTS, STRIDES

LAYER = re.compile(r"(?:(\d+)\s*:)?\s*(\d+)x(\d+)\s+(\d+)(?:\s+/(\d+))?(?:\s+pool(\d+))?\s*<-\s*(\d+(?:\s*,\s*\d+)*)")


@dataclass(frozen=True)
class Layer:
    """One convolution; ``inputs`` are the numbers of the layers it reads, from 1, or (0,) for the image."""

    kernel_height: int
    kernel_width: int
    filters: int
    stride: int = 1
    pooling: int = 1
    inputs: tuple[int, ...] = (0,)

    def __str__(self) -> str:
        stride = f" /{self.stride}" if self.stride > 1 else ""
        pooling = f" pool{self.pooling}" if self.pooling > 1 else ""
        reads = ",".join(map(str, self.inputs))
        return f"{self.kernel_height}x{self.kernel_width} {self.filters}{stride}{pooling} <- {reads}"


def parse(text: str) -> tuple[Layer, ...]:
    """Return the layers of a DNA.

    Raises:
        ValueError: a part that is not a layer, or a number before the colon that is not the layer's.
    """
    layers = []
    for number, part in enumerate(text.split("|"), 1):
        found = LAYER.fullmatch(part.strip())
        if not found or found[1] not in (None, str(number)):
            raise ValueError(
                f"layer {number} of the DNA is {part.strip()!r}; wanted"
                " HEIGHTxWIDTH FILTERS [/STRIDE] [poolN] <- INPUTS, as in 3x3 36 /2 <- 1,2"
            )
        height, width, filters, stride, pooling = (int(v or 1) for v in found.groups()[1:6])
        inputs = tuple(int(i) for i in found[7].split(","))
        layers.append(Layer(height, width, filters, stride, pooling, inputs))
    return tuple(layers)


def encode(layers: Sequence[Layer]) -> Genes:
    """Return the genes of layers.

    Raises:
        ValueError: too many layers or none; a number out of range, with the layer and what is allowed.
    """
    if not 1 <= len(layers) <= LAYERS:
        raise ValueError(f"a DNA has 1 to {LAYERS} layers, got {len(layers)}")
    genes = [len(layers) - 1]
    for number, layer in enumerate(layers, 1):
        given = (layer.kernel_height, layer.kernel_width, layer.filters, layer.stride, layer.pooling)
        for value, (name, choices) in zip(given, OWN, strict=True):
            if value not in choices:
                step = choices[1] - choices[0]
                allowed = f"{choices[0]} to {choices[-1]}" + (f" in steps of {step}" if step > 1 else "")
                raise ValueError(f"{name} of layer {number} of the DNA is {value}; allowed: {allowed}")
            genes.append(choices.index(value))
        earlier = set(layer.inputs) - {0}
        if not layer.inputs or len(set(layer.inputs)) < len(layer.inputs) or max(layer.inputs) >= number:
            raise ValueError(
                f"layer {number} of the DNA reads {layer.inputs};"
                " it may read each layer before it once, or 0, the image"
            )
        if earlier and 0 in layer.inputs:
            raise ValueError(f"layer {number} of the DNA reads {layer.inputs}; the image (0) is read alone")
        genes += [int((other in earlier) != (other == number - 1)) for other in range(1, number)]
    return (*genes, *[0] * (STARTS[-1] - len(genes)))


def decode(genes: Sequence[int]) -> tuple[Layer, ...]:
    """Return the layers of genes; ``encode`` gives them back where they are canonical."""
    layers = []
    for layer in range(genes[0] + 1):
        start = STARTS[layer]
        height, width, filters, stride, pooling = genes[start : start + len(OWN)]
        flags = genes[start + len(OWN) : STARTS[layer + 1]]
        inputs = tuple(other for other, flag in enumerate(flags, 1) if bool(flag) != (other == layer))
        layers.append(
            Layer(KERNELS[height], KERNELS[width], FILTERS[filters], STRIDES[stride], POOLINGS[pooling], inputs or (0,))
        )
    return tuple(layers)

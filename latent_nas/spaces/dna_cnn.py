"""Chains of up to 15 convolutions with skip connections, one DNA each (the space of Zoph and Le 2017, section 3.3).

A layer is a convolution of any kernel height and width, batch norm, ReLU and perhaps a max pooling. It concatenates
what it reads; one that reads no layer reads the image; layers that nobody reads are concatenated with the last one
before the global average pooling (all three: there, section 3.3). Sizes that differ meet at the size of their least
common reduction: each input is max-pooled, without overlap, by what it lacks. (Zoph and Le pad with zeros to the
largest; a microcontroller has no RAM for that.)
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from latent_nas.graph import Builder, Graph
from latent_nas.operators import Shape
from latent_nas.operators.batch_norm import BatchNorm
from latent_nas.operators.concat import Concat
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.max_pool import MaxPool
from latent_nas.operators.relu import Relu
from latent_nas.spaces import Genes, Space
from latent_nas.spaces import _dna_cnn_layers as layers
from latent_nas.spaces._dna_cnn_features import NAMES, features
from latent_nas.spaces._dna_cnn_text import Layer, decode, encode, parse

DEEPER = 0.1  # chance that a mutation is one of the depth
SKIP = 0.4  # chance that any other is one of what a layer reads


class DnaCnn(Space):
    """More than 10^100 networks; ``zoo/nascnn15`` is one of them."""

    name = "dna_cnn"
    genes = layers.genes()
    feature_names = NAMES

    def __init__(self, input_shape: Shape, outputs: int) -> None:
        """Bind the space to a task.

        Raises:
            ValueError: the input is not an image, or there are fewer than 2 outputs.
        """
        if len(input_shape) != 3 or min(input_shape) < 1:
            raise ValueError(f"space 'dna_cnn' takes images (height, width, channels), got {tuple(input_shape)}")
        if outputs < 2:
            raise ValueError(f"space 'dna_cnn' wants 2 or more outputs, got {outputs}")
        super().__init__(input_shape, outputs)

    def sample(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return n random canonical networks (n, genes): any depth, log-uniform filters, few or many skips."""
        genes = rng.integers(0, self.sizes, (n, len(self.genes)))
        density = rng.uniform(0, 0.5, (n, 1))
        for layer in range(layers.LAYERS):
            start = layers.STARTS[layer]
            steps = np.log(len(layers.FILTERS) + 1) * rng.random(n)
            genes[:, start + layers.FILTER] = np.minimum(np.exp(steps).astype(np.int64) - 1, len(layers.FILTERS) - 1)
            genes[:, start + layers.STRIDE] = rng.random(n) < 0.25
            pooling = rng.choice(3, n, p=(0.8, 0.15, 0.05))
            genes[:, start + layers.POOLING] = pooling
            skips = genes[:, start + len(layers.OWN) : layers.STARTS[layer + 1]]  # a view
            skips[:] = rng.random(skips.shape) < density
            skips[:, -1:] = rng.random((n, skips[:, -1:].shape[1])) < 0.1  # the last one is the layer before
        return self.canonical(genes)

    def canonical(self, genes: np.ndarray) -> np.ndarray:
        """Return the representatives (n, genes); see ``_dna_cnn_layers.canonical``."""
        columns = np.ascontiguousarray(np.asarray(genes, np.int64).T)
        return np.ascontiguousarray(layers.canonical(columns, self.input_shape).T)

    def places(self, parents: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return genes to mutate (n,), of layers that are there: most of a shallow network's genes do nothing."""
        n, per = len(parents), len(layers.OWN)
        layer = rng.integers(parents[:, 0] + 1)
        start = np.array(layers.STARTS)[layer]
        skips = (rng.random(n) < SKIP) & (layer > 0)
        inside = np.where(skips, per + rng.integers(np.maximum(layer, 1)), rng.integers(per, size=n))
        return np.where(rng.random(n) < DEEPER, 0, start + inside)

    def graph(self, genes: Sequence[int]) -> Graph:
        """Return the float graph: convolutions without bias, each with batch norm and ReLU."""
        dna = decode(self.canonical(self.check(genes))[0].tolist())
        build, made = Builder(self.input_shape), [(0, 1)]  # per layer its node and what it was reduced by

        def meet(inputs: Sequence[int]) -> tuple[int, int]:
            factor = int(np.lcm.reduce([made[i][1] for i in inputs]))
            nodes = [_reduce(build, made[i][0], factor // made[i][1]) for i in inputs]
            return (build.add(Concat(), *nodes) if len(nodes) > 1 else nodes[0]), factor

        for layer in dna:
            x, factor = meet(layer.inputs)
            kernel, stride = (layer.kernel_height, layer.kernel_width), (layer.stride, layer.stride)
            x = build.add(Conv2d(layer.filters, kernel, stride, bias=False), x)
            x = build.add(Relu(), build.add(BatchNorm(), x))
            made.append((_reduce(build, x, layer.pooling), factor * layer.stride * layer.pooling))
        read = {i for layer in dna for i in layer.inputs}
        x, _ = meet([i for i in range(1, len(made)) if i not in read])
        build.add(Dense(self.outputs), build.add(GlobalPool("avg"), x))
        return build.build()

    def features(self, genes: np.ndarray) -> np.ndarray:
        """Return (n, features) float32 of canonical genes, named by ``feature_names``."""
        return features(self.input_shape, self.outputs, np.ascontiguousarray(np.asarray(genes, np.int64).T))

    def parse(self, text: str) -> Genes:
        """Return the canonical genes of a DNA as text, e.g. ``3x3 36 <- 0 | 5x7 48 /2 pool3 <- 1``.

        Raises:
            ValueError: a DNA that is none, is too long or out of range; says which layer.
        """
        return tuple(self.canonical(np.array([encode(parse(text))]))[0].tolist())

    def describe(self, genes: Sequence[int]) -> dict[str, Any]:
        """Return the DNA as text, read back by ``parse``."""
        return {"dna": " | ".join(map(str, self.decode(genes)))}

    def decode(self, genes: Sequence[int]) -> tuple[Layer, ...]:
        """Return the layers of genes, as they are built."""
        return decode(self.canonical(self.check(genes))[0].tolist())


def _reduce(build: Builder, x: int, by: int) -> int:
    """Add a max pooling by a whole number, unless there is nothing to reduce."""
    height, width, _ = build.shape(x)
    window = (min(by, height), min(by, width))
    return x if window == (1, 1) else build.add(MaxPool(window, window, "same"), x)


Plugin = DnaCnn

"""Causal transformers for text on a microcontroller: layer norm first (Xiong et al. 2020), one or two layers."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from latent_nas.graph import Builder, Graph
from latent_nas.graph.features import graph_features
from latent_nas.operators import Shape
from latent_nas.operators.add import Add
from latent_nas.operators.attention import Attention
from latent_nas.operators.dense import Dense
from latent_nas.operators.embedding import Embedding
from latent_nas.operators.gelu import Gelu
from latent_nas.operators.input import Input
from latent_nas.operators.layer_norm import LayerNorm
from latent_nas.spaces import Gene, Space

CHARACTERS = "characters"


class TinyTransformer(Space):
    """144 networks, or those of lists of your own."""

    name = "tiny_transformer"
    published: ClassVar[tuple[Shape, int]] = ((32,), 65)
    feature_names = (
        "count.attention",
        "macs",
        "parameters",
        "channels",
        "macs.attention",
        "scores.attention",
        "macs.dense",
        "macs.dense4",
        "tensor.sum",
    )

    def __init__(
        self,
        input_shape: Shape,
        outputs: int,
        layers: Sequence[int] = (1, 2),
        hidden: Sequence[int] = (64, 128, 256),
        heads: Sequence[int] = (2, 4),
        feed_forward: Sequence[int] = (128, 256),
        vocabulary: Sequence[int | str] = (CHARACTERS, 500, 1000),
        weight_bits: Sequence[int] = (4, 8),
    ) -> None:
        """Bind the space to a task: tokens (tokens,) and the number of characters.

        Args:
            vocabulary: numbers of byte-pair tokens, and "characters" for the task's own outputs.

        Raises:
            ValueError: the input is not (tokens,), or a list has a value twice, none, or one that can't be.
        """
        if len(input_shape) != 1 or outputs < 2:
            got = f"{tuple(input_shape)} and {outputs}"
            raise ValueError(f"space {self.name!r} takes tokens (tokens,) and 2 or more outputs, got {got}")
        super().__init__(input_shape, outputs)
        lists = {"layers": layers, "hidden": hidden, "heads": heads, "feed_forward": feed_forward}
        lists |= {"vocabulary": vocabulary, "weight_bits": weight_bits}  # type: ignore[dict-item]
        self.genes = tuple(Gene(name, tuple(choices)) for name, choices in lists.items())
        for gene in self.genes:
            numbers = [v for v in gene.choices if v != CHARACTERS or gene.name != "vocabulary"]
            if not gene.choices or len(set(gene.choices)) < len(gene.choices) or not all(_natural(v) for v in numbers):
                raise ValueError(f"{gene.name} wants different positive numbers, got {list(gene.choices)}")
        odd = [(width, n) for width in hidden for n in heads if width % n]
        if odd:
            raise ValueError(f"hidden {odd[0][0]} can't be shared out to heads {odd[0][1]}")
        self.listed = np.indices(tuple(self.sizes)).reshape(len(self.genes), -1).T.astype(np.int64)
        self._steps = np.concatenate([np.cumprod(self.sizes[:0:-1])[::-1], [1]]).astype(np.int64)
        self._features: np.ndarray | None = None

    @property
    def all_outputs(self) -> tuple[int, ...]:
        """The sizes of the vocabularies."""
        return tuple(self.outputs if v == CHARACTERS else v for v in self.genes[4].choices)

    def sample(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return n uniform networks, (n, genes)."""
        return rng.integers(0, self.sizes, (n, len(self.genes)))

    def canonical(self, genes: np.ndarray) -> np.ndarray:
        """Return a copy, (n, genes): every gene changes every network."""
        return np.array(genes, np.int64)

    def graph(self, genes: Sequence[int]) -> Graph:
        """Return the float graph of a window: tokens (tokens,) -> logits (tokens, vocabulary)."""
        layers, hidden, heads, feed_forward, vocabulary, bits = self.describe(genes).values()
        tokens = self.outputs if vocabulary == CHARACTERS else vocabulary
        build = Builder()
        x = build.add(Embedding(tokens, hidden, bits), build.add(Input(self.input_shape, tokens)))
        for _ in range(layers):
            y = build.add(LayerNorm(), x)
            q, k, v = (build.add(Dense(hidden, weight_bits=bits), y) for _ in range(3))
            y = build.add(Attention(heads, hidden // heads, self.input_shape[0]), q, k, v)
            x = build.add(Add(), x, build.add(Dense(hidden, weight_bits=bits), y))
            y = build.add(Gelu(), build.add(Dense(feed_forward, weight_bits=bits), build.add(LayerNorm(), x)))
            x = build.add(Add(), x, build.add(Dense(hidden, weight_bits=bits), y))
        build.add(Dense(tokens, weight_bits=bits), build.add(LayerNorm(), x))
        return build.build()

    def features(self, genes: np.ndarray) -> np.ndarray:
        """Return (n, features) float32; all networks' are read from their graphs once."""
        if self._features is None:
            assert self.listed is not None
            read = [graph_features(self.graph(row)) for row in self.listed]
            self._features = np.array([[f.get(name, 0.0) for name in self.feature_names] for f in read], np.float32)
        return self._features[np.asarray(genes) @ self._steps]


def _natural(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


Plugin = TinyTransformer

"""Search spaces: one file each, from genes to a graph.

Genes are small ints, one per decision; in batches an int64 array (n, genes), alone a tuple. Every combination of gene
values is allowed, and ``canonical`` maps those that build the same network to one of them.
"""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from latent_nas import plugins
from latent_nas.graph import Graph
from latent_nas.operators import Shape
from latent_nas.spaces._mutation import settle, stepped

Genes = tuple[int, ...]


@dataclass(frozen=True)
class Gene:
    """One decision: its name and what its values 0, 1, ... mean."""

    name: str
    choices: tuple[Any, ...]


class Space(ABC):
    """All networks that can be built for one task's input and outputs.

    Attributes:
        name: of its file. genes: the decisions. feature_names: of the columns of ``features``; those that begin with
            "cell." are read from the genes alone, the others are ``graph_features`` of the graph.
        listed: every canonical network once, (networks, genes), where they are few enough to list, else None.
        published: input shape and outputs where no task says them.
        narrows: whether networks choose how wide their weights are; trainings of a search are then fine-tuned as
            integers, as only so they can be compared.
    """

    name: ClassVar[str]
    genes: tuple[Gene, ...]
    feature_names: tuple[str, ...]
    listed: np.ndarray | None = None
    published: ClassVar[tuple[Shape, int]] = ((32, 32, 3), 10)
    narrows: ClassVar[bool] = False

    def __init__(self, input_shape: Shape, outputs: int) -> None:
        self.input_shape, self.outputs = tuple(input_shape), outputs

    @property
    def all_outputs(self) -> tuple[int, ...]:
        """How many outputs the networks have, every number once: what the task asked for, unless a gene says more."""
        return (self.outputs,)

    @cached_property
    def sizes(self) -> np.ndarray:
        """The number of choices of every gene, (genes,)."""
        return np.array([len(g.choices) for g in self.genes])

    @abstractmethod
    def sample(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return n random canonical networks, (n, genes)."""

    @abstractmethod
    def canonical(self, genes: np.ndarray) -> np.ndarray:
        """Return the representatives of a batch, (n, genes); idempotent."""

    @abstractmethod
    def graph(self, genes: Sequence[int]) -> Graph:
        """Return the float graph of one network."""

    @abstractmethod
    def features(self, genes: np.ndarray) -> np.ndarray:
        """Return (n, features) float32 of canonical genes, equal to those read from the graphs; no graph is built."""

    def mutate(self, genes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return a batch in which one gene of each row has changed, canonical and unlike its parent, (n, genes).

        A change that canonicalisation undoes is drawn again; after 100 draws the row is replaced by a sample.
        """
        parents = self.canonical(genes)
        children, left = np.empty_like(parents), np.arange(len(parents))
        own = parents
        for _ in range(100):
            gene = self.places(own, rng)
            step = rng.integers(1, np.maximum(self.sizes[gene], 2))
            trial = own.copy()
            stepped(trial, gene, step, self.sizes)
            again = settle(self.canonical(trial), own, left, children)
            left, own = left[again], own[again]
            if not len(left):
                return children
        children[left] = self.sample(rng, len(left))
        return children

    def places(self, parents: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return which gene of each of the parents (n, genes) to mutate, (n,); a space may know which ones matter."""
        return rng.integers(len(self.genes), size=len(parents))

    def check(self, genes: Sequence[int] | Sequence[Genes] | np.ndarray) -> np.ndarray:
        """Return the genes as an array (n, genes), or raise ValueError that says which gene is wrong and how."""
        array = np.atleast_2d(np.asarray(genes))
        if array.shape[1] != len(self.genes) or not np.issubdtype(array.dtype, np.integer):
            raise ValueError(
                f"space {self.name!r} has {len(self.genes)} integer genes, got {array.shape[1]} of {array.dtype};"
                " are they of another space?"
            )
        bad = np.argwhere((array < 0) | (array >= self.sizes))
        if len(bad):
            row, i = bad[0]
            raise ValueError(
                f"gene {self.genes[i].name!r} is {array[row, i]}; space {self.name!r} allows 0 to {self.sizes[i] - 1}"
            )
        return array.astype(np.int64)

    def describe(self, genes: Sequence[int]) -> dict[str, Any]:
        """Return gene names with the meaning of their values."""
        return {g.name: g.choices[v] for g, v in zip(self.genes, self.check(genes)[0], strict=True)}

    def teacher(self, macs: int) -> Graph | None:
        """Return a large network with at most so many MACs, for others to learn from; None: of drawn ones the largest.

        A drawn network may be large and poor, as one that is four filters wide somewhere; a space may know better.
        """
        return None

    def parse(self, text: str) -> Genes:
        """Return the canonical genes of a network in the space's own notation.

        Raises:
            ValueError: the space has none, or the text is not of it.
        """
        raise ValueError(f"space {self.name!r} has no notation; give its genes as {len(self.genes)} integers")


def open_space(name: str, input_shape: Shape, outputs: int) -> Space:
    """Return a space bound to a task's input shape and number of outputs.

    Args:
        name: of the space, or the path of a file of your own; followed by :LIST=VALUES;LIST=VALUES where it takes
            lists of your own, as in "resnet_analog:first=8,16;repeats=1-3" or "mine.py:widths=8,16".

    Raises:
        ValueError: no such space, an input it can't take, or lists it does not know.
    """
    kind, text = plugins.split(name)
    cls: type[Space] | Space = plugins.load("spaces", kind)
    if isinstance(cls, Space):
        if (cls.input_shape, cls.outputs) != (tuple(input_shape), outputs):
            raise ValueError(
                f"the space {kind} is bound to input {cls.input_shape} and {cls.outputs} outputs; the task wants"
                f" {tuple(input_shape)} and {outputs}"
            )
        return cls
    if kind == name:
        return cls(input_shape, outputs)
    lists = _lists(name, text)
    known = [p for p in inspect.signature(cls.__init__).parameters if p not in ("self", "input_shape", "outputs")]
    if unknown := sorted(set(lists) - set(known)):
        there = f"there are: {', '.join(known)}" if known else "it takes none"
        raise ValueError(f"space {kind!r} has no list {unknown[0]!r}; {there}")
    space = cls(input_shape, outputs, **lists)
    space.name = name  # type: ignore[misc]
    return space


def narrows(name: str) -> bool:
    """Return whether networks of a space, named as in ``open_space``, choose how wide their weights are.

    Raises:
        ValueError: no such space.
    """
    return bool(plugins.load("spaces", plugins.split(name)[0]).narrows)


def _lists(name: str, text: str) -> dict[str, list[int | str]]:
    found: dict[str, list[int | str]] = {}
    for part in text.split(";"):
        key, equals, values = part.strip().partition("=")
        if not key or not equals or not values or key in found:
            raise ValueError(f"a space with lists is written NAME:LIST=VALUE,VALUE;LIST=LOW-HIGH, got {name!r}")
        found[key] = []
        for value in values.split(","):
            low, dash, high = value.strip().partition("-")
            if dash and low.isdigit() and high.isdigit():
                found[key] += range(int(low), int(high) + 1)
            else:
                found[key].append(int(value) if value.strip().isdigit() else value.strip())
    return found

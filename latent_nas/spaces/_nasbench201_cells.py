"""Which of the 15,625 cells of NAS-Bench-201 are one network, worked out once per process.

Cells are compared as what they compute: an edge that gets only zeros, or whose value nobody reads, is dead; a skip
connection is its source; equal poolings of one value are one; and convolutions are told apart, so that a value read
twice is not taken for two convolutions of one kind. The strings of Dong and Yang (2020) do take it for that, and keep
some dead edges.
"""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby, permutations, product
from typing import Any

import numpy as np

OPERATORS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
NONE, SKIP, CONV1, CONV3, POOL = range(len(OPERATORS))
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
CELLS = len(OPERATORS) ** len(EDGES)
WIDTHS, CELLS_EACH = (16, 32, 64), 5  # of the network's stages
PLACES = len(OPERATORS) ** np.arange(len(EDGES))[::-1]

Term = tuple[Any, ...]  # (operator, edge, the terms of the sum it reads); of a pooling the edge is -1; () is the input


def index(genes: np.ndarray) -> np.ndarray:
    """Return the number of each cell, (n,), of genes (n, 6)."""
    return np.asarray(genes) @ PLACES


@lru_cache(1)
def cells() -> np.ndarray:
    """Return the genes of all cells in the order of ``index``, (15625, 6)."""
    return np.array(list(product(range(len(OPERATORS)), repeat=len(EDGES))), np.int64)


@lru_cache(1)
def representatives() -> np.ndarray:
    """Return for every cell the index of its representative, (15625,): the one of fewest edges, then the first."""
    first: dict[str, int] = {}
    found = np.zeros(CELLS, np.int64)
    edges = (cells() != NONE).sum(axis=1)
    for cell in np.lexsort((np.arange(CELLS), edges)).tolist():
        found[cell] = first.setdefault(signature(cells()[cell].tolist()), cell)
    return found


def signature(genes: list[int]) -> str:
    """Return a text that two cells share if and only if they compute the same up to the names of convolutions."""
    output = _output(genes)
    uses: Counter[Term] = Counter()
    _count(output, uses)
    convs = [term for term in uses if term[1] >= 0]
    if all(uses[term] == 1 for term in convs):
        return _text(output, {})
    # A convolution is read more than once: number those that look alike, in the order that gives the least text.
    alike = sorted((_text((term,), {}), term[1]) for term in convs)
    classes = [[edge for _, edge in same] for _, same in groupby(alike, key=lambda pair: pair[0])]
    texts = []
    for orders in product(*(permutations(same) for same in classes)):
        edges = [edge for order in orders for edge in order]
        texts.append(_text(output, {edge: f".{n}" for n, edge in enumerate(edges)}))
    return min(texts)


def alive(genes: Sequence[int]) -> list[int]:
    """Return the operators of a cell's edges, ``NONE`` for those that get only zeros or whose value nobody reads."""
    fed, read = {0}, {3}
    for (source, target), operator in zip(EDGES, genes, strict=True):
        if operator != NONE and source in fed:
            fed.add(target)
    for (source, target), operator in reversed(list(zip(EDGES, genes, strict=True))):
        if operator != NONE and source in fed and target in read:
            read.add(source)
    return [
        int(operator) if source in fed and target in read else NONE
        for (source, target), operator in zip(EDGES, genes, strict=True)
    ]


def _output(genes: list[int]) -> tuple[Term, ...]:
    """Return the terms that the cell's output is the sum of, sorted."""
    values: list[tuple[Term, ...]] = [((),), (), (), ()]
    for edge, ((source, target), operator) in enumerate(zip(EDGES, genes, strict=True)):
        new = values[source]
        if operator == NONE or not new:
            continue
        if operator != SKIP:
            new = ((operator, -1 if operator == POOL else edge, new),)
        values[target] = tuple(sorted(values[target] + new))
    return values[3]


def _count(terms: tuple[Term, ...], uses: Counter[Term]) -> None:
    for term in filter(None, terms):
        uses[term] += 1
        _count(term[2], uses)


def _text(terms: tuple[Term, ...], names: dict[int, str]) -> str:
    return "+".join(sorted(f"{t[0]}{names.get(t[1], '')}({_text(t[2], names)})" if t else "x" for t in terms))

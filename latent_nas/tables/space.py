"""A table's genes as a search space: only networks of the table are in it."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from latent_nas.graph import Graph
from latent_nas.spaces import Space
from latent_nas.tables import Table
from latent_nas.tables.columns import hashed

GRID = 2**22  # combinations of choices that are looked up all at once
LISTED = 2**20
TRIES = 40
MEMORY = 2**14  # answers that are remembered


class TableSpace(Space):
    """The networks of a table; genes that are none of its rows stand for the nearest row.

    Args:
        table: read. known: a space of the same genes, which gives graphs and features and says which genes that are no
            row are the network of one; without it there are none of theirs. inputs: columns of the table that are known
            of every network before any training, as further features: the normal scores of their ranks, 0 where a
            number is missing, which a column of its own tells.
    """

    name = "table"

    def __init__(self, table: Table, known: Space | None = None, inputs: tuple[str, ...] = ()) -> None:
        """Bind the two.

        Raises:
            ValueError: the table's genes or choices are not the space's.
        """
        super().__init__(*((known.input_shape, known.outputs) if known else ((1, 1, 1), 2)))
        table = _in_order(table, known) if known else table
        self.table, self.known, self.genes = table, known, table.genes
        self.inputs, names = _scored(table, inputs)
        self.feature_names = (known.feature_names if known else ()) + names
        self._places = _places(table, known) if known else []
        self._first = self._representatives()
        self._networks = table.rows[self._first].astype(np.int64)
        self.listed = self._networks if len(self._networks) <= LISTED else None
        self._nearest: dict[bytes, int] = {}
        self._neighbours: dict[int, np.ndarray] = {}

    def sample(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return n networks (n, genes), each equally likely."""
        return self._networks[rng.integers(len(self._networks), size=n)]

    def canonical(self, genes: np.ndarray) -> np.ndarray:
        """Return the representatives (n, genes): the first row of each one's network, see ``network``.

        With a known space it is the first row that this space has as its representative, if the network has any.
        """
        return self._networks[self.network(genes)]

    def network(self, genes: np.ndarray) -> np.ndarray:
        """Return the network (n,) that genes (n, genes) stand for: of their row, else of the nearest row.

        Nearest is the one with the fewest other genes, of several the first.
        """
        genes = np.asarray(genes)
        if self._grid is not None:
            return self._grid[genes @ self._steps]
        found = self._find(genes)
        for i in np.flatnonzero(found < 0):
            key = genes[i].tobytes()
            if key not in self._nearest:
                if len(self._nearest) >= MEMORY:
                    self._nearest.clear()
                self._nearest[key] = int(self.table.network[self._apart(genes[i]).argmin()])
            found[i] = self._nearest[key]
        return found

    def features(self, genes: np.ndarray) -> np.ndarray:
        """Return (n, features) float32: of the known space, if there is one, then the table's inputs."""
        given = self.inputs[self.network(genes)] if self.inputs.shape[1] else np.zeros((len(genes), 0), np.float32)
        if self.known is None:
            return given
        read = self.known.features(self.known.canonical(self._translated(np.asarray(genes))))
        return np.concatenate([read, given], axis=1)

    def graph(self, genes: Sequence[int]) -> Graph:
        """Return the graph of the known space.

        Raises:
            ValueError: there is none.
        """
        if self.known is None:
            raise ValueError("a table says nothing of graphs; name the space of its genes, as in --space nasbench201")
        return self.known.graph(self._translated(self.check(genes))[0])

    def mutate(self, genes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return other networks (n, genes): with one gene changed, or, where no row is so near, of the nearest ones."""
        before = self.network(genes)
        parents, after = self._networks[before], before.copy()
        left, sizes = np.arange(len(before)), self.sizes
        for _ in range(TRIES):
            if not len(left):
                break
            trial = parents[left].copy()
            gene = rng.integers(len(self.genes), size=len(left))
            step = rng.integers(1, np.maximum(sizes[gene], 2))
            rows = np.arange(len(left))
            trial[rows, gene] = (trial[rows, gene] + step) % sizes[gene]
            found = self._find(trial)
            after[left] = np.where(found < 0, before[left], found)
            left = left[after[left] == before[left]]
        for i in left:
            after[i] = rng.choice(self._around(int(before[i])))
        return self._networks[after]

    @property
    def plain(self) -> bool:
        """Whether nothing is known of its networks but which categories their genes are."""
        return not self.feature_names

    @property
    def shared(self) -> tuple[tuple[int, ...], ...]:
        """Groups of two or more genes with the same choices, in the same order."""
        groups: dict[tuple[str, ...], list[int]] = {}
        for i, gene in enumerate(self.genes):
            groups.setdefault(tuple(map(str, gene.choices)), []).append(i)
        return tuple(tuple(group) for group in groups.values() if len(group) > 1)

    @cached_property
    def _steps(self) -> np.ndarray:
        return np.append(np.cumprod(self.sizes[:0:-1])[::-1], 1).astype(np.int64)

    @cached_property
    def _rows(self) -> np.ndarray | None:
        """The first row of every combination of choices, or -1; None where there are too many combinations."""
        if np.prod(self.sizes.astype(float)) > GRID:
            return None
        size = int(np.prod(self.sizes))
        exact = np.full(size, -1, np.int64)
        exact[(self.table.rows[::-1].astype(np.int64)) @ self._steps] = np.arange(len(self.table.rows))[::-1]
        free = np.flatnonzero(exact < 0)
        if self.known and len(free):
            exact[free] = self._like(np.stack(np.unravel_index(free, tuple(self.sizes)), axis=1))
        return exact

    @cached_property
    def _grid(self) -> np.ndarray | None:
        """The network of every combination of choices; from the rows outward, one changed gene at a time."""
        if self._rows is None:
            return None
        far = len(self.table.rows)
        row = np.where(self._rows < 0, far, self._rows).reshape([s for s in self.sizes if s > 1])
        while (open_ := row == far).any():
            near = row.copy()
            for axis in range(row.ndim):
                np.minimum(near, row.min(axis=axis, keepdims=True), out=near)
            row = np.where(open_, near, row)
        return self.table.network[row.reshape(-1)]

    @cached_property
    def _index(self) -> tuple[np.ndarray, np.ndarray]:
        """Hashes of the rows, sorted, and which rows these are."""
        keys = hashed(self.table.rows)
        order = np.argsort(keys, kind="stable")
        return keys[order], order

    @cached_property
    def _likeness(self) -> tuple[np.ndarray, np.ndarray]:
        """The same of the representatives that the known space has for the rows."""
        assert self.known
        keys = hashed(self.known.canonical(self._translated(self.table.rows)))
        order = np.argsort(keys, kind="stable")
        return keys[order], order

    def _find(self, genes: np.ndarray) -> np.ndarray:
        """Return the network (n,) that has genes (n, genes) in a row or by the known space, else -1."""
        if self._rows is not None:
            rows = self._rows[genes @ self._steps]
        else:
            rows = _looked_up(self._index, hashed(genes))
            free = np.flatnonzero(rows < 0)
            if self.known and len(free):
                rows[free] = self._like(genes[free])
        return np.where(rows < 0, -1, self.table.network[rows])

    def _like(self, genes: np.ndarray) -> np.ndarray:
        assert self.known
        return _looked_up(self._likeness, hashed(self.known.canonical(self._translated(genes))))

    def _around(self, network: int) -> np.ndarray:
        """Return the other networks that are nearest to one, (k,)."""
        if network not in self._neighbours:
            if len(self._neighbours) >= MEMORY:
                self._neighbours.clear()
            apart = self._apart(self._networks[network])
            apart[self.table.network == network] = len(self.genes) + 1
            near = self.table.network[np.flatnonzero(apart == apart.min())[:1024]]
            self._neighbours[network] = np.unique(near)
        return self._neighbours[network]

    def _apart(self, genes: np.ndarray) -> np.ndarray:
        """Return in how many genes every row differs from one network's genes, (rows,)."""
        total = np.zeros(len(self.table.rows), np.int16)
        for column, gene in zip(self.table.rows.T, genes, strict=True):
            total += column != gene
        return total

    def _translated(self, genes: np.ndarray) -> np.ndarray:
        """Return the known space's genes for those of the table, (n, genes)."""
        return np.stack([place[column] for place, column in zip(self._places, genes.T, strict=True)], axis=1)

    def _representatives(self) -> np.ndarray:
        """Return the row (networks,) that stands for each network."""
        first = np.unique(self.table.network, return_index=True)[1]
        if self.known is None:
            return first
        own = self._translated(self.table.rows)
        good = np.flatnonzero((self.known.canonical(own) == own).all(axis=1))
        networks, place = np.unique(self.table.network[good], return_index=True)
        first[networks] = good[place]
        return first


def _looked_up(index: tuple[np.ndarray, np.ndarray], keys: np.ndarray) -> np.ndarray:
    known, rows = index
    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[place] == keys, rows[place], -1)


def _in_order(table: Table, known: Space) -> Table:
    """Return the table with its columns in the order of the space's genes, whatever their order in the file."""
    ours, theirs = [g.name for g in table.genes], [g.name for g in known.genes]
    if sorted(ours) != sorted(theirs):
        raise ValueError(f"the table's genes are {', '.join(ours)}; space {known.name!r} has {', '.join(theirs)}")
    return table.ordered(theirs)


def _places(table: Table, known: Space) -> list[np.ndarray]:
    """Return for every gene which choice of the space each choice of the table is."""
    places = []
    for gene, own in zip(table.genes, known.genes, strict=True):
        names = [str(c) for c in own.choices]
        strange = [str(c) for c in gene.choices if str(c) not in names]
        if strange:
            raise ValueError(f"gene.{gene.name} is {strange[0]!r}; space {known.name!r} allows {', '.join(names)}")
        places.append(np.array([names.index(str(c)) for c in gene.choices]))
    return places


def _scored(table: Table, columns: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the features (networks, k) float32 that columns of a table make, and their names."""
    from scipy.stats import norm, rankdata

    found: dict[str, np.ndarray] = {}
    for column in columns:
        values = table.values[column]
        there = np.isfinite(values)
        scores = np.zeros(len(values))
        scores[there] = norm.ppf((rankdata(values[there]) - 0.5) / max(there.sum(), 1))
        found[f"input.{column}"] = scores
        if not there.all():
            found[f"missing.{column}"] = ~there
    if not found:
        return np.zeros((table.networks, 0), np.float32), ()
    return np.stack(list(found.values()), axis=1).astype(np.float32), tuple(found)

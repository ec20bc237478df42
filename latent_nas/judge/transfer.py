"""What searches of other tasks on the same space believe of networks, as columns for this search's surrogate.

Of every source a process is fitted to its labels; its mean over networks, in units of its std over the space, is a
column. The surrogate weighs such columns by its own labels (``surrogates.gp``, ``apart``): one that says nothing of
this task costs next to nothing. One that is right about bad networks and wrong about good ones costs much, as it is
the good ones that a search chooses from: it is heard only while it orders the best labels, see ``agreeing``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from latent_nas import seeds
from latent_nas.judge.link import Link
from latent_nas.judge.listing import Listing
from latent_nas.spaces import Space
from latent_nas.surrogates import Surrogate, design
from latent_nas.surrogates.gp import Gp

SURE = 2.0  # standard errors
RELATED = 3  # networks that sources believe to be the best, trained first where the user calls the tasks related
ROWS = 1000  # labels of a source behind its process; more make it slower and hardly better
PART = 4096  # networks at a time
BEST = 8  # labels, or the better half where that is more, that a source has to order
SAMPLES = 2048  # networks over which a mean has its unit, where a space has no list


@dataclass(frozen=True)
class Source:
    """Labels of another task on the same space.

    Attributes:
        name: of the task or file, for people; each of a search's has one of its own. genes: canonical, (n, genes).
            values: more is better, (n,).

    Raises:
        ValueError: fewer than two different values, which order nothing.
    """

    name: str
    genes: np.ndarray
    values: np.ndarray

    def __post_init__(self) -> None:
        if len(np.unique(self.values)) < 2:
            raise ValueError(
                f"{self.name} tells networks apart by nothing: {len(self.values)} labels, all of one value; leave it"
                " away"
            )


class Beliefs:
    """The columns, worked out once for all networks of a space that is listed.

    Args:
        space: of the networks. sources: at least one; a fit is drawn by its source's place, not by its name. seed: of
            the fits.

    Attributes:
        trainings: of every source, by its name: they are reported beside this search's own.
    """

    def __init__(self, space: Space, sources: Sequence[Source], seed: int) -> None:
        self.space, self.trainings = space, {source.name: len(source.values) for source in sources}
        self._models: list[tuple[Surrogate, float, float]] = []
        self._listing, self._listed = Listing.of(space), None
        some = self._listing.genes if self._listing else space.sample(seeds.rng(seed, "beliefs"), SAMPLES)
        columns = []
        for place, source in enumerate(sources):
            X = design(space, source.genes)
            model = Gp(own=X.shape[1], rows=ROWS, seed=seeds.derive(seed, "source", place))
            model.fit(X, Link.of(source.values).forward(source.values))
            mean = self._mean(model, some)
            self._models.append((model, float(mean.mean()), float(mean.std()) or 1.0))
            columns.append(mean)
        if self._listing:
            self._listed = self._scaled(columns)

    def __call__(self, genes: np.ndarray) -> np.ndarray:
        """Return the columns (n, sources) of canonical genes (n, genes)."""
        if self._listing is not None and self._listed is not None:
            return np.asarray(self._listed[self._listing.rows(np.asarray(genes))])
        return self._scaled([self._mean(model, np.asarray(genes)) for model, _, _ in self._models])

    def best(self, candidates: np.ndarray) -> np.ndarray:
        """Return the candidates (n, genes) in the order of their mean belief, the best first."""
        return np.asarray(candidates[np.argsort(-self(candidates).mean(axis=1), kind="stable")])

    def _mean(self, model: Surrogate, genes: np.ndarray) -> np.ndarray:
        """Return a process's mean (n,) of genes (n, genes), a part at a time: kernels of all at once take too much."""
        parts = np.array_split(genes, max(len(genes) // PART, 1))
        return np.concatenate([model.predict(design(self.space, part)) for part in parts])

    def _scaled(self, columns: Sequence[np.ndarray]) -> np.ndarray:
        pairs = zip(columns, self._models, strict=True)
        return np.stack([(mean - middle) / unit for mean, (_, middle, unit) in pairs], axis=1).astype(np.float32)


def agreeing(columns: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return which columns (n, sources) order the best of this task's values (n,), (sources,) of 0 or 1.

    Those whose rank correlation with them is above ``SURE`` times its standard error by chance; among fewer than
    ``BEST`` labels all are heard, since there is nothing better.
    """
    from scipy.stats import rankdata

    if len(values) < BEST:
        return np.ones(columns.shape[1], np.float32)
    best = np.argsort(-values, kind="stable")[: max(BEST, len(values) // 2)]
    ranks = rankdata(np.concatenate([columns[best], values[best, None]], axis=1), axis=0)
    ranks -= ranks.mean(axis=0)
    size = np.sqrt((ranks**2).sum(axis=0))
    agreement = ranks[:, :-1].T @ ranks[:, -1] / np.maximum(size[:-1] * size[-1], 1e-9)
    return np.asarray(agreement > SURE * (len(best) - 1) ** -0.5, np.float32)

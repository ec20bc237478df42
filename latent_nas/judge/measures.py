"""What else is measured of a network beside the objective, predicted by one surrogate with a target for each.

Records may measure anything beside what is optimised: the std of the accuracy in analog memory and what it loses in a
month, or a text model's bits per character. None of it has a name in here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from latent_nas import seeds
from latent_nas.artifacts import Artifact
from latent_nas.records import Record
from latent_nas.spaces import Space
from latent_nas.surrogates import Surrogate, design, restore
from latent_nas.surrogates.stack import Stack


@dataclass(frozen=True)
class Measures:
    """A surrogate of several metrics.

    Attributes:
        space: of the networks. names: of the metrics, the targets of ``model`` in their order.
    """

    space: Space
    names: tuple[str, ...]
    model: Surrogate

    @staticmethod
    def fit(space: Space, genes: np.ndarray, values: np.ndarray, names: Sequence[str], seed: int) -> "Measures":
        """Return the surrogate of values (n, metrics) of canonical genes (n, genes)."""
        X = design(space, genes)
        model = Stack(own=X.shape[1], seed=seeds.derive(seed, "measures") % 2**31).fit(X, values)
        return Measures(space, tuple(names), model)

    def predict(self, genes: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return the mean (n,) and std (n,) of every metric, by its name, for canonical genes (n, genes)."""
        mean, std = self.model.predict(design(self.space, genes), return_std=True)
        return {name: (mean[:, i], std[:, i]) for i, name in enumerate(self.names)}

    def artifact(self, made: dict[str, Any], quality: dict[str, Any]) -> Artifact:
        """Return it for ``artifacts.save``; ``of_artifact`` reads it back."""
        return self.model.artifact({**made, "names": list(self.names)}, quality)

    @staticmethod
    def of_artifact(space: Space, artifact: Artifact) -> "Measures":
        """Return the surrogate of ``artifact``.

        Raises:
            ValueError: it is damaged, of another space, or no surrogate of metrics.
        """
        model, names = restore(artifact), artifact.made.get("names")
        columns = design(space, space.sample(seeds.rng(0), 1)).shape[1]
        if not isinstance(names, list) or len(names) != model.targets_:
            raise ValueError("this surrogate names no metrics; fit one with `latent-nas surrogate train`")
        if model.n_features_in_ != columns:
            raise ValueError(
                f"this surrogate of metrics has {model.n_features_in_} columns, space {space.name!r} gives {columns};"
                " fit one for this space"
            )
        return Measures(space, tuple(names), model)


def measured(records: Sequence[Record]) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Return genes (n, genes), metrics (n, metrics) and their names, of ok validation records; repeats averaged.

    The metrics are those that all such records hold, sorted by name; there may be none.
    """
    good = [r for r in records if r.ok and r.part == "valid"]
    names = tuple(sorted(set.intersection(*(set(beside(r)) for r in good)))) if good else ()
    found: dict[tuple[int, ...], list[list[float]]] = {}
    for record in good:
        found.setdefault(tuple(record.genes), []).append([beside(record)[name] for name in names])
    order = sorted(found)
    values = [np.mean(sorted(found[genes]), axis=0) for genes in order]
    return np.array(order, np.int64), np.array(values, float).reshape(len(order), len(names)), names


def beside(record: Record) -> dict[str, float]:
    """Return what a record measured of the network as it is deployed, without its objective, by name."""
    return {
        name: value
        for name, value in record.measured.items()
        if name != record.objective and not name.startswith("float_")
    }

"""Gaussian processes and boosted trees together: processes are right about the trend, trees about the details."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from latent_nas import seeds
from latent_nas.surrogates import Surrogate
from latent_nas.surrogates._categories import Categories
from latent_nas.surrogates.gp import Gp
from latent_nas.surrogates.xgb import Xgb

FEW = 30  # labels of which the trees have half their say


class Stack(Surrogate):
    """A weighted mean; the std is that of the processes, and what the parts disagree by.

    Args:
        share: the trees' weight where labels abound; it falls with few, and below ``least`` there are none: of 24
            networks they say next to nothing, and take ten times what all the rest does. own, apart, least_noise: see
            ``Gp``. sizes, shared: of genes that are plain categories, see ``Categories``, which is then a second
            process of the same weight; () for none.
    """

    def __init__(
        self,
        share: float = 1 / 3,
        own: int = 512,
        seed: int = 0,
        threads: int = 1,
        apart: int = 0,
        least_noise: float = 0.0,
        sizes: Sequence[int] = (),
        shared: Sequence[Sequence[int]] = (),
        least: int = FEW,
    ) -> None:
        self.share, self.own, self.seed, self.threads = share, own, seed, threads
        self.apart, self.least_noise, self.sizes, self.shared = apart, least_noise, sizes, shared
        self.least = least

    def _parts(self) -> dict[str, Surrogate]:
        gp: dict[str, Any] = {
            "apart": self.apart,
            "least_noise": self.least_noise,
            "seed": seeds.derive(self.seed, "gp"),
        }
        parts: dict[str, Surrogate] = {"gp": Gp(own=self.own, **gp)}
        if self.sizes:
            parts["categories"] = Categories(self.sizes, self.shared, **gp)
        if self.weight:
            seed = seeds.derive(self.seed, "xgb")
            parts["xgb"] = Xgb(members=3, rounds=100, rate=0.1, seed=seed, threads=self.threads)
        return parts

    def _fit(self, X: np.ndarray, y: np.ndarray) -> None:
        self.weight = self.share * len(X) / (len(X) + FEW) if len(X) >= self.least else 0.0
        self.parts: dict[str, Any] = {name: part.fit(X, y) for name, part in self._parts().items()}

    @property
    def _processes(self) -> list[Any]:
        return [part for name, part in self.parts.items() if name != "xgb"]

    def _predict(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        smooth, std = self.parts["gp"].predict(X, return_std=True)
        if "categories" in self.parts:
            other, spread = self.parts["categories"].predict(X, return_std=True)
            std = np.sqrt((std**2 + spread**2) / 2 + (other - smooth) ** 2 / 4)
            smooth = (smooth + other) / 2
        if "xgb" not in self.parts:
            return smooth, std
        gap = self.parts["xgb"].predict(X) - smooth
        return smooth + self.weight * gap, np.sqrt(std**2 + self.weight * (1 - self.weight) * gap**2)

    def covariance(self, X: np.ndarray) -> tuple[np.ndarray, float]:
        """Return the covariance (n, n) of what is believed of X (n, columns), and the variance of the noise.

        Its diagonal is the square of the std; what the parts disagree by is no other row's concern.
        """
        each = [process.covariance(X) for process in self._processes]
        covariance = np.mean([part for part, _ in each], axis=0)
        std = self.predict(X, return_std=True)[1]
        covariance[np.diag_indices(len(X))] = std**2
        return covariance, float(np.mean([noise for _, noise in each]))

    def _files(self) -> dict[str, bytes]:
        files = {f"{part}.{name}": data for part, s in self.parts.items() for name, data in s.artifact().files.items()}
        return {"stack.json": json.dumps({"weight": self.weight}).encode(), **files}

    def _restore(self, files: dict[str, bytes]) -> None:
        self.weight = float(json.loads(files["stack.json"])["weight"])
        self.parts = self._parts()
        for name, part in self.parts.items():
            own = {k.removeprefix(f"{name}."): v for k, v in files.items() if k.startswith(f"{name}.")}
            part.n_features_in_, part.targets_, part._flat = self.n_features_in_, self.targets_, False
            part._restore(own)


Plugin = Stack

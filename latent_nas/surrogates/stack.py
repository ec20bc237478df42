"""A Gaussian process and boosted trees together: the process is right about the trend, the trees about the details."""

import json
from typing import Any

import numpy as np

from latent_nas import seeds
from latent_nas.surrogates import Surrogate
from latent_nas.surrogates.gp import Gp
from latent_nas.surrogates.xgb import Xgb

FEW = 30  # labels of which the trees have half their say


class Stack(Surrogate):
    """A weighted mean; the std is the process's, and what the two disagree by.

    Args:
        share: the trees' weight where labels abound; it falls with few. own, apart, least_noise: see ``Gp``.
    """

    def __init__(
        self,
        share: float = 1 / 3,
        own: int = 512,
        seed: int = 0,
        threads: int = 1,
        apart: int = 0,
        least_noise: float = 0.0,
    ) -> None:
        self.share, self.own, self.seed, self.threads = share, own, seed, threads
        self.apart, self.least_noise = apart, least_noise

    def _parts(self) -> dict[str, Any]:
        return {
            "gp": Gp(own=self.own, seed=seeds.derive(self.seed, "gp"), apart=self.apart, least_noise=self.least_noise),
            "xgb": Xgb(members=3, rounds=100, rate=0.1, seed=seeds.derive(self.seed, "xgb"), threads=self.threads),
        }

    def _fit(self, X: np.ndarray, y: np.ndarray) -> None:
        self.weight = self.share * len(X) / (len(X) + FEW)
        self.parts = {name: part.fit(X, y) for name, part in self._parts().items()}

    def _predict(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        smooth, std = self.parts["gp"].predict(X, return_std=True)
        gap = self.parts["xgb"].predict(X) - smooth
        return smooth + self.weight * gap, np.sqrt(std**2 + self.weight * (1 - self.weight) * gap**2)

    def covariance(self, X: np.ndarray) -> tuple[np.ndarray, float]:
        """Return the covariance (n, n) of what is believed of X (n, columns), and the variance of the noise.

        Its diagonal is the square of the std; what the two disagree by is no other row's concern.
        """
        covariance, noise = self.parts["gp"].covariance(X)
        std = self.predict(X, return_std=True)[1]
        covariance[np.diag_indices(len(X))] = std**2
        return covariance, noise

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

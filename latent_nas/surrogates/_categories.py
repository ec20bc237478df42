"""A Gaussian process of genes that are plain categories, see ``_alike``; a part of ``Stack``."""

from collections.abc import Sequence

import numpy as np

from latent_nas import seeds
from latent_nas.artifacts import pack, unpack
from latent_nas.surrogates import Surrogate
from latent_nas.surrogates._alike import Alike, Posterior
from latent_nas.surrogates._kernel import JITTER
from latent_nas.surrogates.gp import FEW

SPAN = 5.0  # how far a logarithm may go from its prior mean
STATE = ("shift", "mean", "scale", "theta", "inputs", "alpha", "factor")


class Categories(Surrogate):
    """One target; the std is the posterior's, of the function without noise.

    Args:
        sizes: choices of every gene, whose one-hots are the first columns. shared: groups of genes with the same
            choices. apart, fitted_rows, rows, steps, seed, least_noise: see ``Gp``; here every column apart has a
            weight of its own, which the labels decide.
    """

    def __init__(
        self,
        sizes: Sequence[int] = (),
        shared: Sequence[Sequence[int]] = (),
        apart: int = 0,
        fitted_rows: int = 400,
        rows: int = 3000,
        steps: int = 25,
        seed: int = 0,
        least_noise: float = 0.0,
    ) -> None:
        self.sizes, self.shared, self.apart, self.seed = sizes, shared, apart, seed
        self.fitted_rows, self.rows, self.steps, self.least_noise = fitted_rows, rows, steps, least_noise

    @property
    def _kernel(self) -> Alike:
        return Alike.of(self.sizes, self.shared, self.apart)

    def _fit(self, X: np.ndarray, y: np.ndarray) -> None:
        from scipy.linalg import cho_solve, cholesky
        from scipy.optimize import minimize

        order = seeds.rng(self.seed, "categories").permutation(len(X))
        kept, tried = np.sort(order[: self.rows]), np.sort(order[: self.fitted_rows])
        self.shift = np.zeros(X.shape[1], np.float32)
        if self.apart:
            self.shift[-self.apart :] = X[:, -self.apart :].mean(axis=0)
        self.mean, self.scale = y.mean(axis=0), np.where(y.std(axis=0) > 0, y.std(axis=0), 1)
        self.inputs, z = (X - self.shift)[kept], (y[kept, 0] - self.mean[0]) / self.scale[0]
        start = self._kernel.prior
        bounds = [(value - SPAN, value + SPAN) for value in start]
        noise, few = len(self.sizes) + 4, min(1.0, FEW / len(X))
        bounds[noise] = (max(bounds[noise][0], np.log(max(self.least_noise * few, 1e-9))), bounds[noise][1])
        self.theta = np.clip(start, *np.transpose(bounds))
        if len(tried) >= 3 and z.any():
            loss = Posterior(self._kernel, (X - self.shift)[tried], (y[tried, 0] - self.mean[0]) / self.scale[0])
            options = {"maxiter": self.steps}
            self.theta = minimize(loss, self.theta, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
        K = self._kernel.cross(self.theta, self.inputs, self.inputs).astype(float)
        K[np.diag_indices(len(K))] += np.exp(self.theta[noise]) + JITTER
        factor = cholesky(K, lower=True)
        self.factor, self.alpha = factor.astype(np.float32), cho_solve((factor, True), z).astype(np.float32)

    def _predict(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows = X - self.shift
        k, v = self._seen(rows)
        variance = np.maximum(self._kernel.own(self.theta, rows) - (v * v).sum(axis=0), 1e-6)
        mean, std = k @ self.alpha, np.sqrt(variance)
        return mean[:, None] * self.scale + self.mean, std[:, None] * self.scale

    def covariance(self, X: np.ndarray) -> tuple[np.ndarray, float]:
        """Return the posterior covariance (n, n) of the function at X (n, columns), and the variance of the noise."""
        rows, unit = np.asarray(X, np.float32) - self.shift, float(self.scale[0]) ** 2
        v = self._seen(rows)[1]
        noise = float(np.exp(self.theta[len(self.sizes) + 4]) + JITTER)
        return (self._kernel.cross(self.theta, rows, rows) - v.T @ v).astype(float) * unit, noise * unit

    def _seen(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the kernel k (n, rows) of shifted rows (n, columns) with the inputs, and L^-1 k^T (rows, n)."""
        from scipy.linalg import solve_triangular

        k = self._kernel.cross(self.theta, rows, self.inputs)
        return k, solve_triangular(self.factor, k.T, lower=True, check_finite=False)

    def _files(self) -> dict[str, bytes]:
        return {"categories.safetensors": pack({name: np.asarray(getattr(self, name)) for name in STATE})}

    def _restore(self, files: dict[str, bytes]) -> None:
        arrays = unpack(files["categories.safetensors"])
        if arrays["inputs"].shape[1] != self.n_features_in_ or len(arrays["theta"]) != len(self._kernel.prior):
            raise ValueError(f"inputs are {arrays['inputs'].shape}, expected {self.n_features_in_} columns")
        for name in STATE:
            setattr(self, name, arrays[name])

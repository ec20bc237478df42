"""A Gaussian process (Rasmussen and Williams 2006): the most careful surrogate where labels are few.

Kernel: amplitude * Matern 5/2 + slope * linear, on columns divided by length scales. Columns of zeros and ones share a
length scale, any other column of the first ``own`` has its own, later ones (a latent) share another. Hyperparameters
are those of the largest marginal likelihood times a log-normal prior (MAP).
"""

from dataclasses import dataclass

import numpy as np

from latent_nas import seeds
from latent_nas.artifacts import pack, unpack
from latent_nas.surrogates import Surrogate, standardise

JITTER = 1e-4


@dataclass(frozen=True)
class _Scales:
    """Which length scale every column has, (columns,), and the prior mean of each log length scale."""

    of: np.ndarray
    prior: np.ndarray

    @staticmethod
    def of_columns(binary: np.ndarray, own: int) -> "_Scales":
        """Return the grouping of columns, told which of them (columns,) hold zeros and ones only."""
        single = ~binary & (np.arange(len(binary)) < own)
        late = ~binary & ~single
        of = np.zeros(len(binary), int)
        of[single] = 2 + np.arange(single.sum())
        of[late] = 1
        # Distances grow with the root of the number of columns; so does the scale on which functions vary.
        shared = [0.5 * np.log(max(part.sum(), 1)) + 0.5 for part in (binary, late)]
        return _Scales(of, np.array([*shared, *[0.5 * np.log(max(single.sum(), 1)) + 0.5] * int(single.sum())]))


class Gp(Surrogate):
    """A Gaussian process per target; the std is the posterior's, of the function without noise.

    Args:
        own: so many columns may have a length scale of their own. fitted_rows: at most, for the hyperparameters;
            rows: at most, behind the prediction (a random choice of them where there are more).
        steps: of L-BFGS. seed: of that choice.
    """

    def __init__(
        self, own: int = 512, fitted_rows: int = 400, rows: int = 3000, steps: int = 40, seed: int = 0
    ) -> None:
        self.own, self.fitted_rows, self.rows, self.steps, self.seed = own, fitted_rows, rows, steps, seed

    def _fit(self, X: np.ndarray, y: np.ndarray) -> None:
        from scipy.optimize import minimize

        order = seeds.rng(self.seed, "gp").permutation(len(X))
        kept, tried = np.sort(order[: self.rows]), np.sort(order[: self.fitted_rows])
        self.shift, self.gain, binary = standardise(X)
        self.mean, self.scale = y.mean(axis=0), np.where(y.std(axis=0) > 0, y.std(axis=0), 1)
        Z, Y = (X - self.shift).astype(float) * self.gain, (y - self.mean) / self.scale
        scales = _Scales.of_columns(binary, self.own)
        start = np.concatenate([scales.prior, np.log([1.0, 0.2, 0.1])])
        thetas = []
        for target in range(y.shape[1]):
            if len(tried) < 3 or not Y[:, target].any():
                thetas.append(start)
                continue
            found = minimize(
                _loss,
                start,
                (start, Z[tried], Y[tried, target], scales.of),
                jac=True,
                method="L-BFGS-B",
                bounds=[(value - 5, value + 5) for value in start],
                options={"maxiter": self.steps},
            )
            thetas.append(found.x)
        self.theta, self.of, self.inputs, self.outputs = np.array(thetas), scales.of, Z[kept], Y[kept]
        self._solve()

    def _solve(self) -> None:
        """Work out what predictions need, in single precision; it is what an artefact keeps.

        Per target: what columns are multiplied by, the inputs on their length scales, K^-1 y and the factor L of K.
        """
        from scipy.linalg import cho_factor, cho_solve

        self._parts = []
        for target, theta in enumerate(self.theta):
            amplitude, slope, noise = np.exp(theta[-3:])
            S = self.inputs * np.exp(-theta[:-3])[self.of]
            K = _matern(_distances(S, S))
            K *= amplitude
            K += slope * S @ S.T
            K[np.diag_indices(len(S))] += noise + JITTER
            factor = cho_factor(K, lower=True, overwrite_a=True, check_finite=False)
            alpha = cho_solve(factor, self.outputs[:, target])
            scale = (self.gain * np.exp(-theta[:-3])[self.of]).astype(np.float32)
            self._parts.append(
                (scale, S.astype(np.float32), alpha.astype(np.float32), np.tril(factor[0]).astype(np.float32))
            )

    def _predict(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean, std = np.zeros((len(X), self.targets_)), np.zeros((len(X), self.targets_))
        if not len(X):
            return mean, std
        for target in range(self.targets_):
            amplitude, slope, _ = np.exp(self.theta[target, -3:]).astype(np.float32)
            T, k, v = self._seen(X, target)
            mean[:, target] = k @ self._parts[target][2]
            prior = amplitude + slope * (T * T).sum(axis=1)
            std[:, target] = np.sqrt(np.maximum(prior - (v * v).sum(axis=0), 1e-6))
        return mean * self.scale + self.mean, std * self.scale

    def covariance(self, X: np.ndarray, target: int = 0) -> tuple[np.ndarray, float]:
        """Return the posterior covariance (n, n) of the function at X (n, columns), and the variance of the noise."""
        X = np.asarray(X, np.float32)
        amplitude, slope, noise = np.exp(self.theta[target, -3:])
        T, _, v = self._seen(X, target)
        covariance = amplitude * _matern(_distances(T, T)) + slope * (T @ T.T) - v.T @ v
        unit = float(self.scale[target]) ** 2
        return covariance.astype(float) * unit, float(noise + JITTER) * unit

    def _seen(self, X: np.ndarray, target: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return X on its length scales, its kernel k with the inputs (n, rows), and L^-1 k (rows, n)."""
        from scipy.linalg import solve_triangular

        scale, S, _, factor = self._parts[target]
        amplitude, slope, _ = np.exp(self.theta[target, -3:]).astype(np.float32)
        T = (X - self.shift) * scale
        k = amplitude * _matern(_distances(T, S)) + slope * (T @ S.T)
        return T, k, solve_triangular(factor, k.T, lower=True, check_finite=False)

    def _files(self) -> dict[str, bytes]:
        arrays = {name: np.asarray(getattr(self, name)) for name in ("shift", "mean", "scale", "theta")}
        for target, (scale, S, alpha, factor) in enumerate(self._parts):
            arrays |= {f"scales{target}": scale, f"inputs{target}": S, f"alpha{target}": alpha}
            arrays[f"factor{target}"] = np.concatenate([row[: i + 1] for i, row in enumerate(factor)])
        return {"gp.safetensors": pack(arrays)}

    def _restore(self, files: dict[str, bytes]) -> None:
        arrays = unpack(files["gp.safetensors"])
        columns, targets, rows = self.n_features_in_, self.targets_, len(arrays["alpha0"])
        shapes: dict[str, tuple[int, ...]] = {"shift": (columns,), "mean": (targets,), "scale": (targets,)}
        for target in range(targets):
            shapes |= {f"scales{target}": (columns,), f"inputs{target}": (rows, columns), f"alpha{target}": (rows,)}
            shapes[f"factor{target}"] = (rows * (rows + 1) // 2,)
        for name, shape in shapes.items():
            if arrays[name].shape != shape:
                raise ValueError(f"{name} is {arrays[name].shape}, expected {shape}")
        if arrays["theta"].ndim != 2 or len(arrays["theta"]) != targets or arrays["theta"].shape[1] < 3:
            raise ValueError(f"theta is {arrays['theta'].shape}, expected ({targets}, scales + 3)")
        for name in ("shift", "mean", "scale", "theta"):
            setattr(self, name, arrays[name])
        self._parts = []
        for target in range(targets):
            scale, S, alpha = (arrays[f"{name}{target}"] for name in ("scales", "inputs", "alpha"))
            self._parts.append((scale, S, alpha, _square(arrays[f"factor{target}"])))


def _square(packed: np.ndarray) -> np.ndarray:
    """Return the lower triangle (n, n) of its rows behind each other, (n * (n + 1) / 2,)."""
    n = int((2 * len(packed)) ** 0.5)
    full = np.zeros((n, n), packed.dtype)
    for i, row in enumerate(full):
        row[: i + 1] = packed[i * (i + 1) // 2 :][: i + 1]
    return full


def _distances(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Return squared distances (a, b) of rows (a, columns) and (b, columns)."""
    D = A @ B.T
    D *= -2  # in place: thousands of rows make large matrices
    D += (A * A).sum(axis=1)[:, None]
    D += (B * B).sum(axis=1)
    return np.asarray(np.maximum(D, 0, out=D))


def _matern(D: np.ndarray) -> np.ndarray:
    """Return the Matern 5/2 kernel of squared distances, which are written over."""
    D *= 5
    r = np.sqrt(D)
    D /= 3
    D += r
    D += 1
    D *= np.exp(np.negative(r, out=r), out=r)
    return D


def _matern_slope(D: np.ndarray) -> np.ndarray:
    """Return the derivative of the Matern 5/2 kernel by squared distances."""
    r = np.sqrt(5 * D)
    return np.asarray(-5 / 6 * (1 + r) * np.exp(-r))


def _loss(
    theta: np.ndarray, prior: np.ndarray, Z: np.ndarray, y: np.ndarray, of: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return the negative log posterior of theta and its gradient (Rasmussen and Williams, equations 5.8 and 5.9)."""
    from scipy.linalg import cho_factor, cho_solve

    amplitude, slope, noise = np.exp(theta[-3:])
    S = Z * np.exp(-theta[:-3])[of]
    D = _distances(S, S)
    by_distance, matern = _matern_slope(D), _matern(D)
    linear = S @ S.T
    K = amplitude * matern + slope * linear
    K[np.diag_indices(len(K))] += noise + JITTER
    factor = cho_factor(K, lower=True)
    alpha = cho_solve(factor, y)
    loss = 0.5 * y @ alpha + np.log(np.diag(factor[0])).sum()
    Q = cho_solve(factor, np.eye(len(y))) - np.outer(alpha, alpha)
    M = amplitude * Q * by_distance
    column = -2 * ((S * S * M.sum(axis=1)[:, None]).sum(axis=0) - (S * (M @ S)).sum(axis=0)) - slope * (
        S * (Q @ S)
    ).sum(0)
    gradient = np.zeros(len(theta))
    gradient[: len(theta) - 3] = np.bincount(of, column, len(theta) - 3)
    gradient[-3:] = 0.5 * np.array([amplitude * (Q * matern).sum(), slope * (Q * linear).sum(), noise * np.trace(Q)])
    return loss + 0.5 * ((theta - prior) ** 2).sum(), gradient + theta - prior


Plugin = Gp

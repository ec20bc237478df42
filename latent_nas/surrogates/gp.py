"""A Gaussian process (Rasmussen and Williams 2006): the most careful surrogate where labels are few.

Kernel: amplitude * Matern 5/2 + slope * linear, on columns divided by length scales. Columns of zeros and ones share a
length scale, any other column of the first ``own`` has its own, later ones (a latent) share another. The last ``apart``
columns, beliefs of other tasks, stand in a linear kernel of their own, of weight 1 in all. Hyperparameters are those of
the largest marginal likelihood times a log-normal prior (MAP).
"""

from dataclasses import dataclass

import numpy as np

from latent_nas import seeds
from latent_nas.artifacts import pack, unpack
from latent_nas.surrogates import Surrogate, standardise
from latent_nas.surrogates._kernel import JITTER, apart_by, distances, factor_of, matern, posterior_loss, squares

FEW = 200  # labels up to which the floor of the noise stands
STATE = ("shift", "gain", "of", "mean", "scale", "theta", "inputs", "alpha")


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
        steps: of L-BFGS. seed: of that choice. least_noise: share of the targets' variance that is taken for noise at
            least, with up to ``FEW`` rows; it falls with 1 / rows beyond. Few labels are explained by many functions
            without noise, and a long search that believes one of them stays where it is.
        apart: how many of the last columns are only in the linear kernel of weight 1; they come in units of their std
            over all networks.
    """

    def __init__(
        self,
        own: int = 512,
        fitted_rows: int = 400,
        rows: int = 3000,
        steps: int = 40,
        seed: int = 0,
        least_noise: float = 0.0,
        apart: int = 0,
    ) -> None:
        self.own, self.fitted_rows, self.rows, self.steps, self.seed = own, fitted_rows, rows, steps, seed
        self.least_noise, self.apart = least_noise, apart

    def _fit(self, X: np.ndarray, y: np.ndarray) -> None:
        from scipy.optimize import minimize

        order = seeds.rng(self.seed, "gp").permutation(len(X))
        kept, tried = np.sort(order[: self.rows]), np.sort(order[: self.fitted_rows])
        self.shift, self.gain, binary = standardise(X)
        self.gain[self._main :], binary[self._main :] = 0, True
        self.mean, self.scale = y.mean(axis=0), np.where(y.std(axis=0) > 0, y.std(axis=0), 1)
        Z, Y = (X - self.shift).astype(float) * self.gain, (y - self.mean) / self.scale
        scales = _Scales.of_columns(binary, self.own)
        start = np.concatenate([scales.prior, np.log([1.0, 0.2, 0.1])])
        bounds = [(value - 5, value + 5) for value in start]
        floor = np.log(max(self.least_noise * min(1.0, FEW / len(X)), 1e-9))
        bounds[-1] = (min(max(floor, bounds[-1][0]), bounds[-1][1]), bounds[-1][1])
        start = np.clip(start, *np.transpose(bounds))
        thetas = []
        for target in range(y.shape[1]):
            if len(tried) < 3 or not Y[:, target].any():
                thetas.append(start)
                continue
            found = minimize(
                posterior_loss,
                start,
                (start, Z[tried], Y[tried, target], scales.of, self._beliefs(X[tried])),
                jac=True,
                method="L-BFGS-B",
                bounds=bounds,
                options={"maxiter": self.steps},
            )
            thetas.append(found.x)
        self.theta, self.of, self.inputs, self.outputs = np.array(thetas), scales.of, X[kept], Y[kept]
        self._solve()

    def _solve(self) -> None:
        """Work out what predictions need, in single precision: K^-1 y, and per target the factor L of K."""
        from scipy.linalg import cho_solve

        self._factors: dict[int, np.ndarray] = {}
        alphas = []
        for target, theta in enumerate(self.theta):
            factor = factor_of(self._scaled(target), theta, self._beliefs(self.inputs))
            alphas.append(cho_solve((factor, True), self.outputs[:, target]).astype(np.float32))
            self._factors[target] = factor.astype(np.float32)
        self.alpha = np.array(alphas)
        self._place()

    def _place(self) -> None:
        """Keep, per target, what columns are multiplied by, the inputs on their length scales, and their squares."""
        self._parts = []
        for target, theta in enumerate(self.theta):
            inputs = self._scaled(target).astype(np.float32)
            scale = (self.gain * np.exp(-theta[:-3])[self.of]).astype(np.float32)
            self._parts.append((scale, inputs, squares(inputs)))
        self._apart = self._beliefs(self.inputs).astype(np.float32)

    @property
    def _main(self) -> int:
        """How many columns stand before those apart."""
        return self.n_features_in_ - self.apart

    def _beliefs(self, X: np.ndarray) -> np.ndarray:
        """Return the columns apart of X (n, columns), so that they have a variance of about 1 in all, (n, apart)."""
        return np.asarray((X - self.shift)[:, self._main :] / np.sqrt(max(self.apart, 1)), float)

    def _scaled(self, target: int) -> np.ndarray:
        """Return the inputs (rows, columns) on a target's length scales."""
        lengths = np.exp(-self.theta[target, :-3])[self.of]
        return np.asarray((self.inputs - self.shift).astype(float) * self.gain * lengths)

    def _predict(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean, std = np.zeros((len(X), self.targets_)), np.zeros((len(X), self.targets_))
        if not len(X):
            return mean, std
        for target in range(self.targets_):
            amplitude, slope, _ = np.exp(self.theta[target, -3:]).astype(np.float32)
            T, B, k, v = self._seen(X, target)
            mean[:, target] = k @ self.alpha[target]
            prior = amplitude + slope * (T * T).sum(axis=1) + (B * B).sum(axis=1)
            std[:, target] = np.sqrt(np.maximum(prior - (v * v).sum(axis=0), 1e-6))
        return mean * self.scale + self.mean, std * self.scale

    def covariance(self, X: np.ndarray, target: int = 0) -> tuple[np.ndarray, float]:
        """Return the posterior covariance (n, n) of the function at X (n, columns), and the variance of the noise."""
        X = np.asarray(X, np.float32)
        amplitude, slope, noise = np.exp(self.theta[target, -3:])
        T, B, _, v = self._seen(X, target)
        covariance = amplitude * matern(distances(T, T)) + slope * (T @ T.T) + B @ B.T - v.T @ v
        unit = float(self.scale[target]) ** 2
        return covariance.astype(float) * unit, float(noise + JITTER) * unit

    def _seen(self, X: np.ndarray, target: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return X on its length scales, its columns apart, its kernel k with the inputs (n, rows), and L^-1 k."""
        from scipy.linalg import solve_triangular

        scale, S, lengths = self._parts[target]
        if target not in self._factors:  # an artefact comes without it: it is large, and solved in half a second
            factor = factor_of(self._scaled(target), self.theta[target], self._beliefs(self.inputs))
            self._factors[target] = factor.astype(np.float32)
        amplitude, slope, _ = np.exp(self.theta[target, -3:]).astype(np.float32)
        T = (X - self.shift) * scale
        B = self._beliefs(X).astype(np.float32)
        products = T @ S.T
        k = amplitude * matern(apart_by(products, squares(T), lengths)) + slope * products
        if self.apart:
            k += B @ self._apart.T
        return T, B, k, solve_triangular(self._factors[target], k.T, lower=True, check_finite=False)

    def _files(self) -> dict[str, bytes]:
        return {"gp.safetensors": pack({name: np.asarray(getattr(self, name)) for name in STATE})}

    def _restore(self, files: dict[str, bytes]) -> None:
        arrays = unpack(files["gp.safetensors"])
        arrays = _of_version_0_1(arrays) if "factor0" in arrays else arrays
        columns, targets, rows = self.n_features_in_, self.targets_, len(arrays["inputs"])
        scales = arrays["theta"].shape[-1] - 3
        shapes = {"shift": (columns,), "gain": (columns,), "of": (columns,), "inputs": (rows, columns)}
        shapes |= {"mean": (targets,), "scale": (targets,), "theta": (targets, scales + 3), "alpha": (targets, rows)}
        for name, shape in shapes.items():
            if arrays[name].shape != shape:
                raise ValueError(f"{name} is {arrays[name].shape}, expected {shape}")
        if not (arrays["of"].min(initial=0) >= 0 and arrays["of"].max(initial=0) < scales):
            raise ValueError(f"of names length scales beyond the {scales} of theta")
        for name in STATE:
            setattr(self, name, arrays[name])
        self._factors = {}
        self._place()


def _of_version_0_1(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the state of a process that version 0.1 kept: scaled inputs and the factor, in place of the inputs.

    The inputs are found again to within their rounding; numbers that are whole but for it are taken as whole.

    Raises:
        ValueError: it is of several targets, whose shared length scales can't be told any more.
    """
    if len(arrays["theta"]) != 1:
        raise ValueError(f"version 0.1 wrote it, for {len(arrays['theta'])} targets")
    scale, shift = arrays["scales0"].astype(float), arrays["shift"].astype(float)
    X = shift + np.divide(arrays["inputs0"], scale, out=np.zeros(arrays["inputs0"].shape), where=scale != 0)
    X = np.where(np.abs(X - X.round()) < 1e-5, X.round(), X)
    known = {name: arrays[name] for name in ("shift", "mean", "scale", "theta")}
    gain = (scale * np.exp(arrays["theta"][0, 0])).astype(np.float32)  # as if all columns shared the first length scale
    inputs, of = X.astype(np.float32), np.zeros(len(scale), int)
    return {**known, "gain": gain, "of": of, "inputs": inputs, "alpha": arrays["alpha0"][None]}


Plugin = Gp

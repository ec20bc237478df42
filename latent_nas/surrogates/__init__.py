"""Surrogates: one file each, from numbers that describe architectures to targets, with an uncertainty.

Every surrogate is a scikit-learn regressor: cloned, cross-validated and put into pipelines like any other. It is one by
its methods, not by its base class: importing scikit-learn takes longer than most questions to a surrogate.
"""

import inspect
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_nas import plugins
from latent_nas.artifacts import Artifact
from latent_nas.spaces import Space

if TYPE_CHECKING:
    from sklearn.utils import Tags

KIND = "surrogate"


def design(space: Space, genes: np.ndarray, latent: np.ndarray | None = None) -> np.ndarray:
    """Return the input of a surrogate, (n, columns) float32: gene one-hots, space.features, latent if given.

    Args:
        genes: canonical, (n, genes). latent: (n, slots, dim) or (n, slots * dim).
    """
    ones, features = chosen(space, genes), space.features(genes)
    flat = np.zeros((len(ones), 0), np.float32) if latent is None else np.asarray(latent).reshape(len(ones), -1)
    return _dense(ones, np.concatenate([features, flat], axis=1), int(space.sizes.sum()))


def chosen(space: Space, genes: np.ndarray) -> np.ndarray:
    """Return the columns of ``design`` that hold a one, (n, genes), of genes (n, genes)."""
    sizes = space.sizes
    return np.asarray(genes + (np.cumsum(sizes) - sizes), np.int64)


def _dense(ones: np.ndarray, rest: np.ndarray, width: int) -> np.ndarray:
    """Return rows of ``width`` columns with ones in the columns ``ones`` (n, g), and behind these ``rest`` (n, k)."""
    out = np.zeros((len(ones), width + rest.shape[1]), np.float32)
    out.reshape(-1)[(np.arange(len(ones))[:, None] * out.shape[1] + ones).reshape(-1)] = 1
    out[:, width:] = rest
    return out


def standardise(X: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return shift, gain and whether it holds zeros and ones only, of every column of X (n, columns); each (columns,).

    Columns of zeros and ones are centred, not stretched: a choice hardly ever made shall not outweigh the others.
    """
    binary = ((X == 0) | (X == 1)).all(axis=0)
    mean, spread = X.mean(axis=0, dtype=float), X.std(axis=0, dtype=float)
    varies = spread > 1e-5 * np.maximum(np.abs(mean), 1)  # equal numbers differ by rounding, which varies nothing
    gain = np.where(varies, 1 / np.where(varies, spread, 1), 0)
    return mean.astype(np.float32), np.where(binary, 1, gain).astype(np.float32), binary


class Surrogate(ABC):
    """A regressor with uncertainty; a subclass fits, predicts and lists its state, and its parameters hold ``seed``.

    Attributes:
        n_features_in_: columns of the input. targets_: how many targets were fitted.
    """

    seed: int
    n_features_in_: int
    targets_: int

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters, which are the arguments of the constructor."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **params: Any) -> "Surrogate":
        """Set parameters by name and return self.

        Raises:
            ValueError: there is no such parameter.
        """
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise ValueError(f"{type(self).__name__} has no parameter {name!r}; there are: {', '.join(known)}")
            setattr(self, name, value)
        return self

    def unfitted(self) -> "Surrogate":
        """Return another one with the same parameters."""
        return type(self)(**self.get_params())

    def score(self, X: np.ndarray, y: np.ndarray) -> float:
        """Return R squared of the predictions of X (n, columns) for y (n,) or (n, targets), 1 at best."""
        from sklearn.metrics import r2_score

        return float(r2_score(y, self.predict(X)))

    def __sklearn_tags__(self) -> "Tags":
        from sklearn.utils import InputTags, RegressorTags, Tags, TargetTags

        targets = TargetTags(required=True, multi_output=True)
        return Tags("regressor", targets, regressor_tags=RegressorTags(), input_tags=InputTags())

    def fit(self, X: np.ndarray, y: np.ndarray) -> "Surrogate":
        """Fit X (n, columns) to y (n,) or (n, targets) and return self; no global generator is changed.

        Raises:
            ValueError: shapes that don't match, no row, or a value that is not a finite number.
        """
        X, y = np.asarray(X, np.float32), np.asarray(y, np.float64)
        if X.ndim != 2 or not len(X) or y.ndim not in (1, 2) or len(y) != len(X):
            raise ValueError(
                f"got X.shape={X.shape} and y.shape={y.shape}, expected (n, columns) and (n,) or (n, targets)"
            )
        for name, values in (("X", X), ("y", y)):
            if not np.isfinite(values).all():
                row = int(np.argwhere(~np.isfinite(values))[0][0])
                raise ValueError(f"{name} holds NaN or infinity in row {row}; drop failed trainings before the fit")
        self._flat = y.ndim == 1
        y = y.reshape(len(y), -1)
        self.n_features_in_, self.targets_ = X.shape[1], y.shape[1]
        self._fit(X, y)
        return self

    def predict(self, X: np.ndarray, return_std: bool = False) -> Any:
        """Return the mean, shaped as y was: (n,) or (n, targets); with ``return_std`` also the std over the members.

        Raises:
            ValueError: not fitted, or another number of columns than in ``fit``.
        """
        if not hasattr(self, "targets_"):
            raise ValueError(f"this {type(self).__name__} is not fitted; call fit(X, y) first")
        X = np.asarray(X, np.float32)
        if X.ndim != 2 or X.shape[1] != self.n_features_in_:
            raise ValueError(
                f"got X.shape={X.shape}, expected (n, {self.n_features_in_}); is it of another space or codec?"
            )
        return self._shaped(self._predict(X), return_std)

    def predict_choices(self, ones: np.ndarray, rest: np.ndarray, return_std: bool = False) -> Any:
        """Return ``predict`` of rows that hold ones in the columns ``ones`` (n, g) and end with ``rest`` (n, k).

        All other columns are 0.

        Raises:
            ValueError: not fitted, or ones among the columns of the rest.
        """
        start = getattr(self, "n_features_in_", 0) - rest.shape[1]
        if ones.size and not 0 <= ones.min() <= ones.max() < start:
            raise ValueError(f"got ones in columns {ones.min()} to {ones.max()}, expected 0 to {start - 1}")
        return self._shaped(self._predict_choices(ones, np.asarray(rest, np.float32)), return_std)

    def _shaped(self, found: tuple[np.ndarray, np.ndarray], return_std: bool) -> Any:
        mean, std = (part[:, 0] for part in found) if self._flat else found
        return (mean, std) if return_std else mean

    def _predict_choices(self, ones: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._predict(_dense(ones, rest, self.n_features_in_ - rest.shape[1]))

    def covariance(self, X: np.ndarray) -> tuple[np.ndarray, float]:
        """Return the covariance (n, n) of what is believed of X (n, columns), and the variance of the noise.

        By default rows teach nothing of each other; a surrogate that knows better chooses batches that differ.
        """
        std = self.predict(X, return_std=True)[1]
        return np.diag(std**2), 1e-12

    @abstractmethod
    def _fit(self, X: np.ndarray, y: np.ndarray) -> None:
        """Fit X (n, columns) float32 to y (n, targets) float64, all finite."""

    @abstractmethod
    def _predict(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and std, both (n, targets)."""

    @abstractmethod
    def _files(self) -> dict[str, bytes]:
        """Return the fitted state as files; nothing pickled."""

    @abstractmethod
    def _restore(self, files: dict[str, bytes]) -> None:
        """Take the state of ``_files``; KeyError or ValueError where it is not whole."""

    def artifact(self, made: dict[str, Any] | None = None, quality: dict[str, Any] | None = None) -> Artifact:
        """Return the fitted surrogate as an artefact for ``artifacts.save``; ``restore`` reads it back."""
        if not hasattr(self, "targets_"):
            raise ValueError(f"this {type(self).__name__} is not fitted; call fit(X, y) first")
        state = {
            "surrogate": plugins.name_of(type(self)),
            "settings": self.get_params(),
            "columns": self.n_features_in_,
            "targets": self.targets_,
            "flat": self._flat,
        }
        return Artifact(KIND, {**(made or {}), **state}, quality or {}, self._files())


def open_surrogate(plugin: str | Surrogate | type[Surrogate], **given: Any) -> Surrogate:
    """Return an unfitted surrogate with those of the given parameters that it has.

    Args:
        plugin: a name, a file of your own, a class, or an object, whose other parameters are kept.

    Raises:
        ValueError: there is none, or the file is not one of a surrogate.
    """
    found: Surrogate | type[Surrogate] = plugins.load("surrogates", plugin)
    model = found.unfitted() if isinstance(found, Surrogate) else found()
    return model.set_params(**{name: value for name, value in given.items() if name in model.get_params()})


def restore(artifact: Artifact) -> Surrogate:
    """Return the fitted surrogate of ``Surrogate.artifact``.

    Raises:
        ValueError: the artefact is of another kind or its contents are damaged.
    """
    if artifact.kind != KIND:
        raise ValueError(f"got an artefact of kind {artifact.kind!r}, expected {KIND!r}")
    return restored(artifact.made, artifact.files)


def restored(made: dict[str, Any], files: dict[str, bytes]) -> Surrogate:
    """Return the fitted surrogate whose artefact has this ``made`` and these files.

    Raises:
        ValueError: they are damaged.
    """
    surrogate: Surrogate
    try:
        surrogate = plugins.load("surrogates", made["surrogate"])(**made["settings"])
        surrogate.n_features_in_, surrogate.targets_ = int(made["columns"]), int(made["targets"])
        surrogate._flat = bool(made["flat"])
        surrogate._restore(files)
    except (KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"the surrogate is damaged ({reason}); fit it again or fetch it again") from None
    return surrogate

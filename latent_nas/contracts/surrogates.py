"""What every surrogate keeps: on ten columns, of zeros and ones and of numbers, and a smooth target."""

from typing import Any

import numpy as np

from latent_nas.artifacts import Artifact
from latent_nas.contracts import demand, refuses
from latent_nas.contracts.randomness import untouched
from latent_nas.surrogates import Surrogate, restore

COLUMNS = 10


def subjects(plugin: Any) -> list[Surrogate]:
    """Return the surrogate, unfitted."""
    return [plugin.unfitted() if isinstance(plugin, Surrogate) else plugin()]


def problem(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return X (n, 10) and y (n,)."""
    rng = np.random.default_rng(seed)
    X = np.concatenate([rng.integers(2, size=(n, 6)), rng.normal(size=(n, 4))], axis=1).astype(np.float32)
    return X, np.sin(2 * X[:, 6]) + X[:, 7] + 0.5 * X[:, 0] * X[:, 8] + 0.1 * rng.normal(size=n)


def predicts_and_doubts(subject: Surrogate) -> None:
    """Mean and std, (n,) each; the mean follows the target, the std is not negative and not always 0."""
    X, y = problem(200)
    model = subject.unfitted().fit(X[:150], y[:150])
    mean, std = model.predict(X[150:], return_std=True)
    demand(mean.shape == std.shape == (50,), f"predict gives {mean.shape} and {std.shape}, wanted (50,) each")
    demand((std >= 0).all() and std.max() > 0, "the std is negative, or 0 everywhere")
    rank = float(np.corrcoef(mean, y[150:])[0, 1]) if mean.std() > 0 else 0.0
    demand(rank > 0.7, f"on 50 rows held out it correlates with the target by {rank:.2f}, wanted 0.7")
    demand(np.array_equal(mean, model.predict(X[150:])), "two predictions of the same rows differ")


def one_seed_fits_the_same(subject: Surrogate) -> None:
    """A fit depends on its data and its seed alone."""
    X, y = problem(60)
    first, again = (subject.unfitted().set_params(seed=1).fit(X, y).predict(X, return_std=True) for _ in range(2))
    demand(np.array_equal(first, again), "two fits with one seed differ")


def global_generators_are_left_alone(subject: Surrogate) -> None:
    """Neither Python's, numpy's nor torch's generator is used."""
    with untouched():
        subject.unfitted().fit(*problem(30))


def parameters_are_the_constructors_and_a_copy_is_unfitted(subject: Surrogate) -> None:
    """``get_params`` gives all arguments of the constructor, among them ``seed``."""
    model = subject.unfitted().fit(*problem(20))
    demand("seed" in model.get_params(), "it has no parameter `seed`")
    copy = model.unfitted()
    demand(copy.get_params() == model.get_params(), f"a copy has {copy.get_params()}, not {model.get_params()}")
    refuses("a prediction before the fit", copy.predict, np.zeros((1, COLUMNS)))


def saved_and_restored_are_equal(subject: Surrogate) -> None:
    """``_files`` holds all of the fit, of one target and of several, and the artefact finds its class again."""
    X, y = problem(40)
    for targets in (y, np.stack([y, -y, y * y], axis=1)):
        model = subject.unfitted().fit(X, targets)
        other = restore(model.artifact())
        demand(other.get_params() == model.get_params(), "restored, it has other parameters")
        for before, after in zip(model.predict(X, return_std=True), other.predict(X, return_std=True), strict=True):
            demand(np.array_equal(before, after), "restored, it predicts something else")
            demand(after.shape == targets.shape, f"predictions are {after.shape} of targets {targets.shape}")


def damage_is_one_line(subject: Surrogate) -> None:
    """A file that is cut or missing, and another number of columns, are a ValueError in a line."""
    whole = subject.unfitted().fit(*problem(20)).artifact()
    demand(whole.files, "it has no files")
    damaged = [Artifact("surrogate", {**whole.made, "columns": COLUMNS + 1}, {}, whole.files)]
    for name, data in whole.files.items():
        rest = {k: v for k, v in whole.files.items() if k != name}
        damaged += [
            Artifact("surrogate", whole.made, {}, files) for files in ({**rest, name: data[: len(data) // 2]}, rest)
        ]
    for artifact in damaged:
        said = refuses("a damaged artefact", restore, artifact)
        demand("\n" not in said, f"the error has several lines: {said}")


def few_rows_and_constants_are_fitted(subject: Surrogate) -> None:
    """One row, two, eight, a constant target and constant columns give finite predictions."""
    X, y = problem(100)
    for rows in (1, 2, 8):
        mean, std = subject.unfitted().fit(X[:rows], y[:rows]).predict(X, return_std=True)
        demand(
            np.isfinite(mean).all() and np.isfinite(std).all(), f"fitted to {rows} rows, it predicts NaN or infinity"
        )
        demand(np.abs(mean).max() < 20, f"fitted to {rows} rows within -4 to 4, it predicts {np.abs(mean).max():.3g}")
    X = X[:60].copy()
    X[:, 0], X[:, 6] = 1, 3.5
    mean, std = subject.unfitted().fit(X, np.full(60, 0.7)).predict(X, return_std=True)
    demand(np.abs(mean - 0.7).max() < 1e-3, f"fitted to 0.7 alone, it predicts {mean.min():.3g} to {mean.max():.3g}")
    demand(np.isfinite(std).all(), "fitted to a constant, its std is not finite")
    nothing = subject.unfitted().fit(*problem(12)).predict(np.zeros((0, COLUMNS), np.float32))
    demand(nothing.shape == (0,), f"of no rows it predicts {nothing.shape}, wanted (0,)")


def batches_can_be_chosen(subject: Surrogate) -> None:
    """``covariance`` is (n, n), its diagonal the square of the std."""
    X, y = problem(40)
    model = subject.unfitted().fit(X[:30], y[:30])
    covariance, noise = model.covariance(X[30:])
    std = model.predict(X[30:], return_std=True)[1]
    demand(covariance.shape == (10, 10) and noise >= 0, f"covariance is {covariance.shape}, noise {noise}")
    demand(np.allclose(np.diag(covariance), std**2, rtol=1e-2), "the diagonal of the covariance is not the std squared")


def wrong_input_is_refused(subject: Surrogate) -> None:
    """Shapes that do not match, no rows, NaN, infinity and another number of columns are a ValueError."""
    for X, y in (
        (np.zeros((3, 2)), np.zeros(4)),
        (np.zeros((0, 2)), np.zeros(0)),
        (np.zeros(3), np.zeros(3)),
        (np.zeros((3, 2)), np.array([0, np.nan, 1])),
        (np.array([[0.0], [np.inf]]), np.zeros(2)),
    ):
        refuses(f"X {X.shape} with y {y.shape}", subject.unfitted().fit, X, y)
    model = subject.unfitted().fit(*problem(12))
    refuses("a column more than in the fit", model.predict, np.zeros((1, COLUMNS + 1)))


CONTRACTS = (
    predicts_and_doubts,
    one_seed_fits_the_same,
    global_generators_are_left_alone,
    parameters_are_the_constructors_and_a_copy_is_unfitted,
    saved_and_restored_are_equal,
    damage_is_one_line,
    few_rows_and_constants_are_fitted,
    batches_can_be_chosen,
    wrong_input_is_refused,
)

"""Contracts of every surrogate, and what the parts around them promise."""

import numpy as np
import pytest
from sklearn.base import clone

from latent_nas import artifacts, plugins
from latent_nas.judge.accuracy import AccuracyModel
from latent_nas.judge.link import Link
from latent_nas.spaces import open_space
from latent_nas.surrogates import design, restore
from latent_nas.surrogates._kernel import posterior_loss
from latent_nas.surrogates.conformal import Calibration, Conformal
from latent_nas.surrogates.gp import Gp
from latent_nas.surrogates.mlp import Mlp
from latent_nas.surrogates.xgb import Xgb

SMALL = {"mlp": {"steps": 120, "epochs": 10, "members": 3}, "xgb": {"rounds": 60, "rate": 0.1}}


def make(name, **settings):
    return plugins.load("surrogates", name)(**{**SMALL.get(name, {}), **settings})


def problem(n, seed=0, noise=0.1):
    """Some columns of zeros and ones, some others, a target of both."""
    rng = np.random.default_rng(seed)
    X = np.concatenate([rng.integers(2, size=(n, 6)), rng.normal(size=(n, 4))], axis=1).astype(np.float32)
    y = np.sin(2 * X[:, 6]) + X[:, 7] + 0.5 * X[:, 0] * X[:, 8] + noise * rng.normal(size=n)
    return X, y


@pytest.fixture(scope="module")
def space():
    return open_space("mcu_cnn", (8, 8, 1), 10)


@pytest.mark.parametrize("name", plugins.names("surrogates"))
class TestSurrogate:
    def test_same_seed_same_result_other_seed_another(self, name):
        X, y = problem(60)
        first, again, other = (make(name, seed=s).fit(X, y).predict(X, return_std=True) for s in (1, 1, 2))
        np.testing.assert_array_equal(first, again)
        if name != "gp":  # draws nothing below its largest number of rows
            assert not np.array_equal(first, other)

    def test_clone_is_unfitted_with_the_same_parameters(self, name):
        model = make(name, seed=5)
        copy = clone(model.fit(*problem(20)))
        assert copy.get_params() == model.get_params()
        with pytest.raises(ValueError, match="not fitted"):
            copy.predict(np.zeros((1, 10)))

    def test_damage_is_one_clear_line(self, name, tmp_path):
        model = make(name).fit(*problem(20))
        artifacts.save(tmp_path / "s", model.artifact())
        path = next(p for p in sorted((tmp_path / "s").iterdir()) if p.name != "manifest.json")
        path.write_bytes(path.read_bytes()[:-7])
        with pytest.raises(ValueError, match=r"^[^\n]*has changed[^\n]*$"):
            artifacts.load(tmp_path / "s", "surrogate")
        whole = model.artifact()
        for file, data in whole.files.items():
            for files in (
                {**whole.files, file: data[: len(data) // 2]},
                {k: v for k, v in whole.files.items() if k != file},
            ):
                with pytest.raises(ValueError, match=r"^the surrogate is damaged[^\n]*$"):
                    restore(artifacts.Artifact("surrogate", whole.made, {}, files))
        with pytest.raises(ValueError, match="damaged"):
            restore(artifacts.Artifact("surrogate", {**whole.made, "columns": 11}, {}, whole.files))

    @pytest.mark.parametrize(
        ("X", "y", "message"),
        [
            (np.zeros((3, 2)), np.zeros(4), "expected"),
            (np.zeros((0, 2)), np.zeros(0), "expected"),
            (np.zeros(3), np.zeros(3), "expected"),
            (np.zeros((3, 2)), np.array([0, np.nan, 1]), "row 1"),
            (np.array([[0.0], [np.inf]]), np.zeros(2), "row 1"),
        ],
    )
    def test_bad_rows(self, name, X, y, message):
        with pytest.raises(ValueError, match=message):
            make(name).fit(X, y)

    def test_wrong_number_of_columns(self, name):
        model = make(name).fit(*problem(12))
        with pytest.raises(ValueError, match=r"X.shape=\(2, 9\), expected \(n, 10\); is it of another space"):
            model.predict(np.zeros((2, 9)))


def test_rounding_is_no_difference():
    """Equal numbers whose mean is rounded must not look like a column that varies a little."""
    X, y = problem(28)
    X = np.concatenate([X, np.full((28, 1), 7.3, np.float32)], axis=1)
    X[3, -1] = np.nextafter(np.float32(7.3), np.float32(8))
    far = X.copy()
    far[:, -1] = 5
    for name in plugins.names("surrogates"):
        model = make(name).fit(X, y)
        assert np.abs(model.predict(far)).max() < 100


class TestDesign:
    def test_columns(self, space):
        genes = space.sample(np.random.default_rng(0), 7)
        latent = np.arange(7 * 6, dtype=float).reshape(7, 2, 3)
        X = design(space, genes, latent)
        width, named = int(space.sizes.sum()), len(space.feature_names)
        assert X.shape == (7, width + named + 6)
        assert X.dtype == np.float32
        assert (X[:, :width].sum(axis=1) == len(space.genes)).all()
        starts = np.concatenate([[0], np.cumsum(space.sizes)[:-1]])
        for row, gene in ((0, 0), (3, 5), (6, len(space.genes) - 1)):
            assert X[row, starts[gene] + genes[row, gene]] == 1
        np.testing.assert_array_equal(X[:, width : width + named], space.features(genes))
        np.testing.assert_array_equal(X[:, width + named :], latent.reshape(7, 6))
        np.testing.assert_array_equal(design(space, genes), X[:, :-6])


class TestConformal:
    @pytest.mark.parametrize("n", [30, 200])
    def test_covers_what_it_says(self, n):
        covered = []
        for seed in range(4):
            X, y = problem(n + 300, seed, noise=0.3)
            low, high = Conformal(Gp(seed=seed)).fit(X[:n], y[:n]).interval(X[n:])
            covered.append(np.mean((low <= y[n:]) & (y[n:] <= high)))
        assert 0.84 < np.mean(covered) < 0.97

    def test_too_few_rows_promise_nothing(self):
        X, y = problem(8)
        low, high = Conformal(Xgb(rounds=5, members=2)).fit(X[:5], y[:5]).interval(X)
        assert (low == -np.inf).all()
        assert (high == np.inf).all()

    def test_quantile_by_hand(self):
        calibration = Calibration(np.arange(1.0, 10.0), noise=0.0)  # nine ratios: rank ceil(10 * 0.9) = 9
        low, high = calibration.interval(np.array([5.0]), np.array([2.0]), 0.9)
        assert (low[0], high[0]) == (5 - 18, 5 + 18)

    @pytest.mark.parametrize("coverage", [0, 1, 1.5])
    def test_coverage_is_a_fraction(self, coverage):
        with pytest.raises(ValueError, match="between 0 and 1"):
            Calibration(np.ones(20), 0.1).interval(np.zeros(1), np.ones(1), coverage)


class TestLink:
    @pytest.mark.parametrize("y", [[0.2, 0.9, 0.95, 0.97], [91.5, 40.0, 90.2], [0.5], [0.7, 0.7, 0.7], [0.0]])
    def test_there_and_back(self, y):
        y = np.array(y)
        link = Link.of(y)
        np.testing.assert_allclose(link.back(link.forward(y)), y, rtol=1e-9, atol=1e-12)

    def test_rising(self):
        link = Link.of(np.array([0.3, 0.9, 0.96]))
        t = np.linspace(-20, 100, 500)
        assert (np.diff(link.back(t)) >= 0).all()

    def test_nothing_is_said_to_be_worse_than_the_worst_label(self):
        """Among eight labels of 0.65 to 0.97 a search had predicted an accuracy of -7."""
        X, y = np.arange(9.0, dtype=np.float32)[:, None], np.array([0.65, *(0.97 - 0.001 * np.arange(8.0))])
        model, far = AccuracyModel.fit(X, y, None, own=1, seed=0), np.array([[-60.0], [4.0]], np.float32)
        believed = model.bands(far, 0.5, 1.0)[0]
        assert believed[0] < -1  # what the search itself goes by
        assert model.link.plausible(believed).tolist() == [0.65, believed[1]]
        assert (model.interval(far)[0] == 0.65).all()


def test_gradient_of_the_process_is_right():
    rng = np.random.default_rng(0)
    Z, of, prior = rng.normal(size=(20, 5)), np.array([0, 0, 1, 2, 3]), np.zeros(7)
    theta, y = 0.3 * rng.normal(size=7), np.sin(Z[:, 0])
    gradient = posterior_loss(theta, prior, Z, y, of, Z[:, :2])[1]
    for i, step in enumerate(1e-5 * np.eye(7)):
        numeric = (
            posterior_loss(theta + step, prior, Z, y, of, Z[:, :2])[0]
            - posterior_loss(theta - step, prior, Z, y, of, Z[:, :2])[0]
        ) / 2e-5
        assert abs(numeric - gradient[i]) < 1e-4 * max(1, abs(numeric))


def test_few_labels_are_not_believed_to_have_no_noise_where_that_is_asked():
    """A target without noise: few labels leave a tenth of their variance to noise, many less, none by default."""
    X = np.random.default_rng(0).normal(size=(600, 3)).astype(np.float32)
    y = X @ [1.0, -2.0, 0.5]
    noise = {
        rows: float(np.exp(Gp(fitted_rows=60, least_noise=0.1).fit(X[:rows], y[:rows]).theta[0, -1]))
        for rows in (60, 600)
    }
    assert noise[60] == pytest.approx(0.1)
    assert noise[600] == pytest.approx(0.1 / 3)
    assert np.exp(Gp().fit(X[:60], y[:60]).theta[0, -1]) < 0.01


def test_covariance_foresees_what_a_measurement_would_teach():
    """Conditioning on a row by the covariance is what adding the row to the inputs does (equation 2.26)."""
    X, y = problem(80)
    gp = Gp().fit(X[:50], y[:50])
    covariance, noise = gp.covariance(X[50:])
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), gp.predict(X[50:], return_std=True)[1], rtol=1e-3)
    foreseen = covariance - np.outer(covariance[0], covariance[0]) / (covariance[0, 0] + noise)
    gp.inputs = np.concatenate([gp.inputs, X[50:51]])
    gp.outputs = np.concatenate([gp.outputs, [[0.0]]])
    gp._solve()
    np.testing.assert_allclose(np.sqrt(np.diag(foreseen)), gp.predict(X[50:], return_std=True)[1], rtol=1e-3)
    assert foreseen[0, 0] < covariance[0, 0] / 2


def test_costs_are_nearly_exact(space):
    """Log costs that are sums of powers of the features, as flash and latency are."""
    genes = space.sample(np.random.default_rng(1), 1500)
    X = design(space, genes)
    terms = 2.0 ** X[:, -len(space.feature_names) :][:, [space.feature_names.index(k) for k in ("parameters", "macs")]]
    y = np.log(np.stack([terms[:, 0] + 500, terms[:, 1] + 3000, terms.sum(axis=1)], axis=1))
    model = Mlp.for_costs().fit(X[:1200], y[:1200])
    assert (np.median(np.abs(np.expm1(model.predict(X[1200:]) - y[1200:])), axis=0) < 0.05).all()

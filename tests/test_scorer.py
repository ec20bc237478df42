"""The scorer: promises with and without labels, limits, penalties, and that doubt protects from being fooled."""

from dataclasses import replace

import numpy as np
import pytest

from latent_nas.judge.scorer import PRIOR_ACCURACY, Scorer, labels
from latent_nas.limits import Limits
from latent_nas.records import Record
from latent_nas.spaces import open_space
from latent_nas.surrogates import design, restore
from latent_nas.surrogates.mlp import Mlp
from latent_nas.surrogates.stack import FEW, Stack


@pytest.fixture(scope="module")
def space():
    return open_space("mcu_cnn", (8, 8, 1), 10)


def exact_costs(space, genes):
    """Flash, RAM and latency in the manner of the real ones, (n, 3)."""
    value = dict(zip(space.feature_names, space.features(genes).astype(float).T, strict=True))
    return 2 ** np.stack([value["parameters"], value["tensor.live"], value["macs"] - 17], axis=1)


def accuracy(space, genes):
    value = dict(zip(space.feature_names, space.features(genes).T, strict=True))
    return 0.97 - 0.6 * np.exp(-(value["parameters"] - 5) / 3)


def records_of(space, genes, noise=0.0):
    rng = np.random.default_rng(3)
    measured = accuracy(space, genes) + noise * rng.normal(size=len(genes))
    return [
        Record(tuple(g), space.name, "digits", 0, measured_int8={"accuracy": float(a)})
        for g, a in zip(genes.tolist(), measured, strict=True)
    ]


@pytest.fixture(scope="module")
def costs(space):
    genes = space.sample(np.random.default_rng(0), 1000)
    return Mlp.for_costs().set_params(epochs=50).fit(design(space, genes), np.log(exact_costs(space, genes)))


@pytest.fixture(scope="module")
def networks(space):
    return space.sample(np.random.default_rng(1), 300)


@pytest.fixture(scope="module")
def fitted(space, costs, networks):
    scorer = Scorer(space, Limits(), costs)
    scorer.refit(records_of(space, networks[:60], noise=0.005))
    return scorer


def test_without_labels_only_limits_count(space, costs, networks):
    scorer = Scorer(space, Limits(flash_bytes=20_000), costs)
    scores = scorer(networks)
    assert scorer.labels == 0
    assert (scores.predicted_accuracy == PRIOR_ACCURACY).all()
    assert np.ptp(scores.predicted_std) == 0
    for value in (scores.pessimistic, scores.acquisition):
        assert np.ptp(value + scores.penalty) < 1e-12
    assert np.ptp(scores.penalty) > 0
    low, high = scorer.interval(networks)
    assert (low == -np.inf).all()
    assert (high == np.inf).all()


def test_learns_accuracy(space, fitted, networks):
    true = accuracy(space, networks[60:])
    for scores in (fitted(networks[60:]), fitted.rerank(networks[60:])):
        assert np.corrcoef(scores.predicted_accuracy, true)[0, 1] > 0.9
        assert (scores.predicted_std > 0).all()
        assert (scores.pessimistic < scores.predicted_accuracy).all()
        assert (scores.predicted_accuracy < scores.acquisition).all()
    low, high = fitted.interval(networks[60:])
    assert np.mean((low <= true) & (true <= high)) > 0.8


def test_intervals_that_few_labels_cannot_give_cost_no_fit(space, costs, networks, monkeypatch):
    scorer = Scorer(space, Limits(flash_bytes=20_000), costs)
    scorer.refit(records_of(space, networks[:8], noise=0.005))
    monkeypatch.setattr(Stack, "fit", None)  # for 0.9 it takes nine held-out networks
    low, high = scorer.interval(networks[60:])
    assert (low == -np.inf).all()
    assert (high == np.inf).all()
    with pytest.raises(ValueError, match=r"coverage is a fraction"):
        scorer.interval(networks[60:], 1.5)


def test_a_batch_starts_with_the_best_and_teaches_more_than_the_best_few(space, fitted, networks):
    best = networks[60:][np.argsort(-fitted.rerank(networks[60:]).acquisition)[:3]]
    others = np.unique(space.mutate(best.repeat(60, axis=0), np.random.default_rng(0)), axis=0)
    order = np.argsort(-fitted.rerank(others).acquisition, kind="stable")
    batch = fitted.batch(others, 8)
    assert batch[0] == order[0]
    assert len(set(batch.tolist())) == 8
    assert fitted.batch(others[:3], 8).shape == (3,)

    def information(rows):
        covariance, noise = fitted.accuracy.full.covariance(fitted._design(others[rows]))
        return np.linalg.slogdet(covariance / noise + np.eye(len(rows)))[1]

    assert information(batch) > information(order[:8])


def test_a_pending_network_counts_as_the_first_of_a_batch(fitted, networks):
    genes = networks[60:80]
    together = fitted.batch(genes, 4)
    first, rest = together[0], np.delete(np.arange(len(genes)), together[0])
    others = rest[fitted.batch(genes[rest], 3, pending=genes[[first]])]
    assert others.tolist() == together[1:].tolist()


def test_penalty_is_zero_inside_and_grows_outside(space, fitted, networks):
    flash = fitted(networks).predicted_flash_bytes
    rows = np.full((len(networks), 3), np.inf)
    assert (fitted(networks, rows).penalty == 0).all()
    found = []
    for excess in (0.5, 0.95, 1.2, 2, 4):
        rows[:, 0] = flash / excess
        found.append(fitted(networks, rows).penalty)
    assert (found[0] == 0).all()
    np.testing.assert_allclose(found[1], 0, atol=1e-9)  # inside by more than the margin
    for excess, smaller, larger in zip((1.2, 2, 4), found[1:], found[2:], strict=False):
        assert (larger > smaller).all()
        np.testing.assert_allclose(larger, np.log(excess) + fitted.margin, rtol=1e-4)


def test_limits_of_the_scorer_and_of_rows_agree(space, costs, networks):
    limits = Limits(flash_bytes=20_000, latency_ms=3.0)
    row = np.tile([20_000, np.inf, 3.0], (len(networks), 1))
    own, rows = Scorer(space, limits, costs)(networks), Scorer(space, Limits(), costs)(networks, row)
    np.testing.assert_array_equal(own.penalty, rows.penalty)
    assert (own.penalty > 0).any()
    assert (own.penalty == 0).any()


@pytest.mark.parametrize("bad", [np.ones((2, 3)), np.ones(3), -np.ones((300, 3)), np.full((300, 3), np.nan)])
def test_bad_limits(fitted, networks, bad):
    with pytest.raises(ValueError, match=r"expected positive numbers \(300, 3\): flash_bytes, ram_bytes, latency_ms"):
        fitted(networks, bad)


def test_queries_are_counted(space, costs, networks):
    scorer = Scorer(space, Limits(), costs)
    scorer(networks)
    scorer.rerank(networks[:10])
    assert scorer.queries == 310


def test_a_row_has_the_same_scores_in_any_batch(fitted, networks):
    together, alone = fitted(networks), fitted(networks[7:8])
    for name in ("pessimistic", "acquisition", "predicted_ram_bytes"):
        np.testing.assert_allclose(getattr(alone, name)[0], getattr(together, name)[7], rtol=2e-4)


@pytest.mark.parametrize("n", [1, 2, 8])
def test_few_labels(space, costs, networks, n):
    scorer = Scorer(space, Limits(), costs)
    scorer.refit(records_of(space, networks[:n]))
    assert scorer.labels == n
    for scores in (scorer(networks), scorer.rerank(networks)):
        for value in vars(scores).values():
            assert np.isfinite(value).all()
        assert np.abs(scores.predicted_accuracy).max() < 2


def test_equal_labels(space, costs, networks):
    scorer = Scorer(space, Limits(), costs)
    scorer.refit([replace(r, measured_int8={"accuracy": 0.9}) for r in records_of(space, networks[:12])])
    np.testing.assert_allclose(scorer(networks).predicted_accuracy, 0.9, atol=1e-3)


def test_labels_are_averaged_and_only_what_was_validated_counts(space, networks):
    first, second = records_of(space, networks[:2])
    again = replace(first, seed=1, measured_int8={"accuracy": first.measured_int8["accuracy"] + 0.1})
    others = [replace(second, status="failed", measured_int8={}), replace(second, part="test")]
    genes, measured = labels([first, again, *others])
    assert genes.tolist() == [list(first.genes)]
    np.testing.assert_allclose(measured, first.measured_int8["accuracy"] + 0.05)


def test_refit_does_not_depend_on_the_order(space, costs, networks):
    records = records_of(space, networks[:FEW])
    predicted = []
    for seed, some in ((0, records), (0, records[::-1]), (1, records)):
        scorer = Scorer(space, Limits(), costs, seed=seed)
        scorer.refit(some)
        predicted.append(scorer(networks).pessimistic)
    np.testing.assert_array_equal(predicted[0], predicted[1])
    assert not np.array_equal(predicted[0], predicted[2])


def test_few_labels_are_asked_without_a_copy(space, costs, networks):
    few, many, own = (Scorer(space, Limits(), costs, surrogate=name) for name in ("stack", "stack", "gp"))
    few.refit(records_of(space, networks[: FEW - 1]))
    np.testing.assert_array_equal(few(networks).pessimistic, few.rerank(networks).pessimistic)
    many.refit(records_of(space, networks[:FEW]))
    own.refit(records_of(space, networks[: FEW - 1]))  # how quick a surrogate of the user's is, nobody knows
    for scorer in (many, own):
        assert not np.array_equal(scorer(networks).pessimistic, scorer.rerank(networks).pessimistic)


def test_trees_are_asked_from_thirty_labels_on(space, networks):
    X, y = design(space, networks), accuracy(space, networks)
    few, many = Stack().fit(X[: FEW - 1], y[: FEW - 1]), Stack().fit(X[:FEW], y[:FEW])
    assert (sorted(few.parts), sorted(many.parts)) == (["gp"], ["gp", "xgb"])
    for model in (few, many):
        np.testing.assert_array_equal(restore(model.artifact()).predict(X), model.predict(X))


def test_saved_and_loaded_are_equal(space, costs, fitted, networks, tmp_path):
    fitted.save(tmp_path / "accuracy", {"space": space.name}, {"tau": 0.8})
    other = Scorer(space, Limits(), costs)
    other.load(tmp_path / "accuracy")
    assert other.labels == 60
    for a, b in ((fitted(networks), other(networks)), (fitted.rerank(networks), other.rerank(networks))):
        np.testing.assert_array_equal(a.pessimistic, b.pessimistic)
        np.testing.assert_array_equal(a.acquisition, b.acquisition)
    np.testing.assert_array_equal(fitted.interval(networks), other.interval(networks))


def test_load_refuses_what_does_not_fit(space, costs, fitted, tmp_path):
    class Codec:
        def encode(self, genes):
            return genes[:, :2]

        def latent(self, codes):
            return np.repeat(codes[..., None], 3, axis=2).astype(float)

    fitted.save(tmp_path / "accuracy", {}, {})
    with pytest.raises(ValueError, match="fit them for this space and codec"):
        Scorer(space, Limits(), costs, Codec()).load(tmp_path / "accuracy")
    with pytest.raises(ValueError, match="holds no accuracy surrogates"):
        Scorer(space, Limits(), costs).load(tmp_path)
    with pytest.raises(ValueError, match="refit it to records first"):
        Scorer(space, Limits(), costs).save(tmp_path / "other", {}, {})


def test_doubt_protects_from_being_fooled(space, costs):
    """Labels of one corner only: what a plain mean likes best elsewhere is an error, what doubt leaves is not."""
    rng = np.random.default_rng(5)
    genes = space.sample(rng, 3000)
    size = space.features(genes)[:, space.feature_names.index("parameters")]
    true = 0.95 - 0.02 * np.abs(size - 12) ** 1.5  # rises among the known, small ones and falls beyond
    known = np.flatnonzero(size < 11.5)[:60]
    noisy = true[known] + 0.01 * rng.normal(size=len(known))
    records = [
        Record(tuple(g), space.name, "digits", 0, measured_int8={"accuracy": float(a)})
        for g, a in zip(genes[known].tolist(), noisy, strict=True)
    ]
    scorer = Scorer(space, Limits(), costs, kappa=1.0)
    scorer.refit(records)
    scores = scorer(genes)
    fooled, careful = (np.argsort(-value)[:20] for value in (scores.predicted_accuracy, scores.pessimistic))
    assert true[careful].mean() > true[fooled].mean() + 0.02
    optimism = scores.predicted_accuracy - true
    assert optimism[careful].mean() < optimism[fooled].mean()


def test_what_emulation_teaches_moves_fast_and_full_costs_alike(space, costs, networks):
    records = records_of(space, networks[:60])
    records[0] = replace(records[0], flash_bytes=1000, emulated_flash_bytes=4000, emulated_instructions=1)
    plain, taught = Scorer(space, Limits(), costs), Scorer(space, Limits(), costs)
    plain.refit(records[1:])
    taught.refit(records)
    assert taught.accuracy.fast is not None
    for scores in (taught(networks), taught.rerank(networks)):
        factor = scores.predicted_flash_bytes / plain.rerank(networks).predicted_flash_bytes
        assert factor == pytest.approx(2, rel=1e-4)  # a factor of 4, drawn to 1 by the prior

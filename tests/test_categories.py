"""Tables whose genes are plain categories: the process of genes, what judges them, what is looked through."""

import numpy as np
import pytest

from latent_nas import seeds
from latent_nas.jobs.bench.config import BenchConfig, open_contest
from latent_nas.jobs.bench.contest import trained_codec
from latent_nas.limits import Limits
from latent_nas.records import Record
from latent_nas.strategies import Problem
from latent_nas.strategies.latent_rl import AGENT, LatentRL
from latent_nas.surrogates import restore
from latent_nas.surrogates._alike import Alike, Posterior
from latent_nas.surrogates._categories import Categories
from latent_nas.surrogates.stack import Stack
from latent_nas.tables.space import TableSpace

SIZES, SHARED = (3, 4, 4, 4), ((1, 2, 3),)


def one_hots(genes, sizes=SIZES):
    return np.concatenate([np.eye(s, dtype=np.float32)[g] for s, g in zip(sizes, genes.T, strict=True)], axis=1)


def drawn(n, seed=0):
    return np.stack([np.random.default_rng((seed, i)).integers(s, size=n) for i, s in enumerate(SIZES)], axis=1)


class TestCategories:
    def test_gradient_is_right(self):
        rng = np.random.default_rng(0)
        X = np.concatenate([one_hots(drawn(25)), rng.normal(size=(25, 2))], axis=1).astype(np.float32)
        kernel = Alike.of(SIZES, SHARED, 2)
        loss, theta = Posterior(kernel, X, rng.normal(size=25)), kernel.prior + 0.3 * rng.normal(size=11)
        gradient = loss(theta)[1]
        for i, step in enumerate(1e-5 * np.eye(len(theta))):
            assert gradient[i] == pytest.approx((loss(theta + step)[0] - loss(theta - step)[0]) / 2e-5, abs=1e-5)
        np.testing.assert_allclose(np.diag(kernel.cross(theta, X, X)), kernel.own(theta, X), rtol=1e-5)

    def test_what_a_choice_does_in_one_gene_is_expected_of_it_in_the_others(self):
        """Choice 3 is seen in the second gene alone, where it does harm; in the others nobody has tried it."""
        genes = drawn(80)
        genes[:, 2:] %= 3
        y = -1.0 * (genes[:, 1:] == 3).sum(axis=1) + 0.2 * (genes[:, 1:] == 1).sum(axis=1)
        new = np.array([[0, 0, 0, 0], [0, 0, 3, 0], [0, 0, 0, 3]])
        fall = {}
        for shared in (SHARED, ()):
            mean = Categories(SIZES, shared).fit(one_hots(genes), y).predict(one_hots(new))
            fall[shared] = float((mean[0] - mean[1:]).min())
        assert fall[SHARED] > 0.3
        assert fall[SHARED] > 2 * fall[()]

    def test_a_gene_that_does_nothing_gets_a_long_scale(self):
        genes = drawn(100)
        y = np.sin(3.0 * genes[:, 1]) + np.cos(2.0 * genes[:, 1] * genes[:, 2])
        theta = Categories(SIZES).fit(one_hots(genes), y).theta
        assert min(theta[0], theta[3]) > max(theta[1], theta[2]) + 0.5

    def test_a_source_weighs_what_the_labels_say(self):
        genes, rng = drawn(60), np.random.default_rng(1)
        like, unlike = rng.normal(size=(2, 60))
        X = np.concatenate([one_hots(genes), np.stack([like, unlike], axis=1)], axis=1)
        y = like + 0.3 * genes[:, 0] + 0.3 * rng.normal(size=60)
        weights = Categories(SIZES, SHARED, apart=2).fit(X, y).theta[-2:]
        assert np.exp(weights[0] - weights[1]) > 3

    def test_covariance_foresees_what_a_measurement_would_teach(self):
        genes = drawn(60)
        X, y = one_hots(genes), np.sin(genes @ [1.0, 2.0, 3.0, 1.0])
        model = Categories(SIZES, SHARED, least_noise=0.1).fit(X[:50], y[:50])
        covariance, noise = model.covariance(X[50:])
        foreseen = np.diag(covariance - np.outer(covariance[0], covariance[0]) / (covariance[0, 0] + noise))
        np.testing.assert_allclose(np.sqrt(np.diag(covariance)), model.predict(X[50:], return_std=True)[1], rtol=1e-3)
        inputs, rows, kernel = X[:51], X[50:], Alike.of(SIZES, SHARED, 0)
        K = kernel.cross(model.theta, inputs, inputs) + noise / model.scale**2 * np.eye(51)
        k = kernel.cross(model.theta, rows, inputs)
        after = np.diag(kernel.cross(model.theta, rows, rows) - k @ np.linalg.solve(K, k.T)) * model.scale**2
        np.testing.assert_allclose(foreseen, after, rtol=1e-2)
        assert after[0] < 0.9 * covariance[0, 0]

    def test_it_is_kept_with_its_stack(self):
        genes = drawn(40)
        X, y = one_hots(genes), genes @ [1.0, 2.0, 0.5, 0.0]
        model = Stack(share=0.0, sizes=SIZES, shared=SHARED).fit(X, y)
        np.testing.assert_array_equal(restore(model.artifact()).predict(X), model.predict(X))
        alone = [part.fit(X, y).predict(X) for name, part in model._parts().items()]
        np.testing.assert_allclose(model.predict(X), np.mean(alone, axis=0), rtol=1e-6)
        assert len(alone) == 2
        kept = model.artifact()
        file = next(name for name in kept.files if name.startswith("categories"))
        with pytest.raises(ValueError, match="damaged"):
            restore(type(kept)(kept.kind, kept.made, {}, {**kept.files, file: kept.files[file][:50]}))


@pytest.fixture(scope="module")
def contest(tmp_path_factory):
    """A contest of 625 networks of four genes with the same choices, and the folder of a codec."""
    folder = tmp_path_factory.mktemp("plain")
    effects = np.random.default_rng(5).normal(size=(4, 5, 5))
    lines = ["gene.a,gene.b,gene.c,gene.d,cost.known,metric.m"]
    for place in range(625):
        g = [place // 5**k % 5 for k in range(4)]
        value = sum(effects[k][g[k], g[k - 1]] for k in range(4))
        lines.append(f"{','.join('vwxyz'[c] for c in g)},{place % 7},{value:.6f}")
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    match = open_contest(BenchConfig(str(folder / "table.csv"), "metric.m", ("latent_rl",), trainings=30, workers=1))
    return match, trained_codec(match, folder / "bench.json", lambda line: None)


def test_plain_categories_are_judged_by_processes_of_genes_alone(contest):
    match, _ = contest
    assert match.space.plain
    assert match.space.shared == ((0, 1, 2, 3),)
    scorer = match.judge(0)
    genes = match.space.listed[::40]
    scorer.refit([Record(tuple(g), "s", "t", 0, measured_beside={"m": float(sum(g))}, objective="m") for g in genes])
    assert scorer.codec is None
    assert set(scorer.accuracy.full.parts) == {"gp", "categories"}


def test_where_more_is_known_trees_judge_too_and_no_latent_does(contest):
    table = str(contest[1].parent / "table.csv")
    known = open_contest(BenchConfig(table, "metric.m", ("latent_rl",), inputs=("cost.known",)))
    genes = known.space.listed[::40]
    scorer = known.judge(0)
    scorer.refit([Record(tuple(g), "s", "t", 0, measured_beside={"m": float(sum(g))}, objective="m") for g in genes])
    assert not known.space.plain
    assert set(scorer.accuracy.full.parts) == {"gp", "xgb"}
    assert scorer.accuracy.full.n_features_in_ == known.space.sizes.sum() + 1


def strategy_and_judge(contest, **settings):
    """A strategy that was told some networks, and a judge that was."""
    from latent_nas.codec import Codec

    match, folder = contest
    space = match.space
    problem = Problem(space, Codec.load(folder, space), Limits(), lambda genes: np.ones(len(genes), bool))
    strategy = type("Set", (LatentRL,), settings)(problem, 0)
    values = match.space.table.values["metric.m"]
    some = space.sample(seeds.rng(0), 20)
    told = zip(some.tolist(), values[space.network(some)].tolist(), strict=True)
    records = [Record(tuple(g), "s", "t", 0, measured_beside={"m": v}, objective="m") for g, v in told]
    judge = match.judge(0)
    judge.refit(records)
    strategy.tell(records)
    return strategy, judge


@pytest.mark.usefixtures("quick_strategies")
def test_listed_networks_are_looked_through_without_an_agent(contest):
    strategy, judge = strategy_and_judge(contest)
    listed = strategy.problem.space.listed
    worth = judge(listed).acquisition
    worth[[i for i, g in enumerate(listed.tolist()) if tuple(g) in strategy._known]] = -np.inf
    assert strategy.ask(1, judge) == [tuple(listed[worth.argmax()].tolist())]
    assert not any(AGENT in name for name in strategy.state())


def test_a_list_is_judged_in_parts_as_in_one(contest, monkeypatch):
    judge = strategy_and_judge(contest)[1]
    listed = judge.space.listed
    whole = judge(listed)
    monkeypatch.setattr("latent_nas.judge.scorer.PART", 100)
    judge = strategy_and_judge(contest)[1]
    queries = judge.queries
    parts = judge(listed)
    np.testing.assert_allclose(parts.acquisition, whole.acquisition, rtol=1e-4)
    np.testing.assert_allclose(parts.predicted_std, judge.rerank(listed).predicted_std, rtol=1e-3)
    assert judge.queries == queries + 2 * len(listed)


@pytest.mark.usefixtures("quick_strategies")
def test_the_agent_searches_a_list_where_that_is_asked(contest):
    strategy, judge = strategy_and_judge(contest, look_through=False)
    strategy.ask(1, judge)
    assert any(AGENT in name for name in strategy.state())


def test_mutating_goes_on_only_with_those_that_are_not_mutated(contest, monkeypatch):
    space, asked, find = contest[0].space, [], TableSpace._find
    monkeypatch.setattr(TableSpace, "_find", lambda self, genes: asked.append(len(genes)) or find(self, genes))
    genes = space.listed[:50]
    assert (space.mutate(genes, seeds.rng(0)) != genes).any(axis=1).all()
    assert asked == [50]

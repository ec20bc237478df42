"""Short trainings as evidence: what they say of full ones, when they are worth it, and searches that use them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from latent_nas import cli
from latent_nas.evaluators.table import TableLookup
from latent_nas.jobs.bench import contest
from latent_nas.jobs.bench.config import BenchConfig, open_contest
from latent_nas.judge.fidelity import Evidence, Fidelity, contradicts, translated
from latent_nas.judge.promotion import Promotion, gain, keener
from latent_nas.judge.scorer import Scorer
from latent_nas.limits import Limits
from latent_nas.records import Record
from latent_nas.store import Store
from latent_nas.strategies import Problem, open_strategy
from latent_nas.study import Budget
from latent_nas.study.climb import PROBE, Climb

SHORT, MIDDLE = Fidelity("metric.short", 0.06), Fidelity("metric.middle", 0.3)
SIZE = 5  # choices of each of four genes


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """625 networks: a smooth objective, two shorter trainings of it, one that is reversed, one with gaps, and noise."""
    rng = np.random.default_rng(0)
    genes = np.stack(np.meshgrid(*[np.arange(SIZE)] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    weights = rng.normal(size=(4, SIZE))
    full = sum(weights[i][genes[:, i]] for i in range(4)) + 0.8 * weights[0][genes[:, 1]] * weights[2][genes[:, 3]]
    full = full + 0.3 * rng.normal(size=len(full))
    middle, short = (0.5 * full + std * rng.normal(size=len(full)) - 3 for std in (0.03, 0.1))
    holes = np.where(rng.random(len(full)) < 0.3, np.nan, short)
    noise = rng.normal(size=len(full))
    lines = ["gene.a,gene.b,gene.c,gene.d,metric.m,metric.short,metric.middle,metric.against,metric.holes,metric.noise"]
    for g, *values in zip(genes.tolist(), full, short, middle, -short, holes, noise, strict=True):
        lines.append(",".join([*map(str, g), *("" if np.isnan(v) else f"{v:.6f}" for v in values)]))
    path = tmp_path_factory.mktemp("fidelities") / "table.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


class Stopping(TableLookup):
    """Stops the study after some records, as a kill would."""

    left = None

    def evaluate(self, jobs):
        for record in super().evaluate(jobs):
            if self.left == 0:
                raise KeyboardInterrupt
            self.left = None if self.left is None else self.left - 1
            yield record


def climb(table, fidelities, trainings=12, seed=0, path=":memory:", stop_after=None, enough=True, rounds=None):
    """Return a study of the argmax on the table, on a process without a latent: quick, and the strategy's own.

    Args:
        rounds: after which time is up.
    """
    columns = tuple((f.name, f.cost) for f in fidelities)
    match = open_contest(BenchConfig(str(table), "metric.m", ("argmax",), fidelities=columns))
    problem = Problem(match.space, None, Limits(), lambda genes: np.ones(len(genes), bool))
    scorer = Scorer(match.space, Limits(), None, None, seed, beta=2.0, surrogate="gp")
    evaluator, said = Stopping(match.space, "metric.m"), []
    evaluator.left = stop_after
    budget = Budget(trainings, 2, enough=match.optimum if enough else None)
    late = replace(budget, wall_s=1e-9)
    strategy = open_strategy("argmax", problem, seed)
    study = Climb(
        strategy,
        scorer,
        evaluator,
        Store(Path(path)),
        Limits(),
        budget,
        seed,
        say=said.append,
        intervals=False,
        fidelities=fidelities,
    )
    if rounds:
        study.after_round = lambda: len(study.store.findings()) == rounds and vars(study).update(budget=late)
    study.run()
    return study, match, said


def record(gene, value, fidelity="search"):
    ok = value is not None
    measured = {"accuracy": value} if ok else {}
    return Record((gene,), "s", "t", 0, fidelity, status="ok" if ok else "failed", measured_int8=measured)


class TestEvidence:
    def test_a_line_that_is_there_is_found_and_full_values_stay(self):
        short = np.random.default_rng(0).uniform(0.3, 0.7, 40)
        true = 0.2 + 0.9 * short
        full = np.where(short > 0.5, true, np.nan)
        found = translated(full, short)
        assert found[short > 0.5] == pytest.approx(true[short > 0.5])
        assert np.abs(found - true).max() < 0.03
        assert translated(np.full(3, np.nan), short[:3]) == pytest.approx(short[:3])

    def test_networks_climb_and_what_is_known_of_them_is_in_one_unit(self):
        records = [record(i, i / 10, SHORT.name) for i in range(6)]
        records += [record(i, i / 10 + 0.2, MIDDLE.name) for i in (3, 4, 5)] + [record(5, 0.9), record(4, 0.8)]
        evidence = Evidence.of(records[::-1], (MIDDLE, SHORT))
        assert [f.name for f in evidence.fidelities] == [SHORT.name, MIDDLE.name]
        assert evidence.steps.tolist() == [1, 1, 1, 2, 3, 3]
        assert evidence.estimates == pytest.approx([0.4, 0.5, 0.6, 0.7, 0.8, 0.9])  # +0.2, then +0.2
        assert all(np.allclose(expected, measured) for expected, measured in evidence.gaps)

    def test_a_failed_short_training_is_a_step_that_says_nothing(self):
        evidence = Evidence.of([record(0, None, SHORT.name), record(1, 0.5, SHORT.name)], (SHORT,))
        assert evidence.steps.tolist() == [1, 1]
        assert np.isnan(evidence.estimates[0])
        assert evidence.estimates[1] == 0.5

    def test_pairs_of_the_best_alone_contradict_nothing(self):
        short = np.arange(10.0)
        full = np.where(short >= 6, -short, np.nan)
        assert not contradicts(short, full)
        full[2] = 0.0
        assert contradicts(short, full)
        assert not contradicts(short, -full)

    def test_many_pairs_that_follow_too_little_contradict(self):
        """One of the lower quarter that is no worse than the half: what noise brings, and what a few pairs may."""
        short, full = np.arange(16.0), np.full(16, np.nan)
        full[[3, *range(9, 16)]] = 4.5, *np.arange(7.0)
        assert contradicts(short, full)
        assert not contradicts(short, np.where(short == 9, np.nan, full))
        full[3] = -1.0
        assert not contradicts(short, full)

    def test_the_order_among_the_best_is_noise_and_no_contradiction(self):
        """Four equals in reversed order and one far below them, as it should be: six pairs against four."""
        short, full = np.array([70.0, 78.0, 83.0, 87.3, 87.2, 87.1, 87.0]), np.full(7, np.nan)
        full[[1, 3, 4, 5, 6]] = 86.0, 90.9, 91.0, 91.1, 91.3
        assert not contradicts(short, full)

    def test_the_line_is_right_among_the_best_whatever_lies_far_below(self):
        """Full objectives flatten towards the top, as accuracies do: a network far below turns no line there."""
        short = np.array([60.0, 70.0, 84.0, 86.0, 87.0, 88.0])
        full = np.array([np.nan, 86.0, 90.6, 90.9, 91.1, 91.3])
        found = translated(np.where(short == 87, np.nan, full), short)
        assert found[4] == pytest.approx(91.1, abs=0.6)

    @pytest.mark.parametrize("cost", [0.0, 1.0, 3.0, float("nan")])
    def test_a_short_training_costs_less_than_a_full_one(self, cost):
        with pytest.raises(ValueError, match="more than 0 and less than 1"):
            Fidelity("metric.short", cost)


class TestPromotion:
    def test_without_a_cheaper_look_it_is_the_upper_confidence_bound(self):
        promotion = Promotion(np.array([1.0]), np.zeros(1), float(gain(np.array(2.0))))
        index = promotion.index(np.array([0.0, 3.0]), np.ones(2), np.zeros(2, int))
        assert index == pytest.approx([2.0, 5.0], abs=1e-3)

    def test_a_look_that_tells_all_is_worth_more_the_cheaper_it_is(self):
        price = float(gain(np.array(2.0)))
        promotion = Promotion(np.array([0.06, 1e-9]), np.array([0.0, 1e-6]), price)
        index = promotion.index(np.zeros(1), np.ones(1), np.zeros(1, int))
        assert index == pytest.approx([keener(2.0, 0.06)], abs=0.02)
        assert keener(2.0, 1.0) == pytest.approx(2.0, abs=1e-6)

    def test_a_look_that_tells_nothing_is_a_cost_and_no_more(self):
        price, beyond = float(gain(np.array(2.0))), Promotion(np.array([1.0]), np.zeros(1), float(gain(np.array(2.0))))
        useless = Promotion(np.array([0.3, 1.0]), np.array([0.0, 1.0]), price)
        index = useless.index(np.zeros(1), np.array([1e-6]), np.zeros(1, int))
        assert index < beyond.index(np.zeros(1), np.ones(1), np.zeros(1, int))
        assert useless.index(np.zeros(1), np.ones(1), np.ones(1, int)) == pytest.approx([2.0], abs=1e-3)

    def test_by_simulation(self):
        """At the index, what the look is expected to gain over the prize is what it costs."""
        promotion, rng = Promotion(np.array([0.1, 1.0]), np.array([0.0, 0.5]), 0.02), np.random.default_rng(0)
        prize = promotion.index(np.zeros(1), np.ones(1), np.zeros(1, int))[0]
        look = rng.normal(size=400_000)
        going_on = np.maximum(0.5 * gain((prize - look) / 0.5) - 0.02, 0)
        assert going_on.mean() == pytest.approx(0.1 * 0.02, rel=0.05)


class TestStudy:
    def test_the_optimum_is_found_for_less_than_full_trainings_alone_would_cost(self, table):
        for seed in range(2):
            study, match, _ = climb(table, (SHORT,), seed=seed)
            alone, *_ = climb(table, (), seed=seed, trainings=40)
            assert study.records[-1].score == match.optimum
            assert study.spent < alone.spent
            assert study.spent == pytest.approx(len(study.records) + SHORT.cost * len(study.short))
            assert study.spent_at == sorted(study.spent_at)
            assert study.spent_at[-1] == pytest.approx(study.spent)

    def test_a_network_climbs_every_fidelity_and_the_budget_is_kept(self, table):
        study, *_ = climb(table, (SHORT, MIDDLE), trainings=8, enough=False)
        by_name = {name: {r.genes for r in study.short if r.fidelity == name} for name in (SHORT.name, MIDDLE.name)}
        assert {r.genes for r in study.records} <= by_name[MIDDLE.name] < by_name[SHORT.name]
        assert 7 < study.spent <= 8
        assert np.isfinite(study.strategy.accuracies).sum() == len(study.records)

    def test_a_kill_changes_nothing(self, table, tmp_path):
        whole, *_ = climb(table, (SHORT,), trainings=4, enough=False)
        path = tmp_path / "cut.sqlite"
        for stop_after in (3, len(whole.short) - 3):
            with pytest.raises(KeyboardInterrupt):
                climb(table, (SHORT,), trainings=4, enough=False, path=path, stop_after=stop_after)
        study, *_ = climb(table, (SHORT,), trainings=4, enough=False, path=path)
        assert [r.genes for r in study.records] == [r.genes for r in whole.records]
        assert [r.genes for r in study.short] == [r.genes for r in whole.short]
        assert study.spent_at == whole.spent_at

    def test_a_fidelity_that_misleads_is_said_and_given_up(self, table):
        study, match, said = climb(table, (Fidelity("metric.against", 0.06),), trainings=40)
        told = [i for i, line in enumerate(said) if "against does not order networks as full trainings do" in line]
        assert told
        after = [i for i, r in enumerate(study.records) if r.round >= told[0]]
        assert after[0] <= PROBE + 1
        assert max(record.score for record in study.records) == match.optimum

    def test_promotions_of_which_no_two_are_in_order_are_doubted_at_once(self):
        short = [record(i, i / 10, SHORT.name) for i in range(9)]
        reversed_ = [record(i, (9 - i) / 10) for i in (6, 7, 8)]
        assert Evidence.of([*short, *reversed_[:2]], (SHORT,)).wants_a_low_one(PROBE) == []
        assert Evidence.of([*short, *reversed_], (SHORT,)).wants_a_low_one(PROBE) == [(4,)]
        two_in_order = [record(6, 0.8), record(7, 0.9), record(8, 0.7)]
        assert Evidence.of([*short, *two_in_order], (SHORT,)).wants_a_low_one(PROBE) == []
        assert Evidence.of([*short, *two_in_order, record(5, 0.5)], (SHORT,)).wants_a_low_one(PROBE) == [(4,)]

    def test_twice_as_many_promotions_want_one_of_the_lower_quarter(self):
        records = [record(i, i / 100, SHORT.name) for i in range(17)] + [record(i, i / 20) for i in range(8, 15)]
        assert Evidence.of(records, (SHORT,)).wants_a_low_one(PROBE) == []
        assert Evidence.of([*records, record(15, 0.8)], (SHORT,)).wants_a_low_one(PROBE) == [(4,)]

    @pytest.mark.parametrize("seed", [0, 1, 2])
    def test_a_fidelity_of_noise_is_said_and_given_up(self, table, seed):
        study, _, said = climb(table, (Fidelity("metric.noise", 0.06),), trainings=40, seed=seed, enough=False)
        assert any("metric.noise does not order networks as full trainings do" in line for line in said)
        assert study.misleading == ("metric.noise",)

    @pytest.mark.parametrize("seed", [0, 1, 2])
    def test_a_fidelity_that_helps_is_never_given_up(self, table, seed):
        study, *_, said = climb(table, (SHORT,), trainings=40, seed=seed, enough=False)
        assert len(study.records) > 4 * PROBE
        assert not any("does not order networks" in line for line in said)

    def test_networks_without_a_short_training_are_not_lost(self, table):
        study, match, _ = climb(table, (Fidelity("metric.holes", 0.06),), trainings=40)
        assert any(r.status == "failed" and "has no metric.holes" in r.reason for r in study.short)
        assert study.records[-1].score == match.optimum


class TestCommand:
    def run(self, table, out, *more):
        with pytest.raises(SystemExit) as end:
            cli.main(["bench", "--table", str(table), "--objective", "metric.m", "--out", str(out), *more])
        return end.value.code

    def test_the_budget_is_in_full_trainings(self, table, tmp_path, monkeypatch):
        monkeypatch.setattr(contest, "STEPS", (10,))  # the argmax decodes nothing
        out = tmp_path / "b.json"
        options = ["--strategies", "argmax", "--seeds", "1", "--trainings", "6", "--workers", "1"]
        assert self.run(table, out, *options, "--fidelity", "metric.short=0.06") == 0
        run = json.loads(out.read_text())["runs"][0]
        assert len(run["incumbents"]) == 6
        assert run["spent_at"][-1] <= 6
        assert len(run["measured"]) < 6
        assert run["short"] > 10
        worst = min(float(line.split(",")[4]) for line in table.read_text().splitlines()[1:])
        first = int(np.ceil(run["spent_at"][0]))  # nothing is in hand before the first full training
        assert run["incumbents"][: first - 1] == [worst] * (first - 1)
        assert run["incumbents"][-1] == max(run["measured"])

    @pytest.mark.parametrize(
        ("asked", "said"),
        [
            (("--fidelity", "metric.none=0.1"), "has no column 'metric.none'"),
            (("--fidelity", "metric.short=1.5"), "more than 0 and less than 1"),
            (("--fidelity", "metric.short"), "wants a column and a number"),
            (("--fidelity", "metric.m=0.5"), "is the objective itself"),
            (("--fidelity", "metric.short=0.1", "--strategies", "evolution"), "asks no judge"),
        ],
    )
    def test_wrong_input_is_one_line(self, table, tmp_path, capsys, asked, said):
        assert self.run(table, tmp_path / "b.json", "--strategies", "argmax", *asked) == 2
        error = capsys.readouterr().err.strip()
        assert said in error
        assert "\n" not in error
        assert not list(tmp_path.iterdir())

"""Searches with several fidelities: what they may spend, what they end with, and what is said of a misleading one."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_fidelity import MIDDLE, SHORT, climb

from latent_nas import cli
from latent_nas.evaluators.table import TableLookup
from latent_nas.jobs.bench import contest
from latent_nas.jobs.bench.config import BenchConfig, open_contest
from latent_nas.judge.fidelity import Evidence, Fidelity
from latent_nas.judge.scorer import Scorer
from latent_nas.limits import Limits
from latent_nas.records import SEARCH, Record
from latent_nas.store import Store
from latent_nas.strategies import Problem, open_strategy
from latent_nas.study import Budget
from latent_nas.study.climb import FIRST, PROBE
from latent_nas.study.halving import Halving

AGAINST = Fidelity("metric.against", 0.06)
NETWORKS = 27


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """27 networks of three genes: an objective, shorter trainings of it, a reversed one, and a cost that it pays."""
    rng = np.random.default_rng(0)
    genes = np.stack(np.meshgrid(*[np.arange(3)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    full = genes @ [1.0, 0.7, 0.4] + 0.05 * rng.normal(size=NETWORKS)
    middle, short = (0.5 * full + std * rng.normal(size=NETWORKS) for std in (0.02, 0.05))
    costs = 1 + genes.sum(axis=1)
    lines = ["gene.a,gene.b,gene.c,metric.m,metric.short,metric.middle,metric.against,metric.holes,cost.c"]
    for i, (g, *values) in enumerate(zip(genes.tolist(), full, short, middle, -short, costs, strict=True)):
        holes = "" if i % 3 == 0 else f"{short[i]:.6f}"
        shown = [f"{value:.6f}" for value in values]
        lines.append(",".join([*map(str, g), *shown[:4], holes, shown[4]]))
    path = tmp_path_factory.mktemp("climb") / "table.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


class TestBudget:
    @pytest.mark.parametrize("trainings", [1, 2, 3])
    @pytest.mark.parametrize("costs", [(0.06, 0.3), (0.06, 0.9), (0.5, 0.95), (0.01, 0.02)])
    def test_every_short_training_leaves_enough_for_a_full_one(self, table, trainings, costs):
        ladder = tuple(Fidelity(f.name, cost) for f, cost in zip((SHORT, MIDDLE), costs, strict=True))
        study, *_ = climb(table, ladder, trainings=trainings, enough=False)
        assert study.records
        assert study.spent <= trainings + 1e-6
        price, spent = dict(zip((SHORT.name, MIDDLE.name), costs, strict=True)), 0.0
        for record in study.store.records():
            spent += price.get(record.fidelity, 1.0)
            if record.short:
                assert trainings - spent >= 1 - 1e-6
        assert spent == pytest.approx(study.spent)

    def test_less_than_one_full_training_is_refused(self, table):
        with pytest.raises(ValueError, match=r"a budget of 0\.5 full trainings is not enough for one"):
            climb(table, (SHORT,), trainings=0.5)

    @pytest.mark.parametrize(
        ("ladder", "said"),
        [((SHORT, SHORT), "metric.short is given twice"), ((Fidelity(SEARCH, 0.5),), "is that of full trainings")],
    )
    def test_fidelities_are_checked_whoever_brings_them(self, table, ladder, said):
        with pytest.raises(ValueError, match=said):
            Evidence.of([], ladder)
        columns = tuple((f.name, f.cost) for f in ladder)
        with pytest.raises(ValueError, match=said):
            BenchConfig(str(table), "metric.m", ("argmax",), fidelities=columns).check()

    def test_where_time_is_up_before_any_full_training_the_most_promising_network_gets_one(self, table):
        study, *_ = climb(table, (SHORT,), trainings=12, rounds=2)
        assert len(study.short) == 8
        assert len(study.records) == 1
        best = max((r for r in study.short), key=lambda record: record.score)
        assert study.records[0].genes == best.genes


class TestStudy:
    def test_the_probe_of_the_lower_half_is_trained_in_full(self, table):
        """Whatever lies between: pairs with the next dearer fidelity find no misleading one out."""
        study, match, _ = climb(table, (SHORT, MIDDLE), trainings=3, enough=False)
        assert len(study.short) >= FIRST
        genes = [tuple(row) for row in match.space.listed.tolist()]
        known: list[Record] = []
        for i in range(2 * PROBE):
            known.append(replace(study.short[0], genes=genes[i], fidelity=SHORT.name, measured_beside={"metric.m": i}))
            if i >= PROBE:
                known += [replace(known[-1], fidelity=fidelity) for fidelity in (MIDDLE.name, SEARCH)]
        study.scorer.evidence = Evidence.of(known, study.fidelities)
        assert study._promoted(genes[:PROBE], genes[-2:], 1, True) == [(genes[PROBE - 1], SEARCH)]
        study.doubted = False
        assert study._promoted(genes[:PROBE], genes[-2:], 1, True) != [(genes[PROBE - 1], SEARCH)]

    def test_a_network_without_a_short_training_goes_to_the_next_one(self, table):
        holes = Fidelity("metric.holes", 0.06)
        study, match, _ = climb(table, (holes, MIDDLE), trainings=30)
        failed = {r.genes for r in study.short if not r.ok}
        assert failed
        assert all("has no metric.holes" in r.reason for r in study.short if not r.ok)
        assert sum(r.fidelity == holes.name for r in study.short) == len(
            {r.genes for r in study.short if r.fidelity == holes.name}
        )  # once each
        assert study.records[-1].score == match.optimum

    def test_each_candidate_is_predicted_once(self, table, monkeypatch):
        study, match, _ = climb(table, (SHORT,), trainings=3, enough=False)
        full, asked = type(study.scorer.accuracy.full), []
        predict = full.predict

        def counted(self, X, **how):
            asked.append(len(X))
            return predict(self, X, **how)

        monkeypatch.setattr(full, "predict", counted)
        before = study.scorer.queries
        trained = {record.genes for record in study.records}
        genes = np.array([g for g in match.space.listed.tolist() if tuple(g) not in trained])
        assert len(study.scorer.worth(genes)) == len(genes)
        assert asked == [len(genes)]
        assert study.scorer.queries == before + len(genes)

    def test_two_fidelities_and_a_kill(self, table, tmp_path):
        """The whole process dies by SIGKILL, twice; what goes on ends with the same records in the same order."""
        whole, *_ = climb(table, (SHORT, MIDDLE), trainings=6, enough=False)
        path = tmp_path / "cut.sqlite"
        for after in (5, 9):
            script = (
                "from test_climb import killed; from pathlib import Path;"
                f" killed(Path({str(table)!r}), {str(path)!r}, {after})"
            )
            ended = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parent, check=False)
            assert ended.returncode == -signal.SIGKILL
        study, *_ = climb(table, (SHORT, MIDDLE), trainings=6, enough=False, path=path)
        assert study.short == whole.short
        assert study.records == whole.records
        assert study.spent_at == whole.spent_at
        assert {r.fidelity for r in whole.short} == {SHORT.name, MIDDLE.name}

    def test_halving_says_that_short_trainings_mislead(self, table):
        match, said = (
            open_contest(BenchConfig(str(table), "metric.m", ("argmax",), inputs=(), report="metric.against")),
            [],
        )
        match.space.table.values["short"] = match.space.table.values["metric.against"]
        problem = Problem(match.space, None, Limits(), lambda genes: np.ones(len(genes), bool))
        scorer = Scorer(
            match.space, Limits(), None, None, 0, beta=2.0, surrogate="gp", fidelities=(Fidelity("short", 0.1),)
        )
        Halving(
            open_strategy("argmax", problem, 0),
            scorer,
            TableLookup(match.space, "metric.m"),
            Store(Path(":memory:")),
            Limits(),
            Budget(8, 2),
            0,
            say=said.append,
            intervals=False,
            halving=2,
            share=0.1,
        ).run()
        assert sum("do not order networks as full ones do" in line for line in said) == 1


def killed(table, path, after):
    """Search, and die after so many more trainings; run by a process of its own."""
    evaluate, left = TableLookup.evaluate, [after]

    def dying(self, jobs):
        for record in evaluate(self, jobs):
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            yield record

    TableLookup.evaluate = dying
    climb(table, (SHORT, MIDDLE), trainings=6, enough=False, path=path)


class TestCommand:
    @pytest.fixture(autouse=True)
    def quick(self, monkeypatch):
        monkeypatch.setattr(contest, "STEPS", (10,))  # the argmax decodes nothing

    def run(self, table, out, *more):
        command = ["bench", "--table", str(table), "--objective", "metric.m", "--out", str(out)]
        command += ["--strategies", "argmax", "--seeds", "2", "--trainings", "8", "--fidelity", "metric.short=0.06"]
        with pytest.raises(SystemExit) as end:
            cli.main([*command, "--workers", "1", *more])
        assert end.value.code == 0
        return json.loads(out.read_text())

    def values(self, table):
        names, *rows = (line.split(",") for line in table.read_text().splitlines())
        return {name: np.array([float(row[i] or "nan") for row in rows]) for i, name in enumerate(names)}

    def test_limits_hold_for_short_trainings_too(self, table, tmp_path):
        found = self.run(table, tmp_path / "b.json", "--max", "cost.c=4")
        values = self.values(table)
        inside = values["cost.c"] <= 4
        assert found["table"]["optimum"] == values["metric.m"][inside].max()
        for run in found["runs"]:
            assert run["short"] <= inside.sum()
            assert set(run["measured"]) <= set(values["metric.m"][inside])
            assert run["incumbents"][-1] == max(run["measured"])

    def test_less_is_better_for_short_trainings_too(self, table, tmp_path):
        found = self.run(table, tmp_path / "b.json", "--minimise")
        values = self.values(table)["metric.m"]
        assert found["table"]["optimum"] == values.min()
        for run in found["runs"]:
            assert run["incumbents"] == sorted(run["incumbents"], reverse=True)
            assert run["incumbents"][-1] == values.min()
            assert run["misleading"] == []

    def test_a_front_counts_full_trainings_alone(self, table, tmp_path):
        found = self.run(table, tmp_path / "b.json", "--front", "cost.c")
        for run in found["runs"]:
            assert run["short"] > 0
            assert 0 < run["hypervolume"] <= 1
            assert len(run["measured"]) == len(run["spent_at"]) <= 8

    def test_a_run_ends_with_the_optimum_and_workers_change_nothing(self, table, tmp_path):
        one = self.run(table, tmp_path / "one.json", "--stop-at-optimum")
        two = self.run(table, tmp_path / "two.json", "--stop-at-optimum", "--workers", "2")
        for first, second in zip(one["runs"], two["runs"], strict=True):
            assert {**first, "seconds": 0} == {**second, "seconds": 0}
            assert first["trainings_to_optimum"] == first["spent_at"][-1]
            assert first["measured"][-1] == one["table"]["optimum"]
            assert len(first["incumbents"]) == 8

    def test_a_misleading_fidelity_is_said(self, table, tmp_path, capsys):
        found = self.run(table, tmp_path / "b.json", "--trainings", "12", "--fidelity", "metric.against=0.05")
        assert [run["misleading"] for run in found["runs"]] == [["metric.against"]] * 2
        assert "argmax: metric.against misled, and was given up, in 2 of 2 runs" in capsys.readouterr().out

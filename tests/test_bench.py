"""latent-nas bench on a small generated table: runs, resuming, what is said of wrong input."""

import json
import re

import numpy as np
import pytest

from latent_nas import cli, plugins, seeds
from latent_nas.evaluators.table import TableLookup
from latent_nas.jobs.bench import run as bench_module
from latent_nas.jobs.bench.config import BenchConfig, open_contest, parse_limits
from latent_nas.jobs.bench.contest import settings, trained_codec
from latent_nas.jobs.bench.regret import Interval, standings
from latent_nas.jobs.bench.run import bench, summary
from latent_nas.judge.scorer import Scorer
from latent_nas.limits import Limits
from latent_nas.spaces import open_space
from latent_nas.store import Store
from latent_nas.strategies import Problem, open_strategy
from latent_nas.study import Budget, Study
from latent_nas.tables import read
from latent_nas.tables.space import TableSpace


def nothing(*_):
    pass


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """120 rows of 60 networks of four genes; less m is more test, and c counts."""
    rng = np.random.default_rng(0)
    lines = ["id,gene.a,gene.b,gene.c,gene.d,group,metric.m,metric.test,cost.c"]
    for i, place in enumerate(rng.permutation(256)[:120]):
        genes = [place // 4**k % 4 for k in range(4)]
        lines.append(f"{i},{','.join(map(str, genes))},{i // 2},{sum(genes) + rng.normal() / 4:.6f},{i},{1 + i // 2}")
    path = tmp_path_factory.mktemp("table") / "table.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def config(table, **more):
    given = {"strategies": ("random", "evolution"), "trainings": 25, "seeds": 2, "workers": 1, **more}
    return BenchConfig(str(table), "metric.m", **given)


def plain(runs):
    return [{k: v for k, v in run.items() if k != "seconds"} for run in runs]


def test_a_front_is_measured_and_a_run_may_end_with_the_optimum(table, tmp_path):
    found = bench(config(table, trainings=60, front="cost.c", stop=True), tmp_path / "b.json", nothing, nothing)
    for run in found["runs"]:
        assert 0 < run["hypervolume"] <= 1
        assert len(run["incumbents"]) == 60
        assert run["incumbents"][run["trainings_to_optimum"] - 1 :] == [found["table"]["optimum"]] * (
            61 - run["trainings_to_optimum"]
        )


def test_inputs_are_features_of_every_network(table):
    plain, seen = (open_contest(config(table, inputs=inputs)).space for inputs in ((), ("cost.",)))
    assert plain.feature_names == ()
    assert seen.feature_names == ("input.cost.c",)
    genes = seen.listed
    assert (np.argsort(seen.features(genes)[:, 0]) == np.argsort(seen.table.values["cost.c"])).all()
    for wrong, said in (("metric.m", "known before any training"), ("proxy.", "no column 'proxy.'")):
        with pytest.raises(ValueError, match=said):
            open_contest(config(table, inputs=(wrong,)))


def test_the_command_writes_what_it_prints(table, tmp_path, command):
    out = tmp_path / "bench.json"
    asked = ["bench", "--table", str(table), "--objective", "metric.m", "--strategies", "random,evolution"]
    asked += ["--trainings", "200", "--seeds", "2", "--report", "metric.test", "--workers", "2", "--out", str(out)]
    done = command(*asked, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    order = [("random", 0), ("random", 1), ("evolution", 0), ("evolution", 1)]
    assert [(r["strategy"], r["seed"]) for r in found["runs"]] == order
    assert found["table"]["rows"] == 120
    assert found["table"]["networks"] == 60
    assert found["table"]["genes"]["a"] == [0, 1, 2, 3]
    for run in found["runs"]:
        gains = run["incumbents"]
        assert len(gains) == 60  # all there are: repeats are no trainings
        assert gains == sorted(gains)
        assert gains[-1] == found["table"]["optimum"]
        assert gains.index(gains[-1]) + 1 == run["trainings_to_optimum"]
        assert run["scorer_queries"] == 0
    assert len({run["reported"] for run in found["runs"]}) == 1
    assert "100%" in done.stdout
    assert "evolution" in done.stdout


def test_an_interrupted_bench_goes_on_to_the_same_runs(table, tmp_path, monkeypatch):
    whole = bench(config(table), tmp_path / "whole.json", nothing, nothing)
    out, run, left = tmp_path / "cut.json", bench_module.Contest.run, [3]

    def stopping(self, *args):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return run(self, *args)

    monkeypatch.setattr(bench_module.Contest, "run", stopping)
    with pytest.raises(KeyboardInterrupt):
        bench(config(table), out, nothing, nothing)
    held = json.loads(out.read_text())["runs"]
    assert len(held) == 3
    left[0] = 1
    resumed = bench(config(table), out, nothing, nothing)
    assert plain(resumed["runs"]) == plain(whole["runs"])
    assert [r for r in resumed["runs"] if r in held] == held
    assert bench(config(table, workers=2), out, nothing, nothing)["runs"] == resumed["runs"]  # nothing left to run


FRAGILE = """
import os, signal
from pathlib import Path
from latent_nas.strategies.random import Random

class Fragile(Random):
    name = "NAME"

    def ask(self, n, judge, pending=()):
        mark = Path("MARK")
        if self.seed == 1 and (TWICE or not mark.exists()):
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().ask(n, judge, pending)

Plugin = Fragile
"""


def fragile(folder, name, twice):
    """A strategy whose second run kills its worker, the first time or always."""
    file = folder / f"{name}.py"
    file.write_text(FRAGILE.replace("NAME", name).replace("MARK", str(folder / "mark")).replace("TWICE", str(twice)))
    return str(file)


def test_a_run_whose_worker_was_killed_is_repeated(table, tmp_path):
    asked = config(table, strategies=(fragile(tmp_path, "killed_once", False),), workers=2)
    runs = bench(asked, tmp_path / "b.json", nothing, nothing)["runs"]
    assert (tmp_path / "mark").exists()
    assert [run["seed"] for run in runs] == [0, 1]


def test_a_run_that_is_lost_twice_is_said_and_the_others_are_kept(table, tmp_path):
    out = tmp_path / "b.json"
    asked = config(table, strategies=(fragile(tmp_path, "killed_always", True),), seeds=3, workers=2)
    with pytest.raises(ValueError, match=r"seed 1 failed 2 times; .*the others are kept"):
        bench(asked, out, nothing, nothing)
    assert 0 in [run["seed"] for run in json.loads(out.read_text())["runs"]]


def test_workers_and_clusters_decide_nothing(table):
    assert config(table, workers=3, ray="local").decisive() == config(table).decisive()


def test_another_bench_leaves_the_file_alone(table, tmp_path):
    out = tmp_path / "bench.json"
    bench(config(table, seeds=1), out, nothing, nothing)
    before = out.read_bytes()
    with pytest.raises(ValueError, match="other seeds, trainings"):
        bench(config(table, trainings=9), out, nothing, nothing)
    (tmp_path / "notes.json").write_text("[]")
    with pytest.raises(ValueError, match="is not a file of a bench"):
        bench(config(table), tmp_path / "notes.json", nothing, nothing)
    assert out.read_bytes() == before


MINE = """
from latent_nas.strategies import Strategy


class Mine(Strategy):
    name = "mine"
    judged = False

    def ask(self, n, judge, pending=()):
        return self.random(n, self.rng({seed}), pending)


Plugin = Mine
"""


@pytest.mark.parametrize("name", ["mine.py", "mine"], ids=["by its file", "by its name"])
def test_runs_of_a_strategy_that_was_edited_are_not_mixed(table, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    asked = config(table, strategies=("random", name), trainings=5, seeds=1)
    try:
        for seed in ("1", "2"):
            (tmp_path / "mine.py").write_text(MINE.format(seed=seed))
            plugins.bring("mine.py")
            if seed == "1":
                held = bench(asked, tmp_path / "b.json", nothing, nothing)
                assert bench(asked, tmp_path / "b.json", nothing, nothing) == held
            else:
                with pytest.raises(ValueError, match=r"b\.json is of a bench with other code; .*another --out"):
                    bench(asked, tmp_path / "b.json", nothing, nothing)
            plugins.forget()
    finally:
        plugins.forget()


def test_minimising_under_a_limit(table, tmp_path):
    settings = {"minimise": True, "limits": parse_limits(["cost.c=20"]), "report": "cost.c", "trainings": 60}
    found = bench(config(table, **settings), tmp_path / "bench.json", nothing, nothing)
    match = open_contest(config(table, **settings))
    values = match.space.table.values
    assert found["table"]["optimum"] == values["metric.m"][values["cost.c"] <= 20].min()
    assert found["table"]["feasible"] == 20
    for run in found["runs"]:
        assert run["incumbents"] == sorted(run["incumbents"], reverse=True)
        assert len(run["incumbents"]) == 20
        assert run["incumbents"][-1] == found["table"]["optimum"]
        assert run["reported"] <= 20
    low = found["table"]["optimum"]
    assert summary(found).startswith(f"optimum {low:g} (smallest metric.m, of the 20 within --max) of 60 networks")


@pytest.mark.parametrize(
    ("name", "minimise", "said"),
    [
        ("metric.valid_loss", False, "metric.valid_loss is called as what is better small, and large was taken"),
        ("metric.valid_loss", True, ""),
        ("metric.top1_accuracy", True, "metric.top1_accuracy is called as what is better large, and --minimise was"),
        ("metric.top1_accuracy", False, ""),
        ("metric.accuracy_loss", False, ""),  # could be either
    ],
)
def test_the_end_that_is_better_is_said_and_doubted_by_the_columns_name(table, tmp_path, name, minimise, said):
    (tmp_path / "t.csv").write_text(table.read_text().replace("metric.m", name, 1))
    asked = BenchConfig(str(tmp_path / "t.csv"), name, ("random",), 4, 1, minimise=minimise, workers=1)
    lines = []
    text = summary(bench(asked, tmp_path / "b.json", lines.append, nothing))
    assert f"({'smallest' if minimise else 'largest'} {name}) of 60 networks" in text
    for where in (text, "\n".join(lines)):
        assert (said in where) if said else "is called as" not in where


def test_a_judged_strategy_gets_a_codec_without_labels_and_sees_the_limits(table, tmp_path):
    match = open_contest(config(table, limits=parse_limits(["cost.c=30"])))
    folder = trained_codec(match, tmp_path / "bench.json", nothing)
    assert folder.parent == tmp_path
    assert trained_codec(match, tmp_path / "other.json", lambda line: pytest.fail(line)) == folder
    quality = json.loads((folder / "manifest.json").read_text())["quality"]
    assert quality["exact"] == quality["valid"] == 1.0
    scorer = Scorer(match.space, Limits(), None, beyond=lambda genes: match.excess[match.space.network(genes)])
    scores = scorer(match.space.listed)
    assert ((scores.penalty > 0) == ~match.feasible).all()
    assert (scores.predicted_flash_bytes == 1).all()


def test_the_study_optimises_the_objective_of_records(table):
    match = open_contest(config(table, minimise=True))
    space, values = match.space, match.space.table.values["metric.m"]
    problem = Problem(space, None, Limits(), lambda genes: np.ones(len(genes), bool))
    strategy, store = open_strategy("evolution", problem, 0), Store(":memory:")
    study = Study(
        strategy, None, TableLookup(space, "metric.m", True), store, Limits(), Budget(30, 5), seed=seeds.derive(0)
    )
    records = study.run()
    assert store.records() == records
    assert strategy.accuracies.tolist() == [-values[space.network(np.array([r.genes]))[0]] for r in records]
    assert store.findings()[-1]["best_measured_objective"] == min(r.measured_objective for r in records)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--objective", "metric.k"], "no column 'metric.k'; there are: metric.m, metric.test, cost.c"),
        (["--report", "metric.k"], "no column 'metric.k'"),
        (["--max", "cost.k=3"], "no column 'cost.k'"),
        (["--max", "cost.c"], "got 'cost.c'"),
        (["--max", "cost.c=0.5"], "no network keeps"),
        (["--strategies", "random,guess"], "no strategy 'guess'"),
        (["--strategies", "random,random"], "each once"),
        (["--strategies", ","], "each once"),
        (["--space", "nasbench"], "no space 'nasbench'"),
        (["--space", "nasbench201"], "genes are a, b, c, d"),
        (["--trainings", "0"], "trainings is at least 1"),
        (["--batch", "-1"], "batch is at least 0"),
        (["--table", "absent.csv"], "absent.csv does not exist"),
    ],
)
def test_wrong_input_is_one_line_and_exit_2(table, tmp_path, capsys, asked, said):
    given = {"--table": str(table), "--objective": "metric.m", "--strategies": "random", "--out": str(tmp_path / "b")}
    given |= dict(zip(asked[::2], asked[1::2], strict=True))
    with pytest.raises(SystemExit) as caught:
        cli.main(["bench", *(word for pair in given.items() for word in pair)])
    assert caught.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert said in lines[0]
    assert not (tmp_path / "b").exists()


def test_a_space_says_for_which_input_it_was_published():
    assert open_space("nasbench201", *open_space("nasbench201", (8, 8, 1), 2).published).outputs == 10


@pytest.mark.parametrize(("choices", "slots"), [(5, 1), (32, 1), (33, 2), (300, 2)])
def test_a_gene_of_many_choices_gets_codes_that_tell_them_apart(tmp_path, choices, slots):
    rows = "".join(f"c{i},{i % 7}\n" for i in range(choices))
    (tmp_path / "wide.csv").write_text("gene.a,metric.m\n" + rows, encoding="utf-8")
    made = settings(TableSpace(read(tmp_path / "wide.csv", "metric.m")), 1)
    assert made.slots == slots
    assert made.codes**made.slots >= 2 * choices


def test_regret_is_paired_by_seed_and_says_who_is_clear_of_whom():
    """Three seeds of three strategies, worked out by hand: b is 2 above a in every seed, c 0, 2 and 4."""
    rows = {"a": [[4, 2, 0]] * 3, "b": [[6, 4, 2]] * 3, "c": [[4, 2, 0], [6, 4, 2], [8, 6, 4]]}
    runs = [
        {"strategy": s, "seed": i, "incumbents": row, "trainings_to_optimum": 3 if row[-1] == 0 else None}
        for s, found in rows.items()
        for i, row in enumerate(found)
    ]
    stand = standings(runs, optimum=0.0, trainings=3)
    assert [stand[s].regret for s in "abc"] == [2, 4, 4]
    assert stand["a"].above is None
    assert {stand[s].against for s in "abc"} == {"a"}
    assert stand["b"].above == Interval(2.0, 2.0, 2.0)
    half = 4.302653 * 2 / 3**0.5  # Student's t with two degrees of freedom
    assert stand["c"].above.low == pytest.approx(2 - half, abs=1e-5)
    assert stand["c"].above.high == pytest.approx(2 + half, abs=1e-5)
    assert (stand["a"].median, stand["b"].median, stand["c"].reached) == (3, np.inf, pytest.approx(1 / 3))
    assert standings(runs, 0.0, 3, reference="b")["a"].above == Interval(-2.0, -2.0, -2.0)
    assert standings(runs, 0.0, 1)["b"].regret == 6


def test_the_summary_shows_regret_beside_the_best(table, tmp_path):
    text = summary(bench(config(table, seeds=2), tmp_path / "b.json", nothing, nothing))
    assert re.search(r"minus (random|evolution) \[95 %\]", text)
    assert re.search(r"[+-]\d[\d.e-]* \[[+-]", text)
    one = summary(bench(config(table, strategies=("random",), seeds=1), tmp_path / "c.json", nothing, nothing))
    assert "regret" in one


def test_a_median_of_few_runs_has_no_interval(table, tmp_path):
    """Five runs all lie on one side of the true median in 2 of 32 cases, so no two of them hold it with 95 %."""
    runs = [
        {"strategy": "a", "seed": i, "incumbents": [1, 0], "trainings_to_optimum": 10 + i, "reported": None}
        for i in range(6)
    ]
    few, enough = standings(runs[:5], 0.0, 2)["a"], standings(runs, 0.0, 2)["a"]
    assert (few.median, few.median_low, few.median_high) == (12, -np.inf, np.inf)
    assert few.plain()["median_low"] is few.plain()["median_high"] is None
    assert 10 <= enough.median_low < enough.median < enough.median_high <= 15
    row = next(x for x in summary(bench(config(table), tmp_path / "b.json", nothing, nothing)).splitlines()[2:])
    assert row.startswith("random  ")
    assert "[" not in row.split("%")[0]


def test_the_summary_answers_report_and_front_and_tells_its_columns_apart(table, tmp_path):
    lines = table.read_text().splitlines()
    head = lines[0].split(",")
    rows = [dict(zip(head, line.split(","), strict=True)) for line in lines[1:]]
    for row in rows:
        row["metric.m"] = f"{float(row['metric.m']) * 1e31:.6e}"
    for row in rows[:20]:
        row["metric.m"] = ""
    huge = tmp_path / "huge.csv"
    huge.write_text("\n".join([lines[0], *(",".join(row.values()) for row in rows)]) + "\n")
    asked = config(huge, report="metric.test", front="cost.c", trainings=60, stop=False)
    found = bench(asked, tmp_path / "b.json", nothing, nothing)
    text = summary(found)
    assert "20 rows without the objective are left out" in text
    for key, label in (("reported", "metric.test of the best"), ("hypervolume", "area of the front against cost.c")):
        mean = np.mean([run[key] for run in found["runs"] if run["strategy"] == "evolution"])
        said = next(line for line in text.splitlines() if line.startswith(label))
        assert f"evolution {mean:.5g}" in said
    last = text.splitlines()[2].split("]")[-1]
    assert len([float(number) for number in last.split()[-3:]]) == 3


def test_other_signs_between_columns_and_limits_that_nothing_keeps_are_said(table, tmp_path):
    other = tmp_path / "semi.csv"
    other.write_text(table.read_text().replace(",", ";"))
    with pytest.raises(ValueError, match="';' between its columns; write it with commas"):
        open_contest(config(other))
    with pytest.raises(ValueError, match=r"keeps --max cost\.c=0\.5; the least there is: cost\.c=1"):
        open_contest(config(table, limits=(("cost.c", 0.5),)))

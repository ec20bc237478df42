"""Warm starts from other tasks on the same space: what a source may say, weighed by this task's own labels."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from latent_nas import cli, sealed
from latent_nas.jobs.bench import contest
from latent_nas.jobs.bench.config import BenchConfig, open_contest
from latent_nas.jobs.bench.source import source_of
from latent_nas.jobs.search.assemble import assemble
from latent_nas.jobs.search.config import SearchConfig, new_config
from latent_nas.jobs.search.prepare import prepare
from latent_nas.jobs.search.resume import going_on
from latent_nas.judge import transfer
from latent_nas.judge.believed import best_believed
from latent_nas.judge.scorer import Scorer
from latent_nas.judge.transfer import Beliefs, Source, agreeing
from latent_nas.limits import Limits
from latent_nas.records import Record
from latent_nas.runs.folder import RunFolder
from latent_nas.study import Study
from latent_nas.surrogates import restore
from latent_nas.surrogates.gp import Gp
from latent_nas.tables import read
from latent_nas.tables.space import TableSpace
from latent_nas.target import Target
from latent_nas.tasks import open_task
from latent_nas.tasks._changes import told

SIZE = 5


def write(path, values, names="abc", choices=None):
    """Write a table of all networks of three genes, their columns and choices as named."""
    genes = np.stack(np.meshgrid(*[np.arange(SIZE)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    order = ["abc".index(name) for name in names]
    lines = [",".join([*(f"gene.{name}" for name in names), "metric.m"])]
    for g, value in zip(genes.tolist(), values, strict=True):
        lines.append(",".join([*(str((choices or list(range(SIZE)))[g[i]]) for i in order), f"{value:.6f}"]))
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """A target, a source that is like it, with its columns in another order, and one that is not."""
    folder, rng = tmp_path_factory.mktemp("transfer"), np.random.default_rng(3)
    effects = rng.normal(size=(3, SIZE, SIZE))
    genes = np.stack(np.meshgrid(*[np.arange(SIZE)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    true = sum(effects[i][genes[:, i], genes[:, (i + 1) % 3]] for i in range(3))
    return {
        "target": write(folder / "target.csv", true + 0.05 * rng.normal(size=len(true))),
        "like": write(folder / "like.csv", 3 * true + 0.5 * rng.normal(size=len(true)), "cab"),
        "unlike": write(folder / "unlike.csv", rng.normal(size=len(true))),
    }


class TestTheProcess:
    def test_a_column_apart_counts_linearly_beyond_all_labels(self):
        rng = np.random.default_rng(0)
        X = np.concatenate([rng.integers(2, size=(60, 6)), rng.normal(size=(60, 1))], axis=1).astype(np.float32)
        far = X[:1].repeat(2, axis=0)
        far[:, -1] = 8, 12
        apart = Gp(apart=1).fit(X, 2 * X[:, -1]).predict(far)
        within = Gp().fit(X, 2 * X[:, -1]).predict(far)
        assert apart == pytest.approx([16, 24], rel=0.1)
        assert abs(within[1] - within[0]) < abs(apart[1] - apart[0])

    def test_a_column_that_says_nothing_costs_little(self):
        rng = np.random.default_rng(1)
        X = rng.normal(size=(160, 4)).astype(np.float32)
        y = X[:, 0] + np.sin(2 * X[:, 1])
        more = np.concatenate([X, rng.normal(size=(160, 1))], axis=1).astype(np.float32)
        errors = [
            np.sqrt(((gp.fit(inputs[:40], y[:40]).predict(inputs[40:]) - y[40:]) ** 2).mean())
            for gp, inputs in ((Gp(), X), (Gp(apart=1), more))
        ]
        assert errors[1] < 1.15 * errors[0]

    def test_it_is_kept(self):
        X = np.random.default_rng(2).normal(size=(30, 5)).astype(np.float32)
        gp = Gp(apart=2).fit(X, X[:, 0] + X[:, 4])
        again = restore(gp.artifact())
        assert np.allclose(again.predict(X, return_std=True), gp.predict(X, return_std=True), atol=1e-5)
        covariance, _ = gp.covariance(X[:7])
        np.testing.assert_allclose(np.sqrt(np.diag(covariance)), gp.predict(X[:7], return_std=True)[1], rtol=1e-3)


class TestSources:
    def test_genes_are_found_by_name_and_choice(self, tables):
        space = TableSpace(read(tables["target"], "metric.m"))
        source = source_of(space, tables["like"], "metric.m")
        other = read(tables["like"], "metric.m").ordered(["a", "b", "c"])
        assert {tuple(g): v for g, v in zip(source.genes.tolist(), source.values, strict=True)} == {
            tuple(int(gene.choices[i]) for gene, i in zip(other.genes, row, strict=True)): value
            for row, value in zip(other.rows.tolist(), other.values["metric.m"], strict=True)
        }
        assert np.array_equal(source_of(space, tables["like"], "metric.m", minimise=True).values, -source.values)

    def test_beliefs_are_in_units_of_the_space_and_order_its_networks(self, tables):
        space = TableSpace(read(tables["target"], "metric.m"))
        beliefs = Beliefs(space, [source_of(space, tables["like"], "metric.m")], 0)
        columns = beliefs(space.listed)
        assert columns.shape == (SIZE**3, 1)
        assert columns.std() == pytest.approx(1, abs=1e-4)
        true = space.table.values["metric.m"][space.network(space.listed)]
        assert np.corrcoef(columns[:, 0], true)[0, 1] > 0.7
        assert np.array_equal(beliefs.best(space.listed)[0], space.listed[columns[:, 0].argmax()])
        assert beliefs.trainings == {str(tables["like"]): SIZE**3}

    def test_labels_that_order_nothing_are_refused(self, tables):
        space = TableSpace(read(tables["target"], "metric.m"))
        with pytest.raises(ValueError, match="tells networks apart by nothing"):
            Source("flat", space.listed[:9], np.ones(9))

    def test_a_fit_does_not_depend_on_where_its_table_lies(self, tables, monkeypatch):
        monkeypatch.setattr(transfer, "ROWS", 40)  # of 125: which ones is drawn
        space = TableSpace(read(tables["target"], "metric.m"))
        source = source_of(space, tables["like"], "metric.m")
        here, moved = (Beliefs(space, [replace(source, name=name)], 0)(space.listed) for name in ("a.csv", "b/c.csv"))
        np.testing.assert_array_equal(here, moved)

    def test_a_table_of_another_space_is_refused(self, tables, tmp_path):
        space = TableSpace(read(tables["target"], "metric.m"))
        strange = write(tmp_path / "t.csv", np.arange(SIZE**3), choices=["0", "1", "2", "3", "x"])
        with pytest.raises(ValueError, match=r"gene\.a is 'x' there"):
            source_of(space, strange, "metric.m")
        text = tables["like"].read_text().replace("gene.b", "gene.d")
        (tmp_path / "d.csv").write_text(text)
        with pytest.raises(ValueError, match="its genes are c, a, d, wanted a, b, c"):
            source_of(space, tmp_path / "d.csv", "metric.m")


def run(tables, monkeypatch, folder, *more):
    monkeypatch.setattr(contest, "STEPS", (10,))  # the argmax decodes nothing
    out = folder / "b.json"
    given = ["--table", str(tables["target"]), "--objective", "metric.m", "--strategies", "argmax", "--seeds", "1"]
    with pytest.raises(SystemExit) as end:
        cli.main(["bench", *given, "--trainings", "4", "--workers", "1", "--out", str(out), *more])
    return end.value.code, json.loads(out.read_text()) if out.exists() else None


def test_a_related_source_is_begun_with_and_its_trainings_are_reported(tables, monkeypatch, tmp_path):
    code, found = run(tables, monkeypatch, tmp_path, "--warm-start", str(tables["like"]), "--related")
    assert code == 0
    assert found["table"]["sources"] == {str(tables["like"]): SIZE**3}
    match = open_contest(BenchConfig(str(tables["target"]), "metric.m", ("argmax",), sources=(str(tables["like"]),)))
    best = match.beliefs.best(match.space.listed)[:3]
    wanted = match.space.table.values["metric.m"][match.space.network(best)]
    for one in found["runs"]:
        assert one["measured"][:3] == pytest.approx(wanted.tolist())


def test_a_source_that_is_like_the_task_makes_few_labels_worth_more(tables):
    space = TableSpace(read(tables["target"], "metric.m"))
    true = space.table.values["metric.m"][space.network(space.listed)]
    rank = {}
    for name in ("", "like", "unlike"):
        beliefs = Beliefs(space, [source_of(space, tables[name], "metric.m")], 0) if name else None
        scorer, found = Scorer(space, Limits(), None, surrogate="gp", beliefs=beliefs), []
        for draw in range(6):
            some = np.random.default_rng(draw).permutation(len(space.listed))[:12]
            labels = zip(space.listed[some].tolist(), true[some].tolist(), strict=True)
            scorer.refit([Record(tuple(g), "s", "t", 0, measured_beside={"m": v}, objective="m") for g, v in labels])
            found.append(np.corrcoef(scorer(space.listed).predicted_accuracy, true)[0, 1])
        rank[name] = np.mean(found)
    assert rank["like"] > rank[""] + 0.3
    assert rank["unlike"] > rank[""] - 0.1


def test_a_bench_goes_on_with_the_same_sources_wherever_they_lie(tables, monkeypatch, tmp_path, capsys):
    moved = tmp_path / "elsewhere" / "like.csv"
    moved.parent.mkdir()
    moved.write_bytes(tables["like"].read_bytes())
    _, before = run(tables, monkeypatch, tmp_path, "--warm-start", str(tables["like"]))
    assert run(tables, monkeypatch, tmp_path, "--warm-start", str(moved)) == (0, before)
    moved.write_bytes(tables["unlike"].read_bytes())
    capsys.readouterr()
    code, _ = run(tables, monkeypatch, tmp_path, "--warm-start", str(moved))
    assert code == 2
    assert "is of a bench with other sources" in capsys.readouterr().err
    code, _ = run(tables, monkeypatch, tmp_path)
    assert code == 2


def test_two_sources_of_one_file_name_are_both_reported(tables, monkeypatch, tmp_path):
    for name in ("like", "unlike"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "t.csv").write_bytes(tables[name].read_bytes())
    paths = [str(tmp_path / name / "t.csv") for name in ("like", "unlike")]
    _, found = run(tables, monkeypatch, tmp_path, "--warm-start", paths[0], "--warm-start", paths[1])
    assert found["table"]["sources"] == dict.fromkeys(paths, SIZE**3)


def refused(tables, monkeypatch, tmp_path, capsys, *more):
    code, result = run(tables, monkeypatch, tmp_path, *more)
    lines = [line for line in capsys.readouterr().err.splitlines() if line.strip()]
    assert (code, result, len(lines)) == (2, None, 1), lines
    assert not list(tmp_path.glob("codec-*"))
    return lines[0]


def test_wrong_sources_are_a_line_before_anything_begins(tables, monkeypatch, tmp_path, capsys):
    def said(*sources):
        more = [word for source in sources for word in ("--warm-start", str(source))]
        return refused(tables, monkeypatch, tmp_path, capsys, *more)

    like, copy = tables["like"], tmp_path / "copy.csv"
    copy.write_bytes(like.read_bytes())
    assert "copy.csv holds the same as" in said(like, copy)
    assert "that is searched; its labels are what a search pays for" in said(tables["target"])
    assert "that is searched" in said(f"{tables['target']}=metric.m")
    copy.write_bytes(tables["target"].read_bytes() + b"\n")
    assert "says of its 125 networks, value by value: it is not another task" in said(copy)
    assert "tells networks apart by nothing" in said(write(tmp_path / "flat.csv", np.ones(SIZE**3)))
    assert "has no column 'metric.other'" in said(f"{like}=metric.other")
    copy.write_text(like.read_text().replace("metric.m", "metric.n"))
    assert "has no column 'metric.m'; there are: metric.n" in said(copy)
    assert "gone.csv does not exist" in said(tmp_path / "gone.csv")
    assert run(tables, monkeypatch, tmp_path, "--warm-start", f"{copy}=metric.n")[0] == 0


def test_strategies_without_a_judge_take_no_sources(tables, monkeypatch, tmp_path, capsys):
    more = ("--warm-start", str(tables["like"]), "--strategies")
    assert "'random' asks no judge" in refused(tables, monkeypatch, tmp_path, capsys, *more, "random,evolution")
    code, _ = run(tables, monkeypatch, tmp_path, *more, "argmax,random")
    assert code == 0
    assert "random asks no judge and begins without --warm-start" in capsys.readouterr().err


def test_related_without_a_source_is_refused(tables, monkeypatch, tmp_path, capsys):
    code, _ = run(tables, monkeypatch, tmp_path, "--related")
    assert code == 2
    assert "name one" in capsys.readouterr().err


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=120)
    path = tmp_path_factory.mktemp("own") / "own.npz"
    np.savez(path, x=(rng.normal(size=(120, 8, 8, 1)) + y[:, None, None, None]).astype(np.float32), y=y)
    return Target("mcu_cnn", str(path), "stm32f405", "cmsis_nn")


class TestSearch:
    """A search of 8x8 images of your own, with the shipped table of the task digits on the same space."""

    DIGITS = str(Path(__file__).parent.parent / "datasets_arch" / "mcu_cnn-digits.parquet")

    def test_other_tasks_are_sources_and_their_trainings_are_said(self, target, tmp_path):
        config = new_config(target, warm_start=(self.DIGITS,), related=True)
        prepared = prepare(config)
        assert prepared.warm == ()
        assert [source.name.split()[0] for source in prepared.sources] == ["digits"]
        (whole,), said = prepared.sources, []
        prepared = replace(prepared, sources=(Source(whole.name, whole.genes[:150], whole.values[:150]),))
        folder = RunFolder.create(tmp_path / "run", config.to_json())
        study = assemble(prepared, folder, None, said.append, None)
        assert any(
            line.startswith(f"begins from {len(prepared.sources[0].values)} networks of digits") for line in said
        )
        assert study.scorer.beliefs.trainings == {prepared.sources[0].name: len(prepared.sources[0].values)}
        assert len(study.first) == 3
        assert study._asked_for(3) == study.first
        assert prepared.setup.fits(np.array(study.first), prepared.limits).all()
        believed = study.scorer.beliefs(prepared.setup.space.sample(np.random.default_rng(1), 2000))
        assert study.scorer.beliefs(np.array(study.first)).min() > believed.max()
        prepared = replace(prepared, limits=replace(prepared.limits, flash_bytes=12_000))
        assert not prepared.setup.fits(np.array(study.first), prepared.limits).all()
        assert assemble(prepared, folder, None, said.append, None).first == study.first  # as it began

    def test_nothing_is_believed_of_limits_that_no_network_keeps(self, target):
        space = prepare(new_config(target)).setup.space
        genes = space.sample(np.random.default_rng(0), 40)
        beliefs = Beliefs(space, [Source("a", genes, np.arange(len(genes)))], 0)
        assert best_believed(space, beliefs, lambda rows: np.zeros(len(rows), bool), 3, 0) == []

    def test_records_from_before_get_the_genes_of_their_network(self, tmp_path):
        """Of one pixel the mean was another network than the maximum."""
        import pandas as pd

        digits = pd.read_parquet(self.DIGITS)
        setup = prepare(new_config(Target("mcu_cnn", "digits", "stm32f405", "cmsis_nn"))).setup
        genes = digits[[name for name in digits if name.startswith("gene.")]].to_numpy().copy()
        genes[:, -1] = 1
        (row,) = np.flatnonzero((setup.space.canonical(genes) != genes).any(axis=1))[:1]
        digits.iloc[[row]].assign(**{digits.filter(like="gene.").columns[-1]: 1}).to_parquet(tmp_path / "old.parquet")
        prepared = prepare(new_config(setup.target, warm_start=(str(tmp_path / "old.parquet"),)))
        assert prepared.warm[0].genes == tuple(setup.space.canonical(genes[row : row + 1])[0].tolist())

    def test_a_table_that_changed_or_is_given_twice_is_refused(self, target, tmp_path):
        import pandas as pd

        digits, copy = pd.read_parquet(self.DIGITS), tmp_path / "a.parquet"
        digits.head(150).to_parquet(copy)
        config = new_config(target, warm_start=(str(copy),))
        saved = SearchConfig.from_json(json.loads(json.dumps(config.to_json())))
        assert saved == config
        assert saved.warm_sha256 == (sealed.of_file(copy),)
        assert len(prepare(saved).sources) == 1
        digits.tail(150).to_parquet(copy)
        with pytest.raises(ValueError, match=r"a\.parquet has changed since the run began \(sha256 "):
            prepare(saved)
        (tmp_path / "b.parquet").write_bytes(copy.read_bytes())
        with pytest.raises(ValueError, match=r"b\.parquet holds the same as .*a\.parquet; name every table once"):
            prepare(new_config(target, warm_start=(str(copy), str(tmp_path / "b.parquet"))))
        with pytest.raises(ValueError, match="gone does not exist"):
            new_config(target, warm_start=(str(tmp_path / "gone"),))

    def test_tables_may_move_while_a_search_waits(self, target, tmp_path):
        (tmp_path / "a.parquet").write_bytes(Path(self.DIGITS).read_bytes())
        begun = new_config(target, warm_start=(str(tmp_path / "a.parquet"),))
        assert going_on(begun, {"warm_start": [tmp_path / "a.parquet"]}) == (begun, [])
        (tmp_path / "a.parquet").rename(tmp_path / "b.parquet")
        with pytest.raises(ValueError, match=r"a\.parquet does not exist; say where this table is with --warm-start"):
            prepare(begun)
        config, said = going_on(begun, {"warm_start": [tmp_path / "b.parquet"]})
        assert config == replace(begun, warm_start=(str(tmp_path / "b.parquet"),))
        assert "are taken from" in said[0]
        assert [source.genes.shape for source in prepare(config).sources] == [
            source.genes.shape for source in prepare(new_config(target, warm_start=(self.DIGITS,))).sources
        ]
        (tmp_path / "b.parquet").write_bytes(b"another")
        with pytest.raises(ValueError, match="--warm-start can't change in a run that goes on"):
            going_on(begun, {"warm_start": [tmp_path / "b.parquet"]})

    def test_what_ships_is_called_by_its_name(self, target):
        config = new_config(target, warm_start=("shipped:mcu_cnn-digits",), related=True)
        assert config.warm_sha256 == (sealed.of_file(Path(self.DIGITS)),)
        (source,) = prepare(SearchConfig.from_json(json.loads(json.dumps(config.to_json())))).sources
        assert source.name == "digits (shipped:mcu_cnn-digits)"
        assert going_on(config, {"warm_start": ["shipped:mcu_cnn-digits"]}) == (config, [])
        with pytest.raises(ValueError, match="no table 'shipped:x' ships; there are: shipped:mcu_cnn-digits"):
            new_config(target, warm_start=("shipped:x",))

    def test_the_same_task_is_no_source(self):
        prepared = prepare(new_config(Target("mcu_cnn", "digits", "stm32f405", "cmsis_nn"), warm_start=(self.DIGITS,)))
        assert prepared.sources == ()
        assert {record.task for record in prepared.warm} == {"digits"}

    def test_networks_of_the_same_task_that_learnt_otherwise_are_another_s(self, tmp_path):
        """The first and second recipe are of no search of today; the third is, and only its networks are known."""
        import pandas as pd

        digits = pd.read_parquet(self.DIGITS).head(300)
        own = told(open_task("digits").recipe("search"))
        by = ["", "epochs=8; learning_rate=0.01", "; ".join(own)]
        digits.assign(recipe=[by[i % 3] for i in range(300)]).to_parquet(tmp_path / "three.parquet")
        config = new_config(
            Target("mcu_cnn", "digits", "stm32f405", "native"), warm_start=(str(tmp_path / "three.parquet"),)
        )
        prepared = prepare(config)
        assert [record.recipe for record in prepared.warm] == [own] * 100
        names = [source.name.partition(" (")[0] for source in prepared.sources]
        assert names == ["digits by another recipe", "digits by epochs=8, learning_rate=0.01"]
        assert sum(len(source.values) for source in prepared.sources) > 190  # of some networks there are two seeds
        with pytest.raises(
            ValueError, match=r"'random' asks no judge, .* or a table of task 'digits' whose networks lear"
        ):
            prepare(replace(config, strategy="random"))

    def test_a_stray_one_that_learnt_otherwise_is_left_out_and_said(self, tmp_path):
        import pandas as pd

        digits = pd.read_parquet(self.DIGITS).head(30)
        digits.loc[3, "recipe"] = "epochs=8; learning_rate=0.01"
        digits.to_parquet(tmp_path / "stray.parquet")
        config = new_config(
            Target("mcu_cnn", "digits", "stm32f405", "native"), warm_start=(str(tmp_path / "stray.parquet"),)
        )
        prepared = prepare(config)
        assert (len(prepared.warm), prepared.sources) == (29, ())
        (line,) = prepared.said
        assert line.startswith("1 of digits by epochs=8, learning_rate=0.01 (")
        digits.iloc[[3]].to_parquet(tmp_path / "stray.parquet")  # nothing else: then the table is no good
        with pytest.raises(ValueError, match="tells networks apart by nothing"):
            prepare(replace(config, warm_sha256=()))

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            ({"related": True}, "there is none; name one"),
            ({"related": True, "asynchronous": True, "warm_start": (DIGITS,)}, "which --async has none of"),
            ({"strategy": "random", "warm_start": (DIGITS,)}, "asks no judge"),
        ],
    )
    def test_what_does_not_go_together_is_refused(self, target, more, said):
        with pytest.raises(ValueError, match=said):
            prepare(new_config(target, **more))

    def test_a_table_of_another_space_is_refused(self, target):
        with pytest.raises(ValueError, match="is of space 'mcu_cnn', the search of 'dna_cnn'"):
            prepare(new_config(replace(target, space="dna_cnn"), warm_start=(self.DIGITS,)))


class TestHeard:
    """Sources that are heard are those that order the best of this task's labels."""

    VALUES = np.linspace(0, 1, 40)

    def columns(self):
        """One that orders all, one that orders the worse half alone, and one turned round."""
        rng = np.random.default_rng(5)
        bad = np.where(self.VALUES < 0.5, self.VALUES, 0.5 + rng.permutation(self.VALUES) / 10)
        return np.stack([self.VALUES, bad, -self.VALUES], axis=1)

    def test_what_is_right_about_bad_networks_alone_is_not(self):
        columns, order = self.columns(), np.random.default_rng(1).permutation(40)
        assert np.corrcoef(columns[:, 1], self.VALUES)[0, 1] > 0.8
        assert agreeing(columns[order], self.VALUES[order]).tolist() == [1, 0, 0]

    @pytest.mark.parametrize(("turned", "agreement", "heard"), [(6, 0.57, 1), (7, 0.32, 0)])
    def test_what_chance_may_give_is_not_enough(self, turned, agreement, heard):
        """Two standard errors among the best 20 are a rank correlation of 0.46."""
        best = np.arange(20)
        best[10 - turned : 10 + turned] = best[10 - turned : 10 + turned][::-1]
        assert np.corrcoef(best, np.arange(20))[0, 1] == pytest.approx(agreement, abs=0.01)
        assert agreeing(np.append(np.zeros(20), best)[:, None], self.VALUES).tolist() == [heard]

    def test_of_few_labels_all_are(self):
        assert agreeing(self.columns()[:7], self.VALUES[:7]).tolist() == [1, 1, 1]

    def test_a_source_that_is_not_heard_changes_nothing(self, tables):
        space = TableSpace(read(tables["target"], "metric.m"))
        turned = Source("turned", space.listed, -space.table.values["metric.m"][space.network(space.listed)])
        records = [
            Record(tuple(genes), "s", "t", 0, measured_int8={"accuracy": -value})
            for genes, value in zip(space.listed[::4].tolist(), turned.values[::4].tolist(), strict=True)
        ]
        found = []
        for beliefs in (None, Beliefs(space, [turned], 0)):
            scorer = Scorer(space, Limits(), None, beliefs=beliefs, surrogate="gp")
            scorer.refit(records)
            found.append(scorer.rerank(space.listed))
        assert np.allclose(found[0].predicted_accuracy, found[1].predicted_accuracy, atol=0.02)
        assert np.allclose(found[0].acquisition, found[1].acquisition, atol=0.02)

    def test_a_search_says_which_it_ceases_to_hear(self, tables):
        space, said = TableSpace(read(tables["target"], "metric.m")), []
        values = -space.table.values["metric.m"][space.network(space.listed)]
        scorer = Scorer(space, Limits(), None, beliefs=Beliefs(space, [Source("a", space.listed, values)], 0))
        study = SimpleNamespace(scorer=scorer, say=said.append)

        def records(sign: int, n: int) -> list[Record]:
            rows = zip(space.listed[: 4 * n : 4].tolist(), (sign * values[: 4 * n : 4]).tolist(), strict=True)
            return [Record(tuple(genes), "s", "t", 0, measured_int8={"accuracy": value}) for genes, value in rows]

        for sign, n in ((-1, 7), (-1, 40), (-1, 40), (1, 40)):  # of seven labels all are heard
            Study._refit(study, records(sign, n))
        assert said == [
            "a does not order the best networks here, so it is not heard",
            "a orders the best networks here, so it is heard again",
        ]

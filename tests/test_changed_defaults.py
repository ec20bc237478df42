"""Runs that began before a default changed: latent_rl's agent stays PPO, they train by the recipe that they keep."""

import json
import re
import shutil
from contextlib import closing
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from latent_nas import Study, cli, training
from latent_nas.jobs.bench.config import BenchConfig
from latent_nas.jobs.bench.run import bench
from latent_nas.jobs.search.begin import resumed
from latent_nas.jobs.search.config import SearchConfig, new_config
from latent_nas.jobs.search.prepare import prepare
from latent_nas.jobs.search.resume import by_kept, check_recipe, going_on, other_versions
from latent_nas.jobs.search.run import search
from latent_nas.jobs.validate import validate
from latent_nas.records import Record, versions
from latent_nas.report.again import command
from latent_nas.runs import files
from latent_nas.runs.folder import RunFolder
from latent_nas.strategies.settings import configured
from latent_nas.target import MAIN_TARGET, Target, open_target
from latent_nas.tasks import Recipe, open_task
from latent_nas.tasks._changes import changed, told

RUN = Path(__file__).parent / "data" / "run_0_1"
PPO = "latent_rl.agent=ppo"


def plain(config):
    return json.loads(json.dumps(config.to_json()))


def saved(**more):
    """Return a config.json as it was before the Q agent."""
    new = plain(new_config(MAIN_TARGET, **more))
    return {name: value for name, value in new.items() if name != "related"}


class TestSearch:
    def test_the_agent_is_what_it_was(self):
        config = SearchConfig.from_json(saved(settings=("latent_rl.queries=99",)))
        assert config.settings == ("latent_rl.queries=99", PPO)
        assert configured(config.strategy, config.settings).agent == "ppo"
        assert SearchConfig.from_json(plain(config)) == config  # as it is kept from then on

    def test_one_that_names_its_agent_keeps_it(self):
        assert SearchConfig.from_json(saved(settings=("latent_rl.agent=a2c",))).settings == ("latent_rl.agent=a2c",)

    def test_strategies_without_an_agent_and_runs_of_this_release_are_left_alone(self):
        assert SearchConfig.from_json(saved(strategy="random")).settings == ()
        assert SearchConfig.from_json(plain(new_config(MAIN_TARGET))).settings == ()

    def test_the_settings_that_it_began_with_may_be_given_again(self):
        config = SearchConfig.from_json(saved(settings=("latent_rl.queries=99",)))
        assert going_on(config, {"settings": ("latent_rl.queries=99",)})[0] == config
        with pytest.raises(ValueError, match="--set can't change"):
            going_on(config, {"settings": ("latent_rl.queries=99", "latent_rl.agent=q")})

    def test_the_command_says_so(self, tmp_path, capsys):
        run = tmp_path / "run"
        shutil.copytree(RUN, run)
        config = json.loads((run / files.CONFIG).read_text())
        (run / files.CONFIG).write_text(json.dumps({**config, "strategy": "latent_rl"}))
        with pytest.raises(SystemExit) as end:
            cli.main(["search", "--resume", str(run), "--workers", "1"])
        assert end.value.code == 0
        said = capsys.readouterr().err
        assert f"goes on with {PPO}, as it began" in said
        assert re.search(r"trained by .*latent_nas 0\.1\.0, now .*: it need not end as it would have by those", said)
        assert json.loads((run / files.CONFIG).read_text())["settings"] == [PPO]


def test_the_same_versions_are_not_told():
    now, record = versions(), partial(Record, (0,), "mcu_cnn", "digits", 0)
    assert other_versions([]) == other_versions([record(versions=now)]) == []
    mixed = [record(versions={**now, "torch": "1.0"}), record(versions=now)]
    assert other_versions(mixed) == []  # what came last is of today
    (line,) = other_versions([*mixed, record(versions={**now, "numpy": "1.0"})])
    assert f"trained by numpy 1.0, now {now['numpy']}:" in line


class TestRecipe:
    """Two recipes can't be ranked together, and a task's may change from one version to the next."""

    @pytest.fixture
    def run(self, tmp_path):
        np.savez(tmp_path / "own.npz", x=np.arange(600.0).reshape(150, 2, 2, 1), y=np.arange(150) % 3)
        config = new_config(Target("", str(tmp_path / "own.npz"), "stm32f405", ""), strategy="random")
        folder = RunFolder.create(tmp_path / "run", config.to_json())
        with closing(folder.store()) as store:
            store.add(Record((0,), "mcu_cnn", config.target.task, 0, measured_int8={"accuracy": 0.5}))
        return folder, config

    def test_what_it_began_with_is_kept_as_text(self, run):
        _, config = run
        recipe = open_task(config.target.task).recipe("search")
        assert {"optimiser=muon", "learning_rate=0.04", f"epochs={recipe.epochs}"} <= set(config.search_recipe)
        assert changed(Recipe(1), config.search_recipe) == recipe
        assert SearchConfig.from_json(plain(config)) == config
        assert "search_recipe" not in command(plain(config))

    def test_the_same_goes_on(self, run):
        folder, config = run
        check_recipe(folder, config, open_task(config.target.task))

    @pytest.mark.parametrize(
        ("before", "said"),
        [
            (lambda now: (), "learnt by another recipe, which it did not keep, and would by .*optimiser=muon"),
            (lambda now: (*now, "warp=9"), "learnt by warp=9, and would by its defaults now"),
        ],
        ids=["before it was kept", "an option that there is no more"],
    )
    def test_one_that_cannot_be_followed_is_refused_and_nothing_is_lost(self, run, before, said):
        folder, config = run
        old = replace(config, search_recipe=before(config.search_recipe))
        held = (folder.path / files.CONFIG).read_bytes()
        with pytest.raises(ValueError, match=f"{said}.*begin another run with --out"):
            search(prepare(old), folder, print, print)
        assert (folder.path / files.CONFIG).read_bytes() == held

    def test_short_trainings_are_not_kept_and_so_refused(self, run):
        _, config = run
        task, other = open_task(config.target.task), ("epochs=2",)
        assert by_kept(replace(config, search_recipe=other), task)[0].target.kept_search == other
        assert by_kept(replace(config, search_recipe=other, halving=3), task) == (
            replace(config, search_recipe=other, halving=3),
            [],
        )

    def test_a_run_goes_on_by_what_it_keeps_in_workers_and_validation_too(self, tmp_path):
        old = ("epochs=2", "batch=32", "optimiser=sgd", "learning_rate=0.05")
        final = ("epochs=3", "learning_rate=0.01")
        rng = np.random.default_rng(0)
        np.savez(tmp_path / "own.npz", x=rng.normal(size=(200, 4, 4, 1)).astype(np.float32), y=np.arange(200) % 2)
        target = Target("", str(tmp_path / "own.npz"), "stm32f405", "")
        config = new_config(target, strategy="random", trainings=4, batch=2, top=1, final_seeds=1, workers=1)
        begun = replace(config, search_recipe=old, final_recipe=final)
        lines = []

        whole = RunFolder.create(tmp_path / "whole", begun.to_json())
        wanted = search(prepare(begun), whole, lines.append, lambda *_: None)
        assert f"trainings go on by the recipe that the run keeps, {', '.join(sorted(old))}" in "\n".join(lines)
        assert "final trainings go on by the recipe that the run keeps, epochs=3, learning_rate=0.01" in "\n".join(
            lines
        )
        half = RunFolder.create(tmp_path / "half", replace(begun, trainings=2, top=0).to_json())
        search(prepare(replace(begun, trainings=2, top=0)), half, print, lambda *_: None)
        for _ in range(2):  # and once more, as its configuration has it by now
            prepared, folder = resumed(tmp_path / "half", trainings=4, top=1)
            result = search(prepared, folder, lines.append, lambda *_: None)
            assert [n.genes for n in result.networks] == [n.genes for n in wanted.networks]
            assert result.networks[0].measured_int8 == wanted.networks[0].measured_int8

        task = open_task(config.target.task)
        with closing(folder.store()) as store:
            records = store.records()
        assert {r.recipe for r in records if r.fidelity == "search"} == {old}
        assert {r.recipe for r in records if r.fidelity == "full"} == {final}
        first = next(r for r in records if r.fidelity == "search")
        recipe = Recipe(2, batch=32, optimiser="sgd", learning_rate=0.05)
        graph = open_target(config.target).space.graph(first.genes)
        alone = training.train(graph, task, recipe, first.seed, task.data().train, task.data().valid)
        assert alone.int8_metrics == first.measured_int8
        assert "kept" not in command(RunFolder.open(tmp_path / "half")[1])

        said = []
        validate(tmp_path / "whole", 1, 1, 1, 0, tmp_path / "valid", said.append, lambda *_: None)
        with closing(RunFolder.open(tmp_path / "valid")[0].store()) as store:
            assert {tuple(t for t in r.recipe if t != "qat=auto") for r in store.records()} == {final}
        assert any("final trainings go on by the recipe that the run keeps" in line for line in said)

    def test_what_is_kept_is_read_by_defaults_that_stay(self):
        told_today = ("64", "adamw", "0.003", "0.01", "1.0", "10", "0.0", "False", "0.0", "cosine", "0.1", "10")
        names = [one.name for one in fields(Recipe)][1 : len(told_today) + 1]
        assert (
            tuple(str(getattr(Recipe(1), name)) for name in names) == told_today
        )  # else runs that go on learn otherwise

    def test_a_run_without_trainings_goes_on_by_what_it_keeps(self, run, tmp_path):
        _, config = run
        empty = RunFolder.create(tmp_path / "empty", config.to_json())
        kept = replace(config, search_recipe=("epochs=3", "optimiser=sgd"))
        check_recipe(empty, prepare(kept).config, open_task(config.target.task))
        assert prepare(kept).config.target.kept_search == ("epochs=3", "optimiser=sgd")

    def test_runs_of_before_go_on_where_nothing_has_changed(self, run):
        folder, config = run
        numbers = open_task("diabetes")
        assert "optimiser=muon" not in told(numbers.recipe("search"))
        check_recipe(folder, replace(config, search_recipe=()), numbers)

    def test_a_search_of_digits_that_kept_no_recipe_is_of_the_one_before(self, tmp_path):
        shutil.copytree(RUN, tmp_path / "run")
        folder, config = RunFolder.open(tmp_path / "run")
        check_recipe(folder, SearchConfig.from_json(config), open_task("digits"))  # its three trainings are done
        config["trainings"] = 4
        with pytest.raises(ValueError, match=r"which it did not keep, and would by .*learning_rate=0\.02"):
            check_recipe(folder, SearchConfig.from_json(config), open_task("digits"))


class TestBench:
    @pytest.fixture
    def table(self, tmp_path):
        rows = [f"{a},{b},{a + b}" for a in range(4) for b in range(4)]
        (tmp_path / "table.csv").write_text("\n".join(["gene.a,gene.b,metric.m", *rows]) + "\n")
        return tmp_path / "table.csv"

    def old_file(self, table, config):
        """Return a file without runs as it was begun before the Q agent."""
        decides = replace(config, settings=()).decisive()
        del decides["agent"]
        out = table.parent / "b.json"
        out.write_text(json.dumps({"config": decides, "table": {}, "runs": []}))
        return out

    def test_runs_of_two_agents_are_never_mixed(self, table):
        config = BenchConfig(str(table), "metric.m", ("latent_rl", "random"), 4, 1)
        assert config.decisive()["agent"] == "q"
        out = self.old_file(table, config)
        before = out.read_text()
        with pytest.raises(ValueError, match=r"does not say which agent its runs of latent_rl had.*--set latent_rl"):
            bench(config, out, print, lambda *_: None)
        assert out.read_text() == before

    def test_it_goes_on_with_the_agent_that_is_named(self, table, monkeypatch):
        config = BenchConfig(str(table), "metric.m", ("latent_rl", "random"), 4, 1, settings=(PPO,))
        out = self.old_file(table, config)
        monkeypatch.setattr("latent_nas.jobs.bench.run._runs", lambda *_: (run for run in ()))
        monkeypatch.setattr("latent_nas.jobs.bench.run.trained_codec", lambda *_: Path())
        assert bench(config, out, print, lambda *_: None)["config"]["settings"] == [PPO]


class TestStudy:
    def test_the_runtime_that_went_without_saying_is_what_it_was(self, tmp_path, monkeypatch):
        """A folder begun under cmsis_nn goes on with it; one that names a runtime is another search."""
        study = Study(limits={"flash_kb": 32}, strategy="random")
        config = study._config(2)
        old = replace(config, target=replace(config.target, runtime="cmsis_nn"))
        RunFolder.create(tmp_path / "run", plain(old))
        monkeypatch.setattr("latent_nas.api.study.begin.resumed", lambda folder, **_: folder)
        assert study._folder(config, tmp_path / "run") == tmp_path / "run"
        named = replace(study, runtime="native")
        with pytest.raises(ValueError, match="holds another search"):
            named._folder(named._config(2), tmp_path / "run")

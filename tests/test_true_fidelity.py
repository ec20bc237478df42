"""Searches whose promoted networks go on from their short trainings: nothing is paid twice, and nothing changes."""

from pathlib import Path

import numpy as np
import pytest

from latent_nas import cli
from latent_nas.evaluators import Evaluator, Job, work
from latent_nas.evaluators.work import record_of
from latent_nas.fidelity import first_epochs, glance
from latent_nas.jobs.search.assemble import assemble
from latent_nas.jobs.search.config import SearchConfig, new_config
from latent_nas.jobs.search.prepare import prepare
from latent_nas.jobs.search.resume import going_on
from latent_nas.jobs.search.shares import shares
from latent_nas.limits import Limits
from latent_nas.records import SEARCH
from latent_nas.runs import files
from latent_nas.runs.folder import RunFolder
from latent_nas.study.climb import Climb
from latent_nas.target import Setup, Target
from latent_nas.training import train

TARGET = Target("mcu_cnn", "digits", "stm32f405", "cmsis_nn", search_epochs=4)
LIMITS = Limits(flash_bytes=3000, ram_bytes=2000, latency_ms=0.6)


@pytest.fixture(scope="module")
def genes():
    setup = Setup(TARGET)
    sampled = setup.space.sample(np.random.default_rng(0), 400)
    return tuple(map(int, sampled[setup.fits(sampled, LIMITS)][0]))


def essence(*records):
    return [{k: v for k, v in r.to_json().items() if k != "wall_s"} for r in records]


class TestTraining:
    @pytest.mark.parametrize("stops", [(2,), (1, 3)])
    def test_one_that_was_left_ends_as_one_that_was_not(self, genes, tmp_path, stops):
        whole, state = record_of(TARGET, Job(genes, 1)), str(tmp_path / "state")
        for epochs in stops:
            short = record_of(TARGET, Job(genes, 1, first_epochs(epochs), state=state))
            assert short.short
            assert short.curve == whole.curve[:epochs]
            assert list(tmp_path.iterdir())
        ended = record_of(TARGET, Job(genes, 1, SEARCH, state=state))
        assert essence(ended) == essence(whole)
        assert not list(tmp_path.iterdir())

    def test_without_a_state_the_result_is_the_same(self, genes, tmp_path):
        kept, alone = (record_of(TARGET, Job(genes, 1, first_epochs(2), state=s)) for s in (str(tmp_path / "s"), ""))
        assert essence(kept) == essence(alone)

    @pytest.mark.parametrize("harm", ["damaged", "gone too far", "gone"])
    def test_a_state_that_is_no_use_is_made_again(self, genes, tmp_path, harm):
        state = tmp_path / "state"
        asked = first_epochs(1) if harm == "gone too far" else SEARCH
        record_of(TARGET, Job(genes, 1, first_epochs(2), state=str(state)))
        (file,) = tmp_path.iterdir()
        if harm == "damaged":
            file.write_bytes(file.read_bytes()[:-1] + b"x")
        elif harm == "gone":
            file.unlink()
        again = record_of(TARGET, Job(genes, 1, asked, state=str(state)))
        assert essence(again) == essence(record_of(TARGET, Job(genes, 1, asked)))

    def test_every_fold_goes_on_from_its_own(self, tmp_path):
        rng = np.random.default_rng(0)
        y = np.arange(60) % 3
        np.savez(tmp_path / "few.npz", x=(rng.random((60, 8, 8, 1)) / 2 + y[:, None, None, None] / 6), y=y)
        target = Target("mcu_cnn", str(tmp_path / "few.npz"), "stm32f405", "cmsis_nn", search_epochs=3)
        setup = Setup(target)
        assert len(setup.task.folds(setup.task.data())) > 1
        genes = tuple(map(int, setup.space.sample(np.random.default_rng(1), 1)[0]))
        (tmp_path / "states").mkdir()
        state = str(tmp_path / "states" / "s")
        record_of(target, Job(genes, 1, first_epochs(1), state=state))
        ended = record_of(target, Job(genes, 1, SEARCH, state=state))
        assert essence(ended) == essence(record_of(target, Job(genes, 1)))


class Here(Evaluator):
    """Trains in this process; stops the study after some records, as a kill would."""

    def __init__(self, stop_after=None):
        self.left, self.jobs = stop_after, []

    def evaluate(self, jobs):
        for job in jobs:
            if self.left == len(self.jobs):
                raise KeyboardInterrupt
            self.jobs.append(job)
            yield record_of(TARGET, job)


def searched(place: Path, evaluator, trainings=8, fidelity="epochs=0.5") -> Climb:
    """Return a search, begun or gone on with in a folder."""
    config = SearchConfig(
        TARGET,
        "argmax",
        trainings,
        limits=LIMITS,
        fidelities=(fidelity,),
        surrogate="gp",
        settings=("argmax.candidates=500",),
    )
    folder = RunFolder.open(place)[0] if place.exists() else RunFolder.create(place, config.to_json())
    study = assemble(prepare(config), folder, evaluator, lambda line: None, lambda *_: None)
    study.intervals = False
    study.run()
    study.store.close()
    return study


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A search that was never stopped, its evaluator and its folder."""
    place, evaluator = tmp_path_factory.mktemp("whole") / "run", Here()
    return searched(place, evaluator), evaluator, place


class TestSearch:
    def test_promoted_networks_cost_what_is_added(self, whole):
        study, evaluator, _ = whole
        assert study.records
        promoted = {r.genes for r in study.records} & {r.genes for r in study.short}
        assert promoted == {r.genes for r in study.records}
        assert study.spent == pytest.approx(0.5 * len(study.short) + 0.5 * len(study.records))
        assert 7.5 < study.spent <= 8
        assert {r.fidelity for r in study.short} == {first_epochs(2)}
        assert all(job.state for job in evaluator.jobs)

    def test_full_records_are_those_of_full_trainings(self, whole):
        study, _, place = whole
        for record in study.records[:2]:
            alone = record_of(TARGET, Job(record.genes, record.seed, SEARCH, record.round))
            assert essence(record) == essence(alone)
        left = {path.name.partition(".")[0] for path in (place / files.STATES).iterdir()}
        assert len(left) == len({r.genes for r in study.short}) - len(study.records)

    def test_a_kill_changes_nothing(self, whole, tmp_path):
        study, evaluator, _ = whole
        place = tmp_path / "run"
        for stop_after in (3, len(evaluator.jobs) - 6):
            with pytest.raises(KeyboardInterrupt):
                searched(place, Here(stop_after))
        again = searched(place, Here())
        assert essence(*again.records) == essence(*study.records)
        assert essence(*again.short) == essence(*study.short)
        assert again.spent_at == study.spent_at

    def test_more_trainings_go_on_from_the_states_that_were_left(self, tmp_path):
        place = tmp_path / "run"
        searched(place, Here(), trainings=6)
        more = searched(place, Here(), trainings=10)
        assert 9 < more.spent <= 10
        assert len({r.genes for r in more.records}) == len(more.records)


class TestGlances:
    def test_one_is_an_epoch_over_a_share_of_the_data(self):
        task = Setup(TARGET).task
        whole = TARGET.recipe(task, SEARCH)
        recipe = TARGET.recipe(task, glance(0.5))
        assert (recipe.epochs, recipe.share, recipe.batch, recipe.warmup) == (1, 0.5, whole.batch // 2, 0.3)
        assert TARGET.recipe(task, glance(1)).batch == whole.batch
        assert TARGET.recipe(task, glance(0.01)).batch == 16
        assert (recipe.learning_rate, recipe.average) == (whole.learning_rate, whole.average)

    def test_its_judges_are_few_and_the_same(self, genes, monkeypatch):
        monkeypatch.setattr(work, "GLANCED", 100)
        sampled = Setup(TARGET).space.sample(np.random.default_rng(0), 1)[0]
        seen = []

        def trained(graph, task, recipe, seed, learn, judge, *rest, **more):
            seen.append(judge)
            return train(graph, task, recipe, seed, learn, judge, *rest, **more)

        monkeypatch.setattr(work, "train", trained)
        record = record_of(TARGET, Job(genes, 1, glance(0.5)))
        record_of(TARGET, Job(tuple(map(int, sampled)), 2, glance(0.25)))
        assert record.short
        assert len(record.curve) == 1
        assert record.samples == len(seen[0]) < 110  # every class rounds up
        assert (seen[0].x == seen[1].x).all()
        assert np.bincount(seen[0].y).min() >= 9

    def test_a_search_of_them_trains_the_promoted_from_the_start(self, tmp_path):
        evaluator = Here()
        study = searched(tmp_path / "run", evaluator, trainings=6, fidelity="data=0.5")
        assert {r.fidelity for r in study.short} == {glance(0.5)}
        assert study.spent == pytest.approx(0.125 * len(study.short) + len(study.records))
        assert len(study.short) > 10
        assert {r.genes for r in study.records} <= {r.genes for r in study.short}
        assert not any(job.state for job in evaluator.jobs)
        assert not study.doubted
        record = study.records[0]
        assert essence(record) == essence(record_of(TARGET, Job(record.genes, record.seed, SEARCH, record.round)))


class TestAsking:
    def test_shares_are_whole_epochs(self):
        assert [(f.name, f.cost) for f in shares(("epochs=0.5", "epochs=0.26"), 8)] == [
            ("epochs_2", 0.25),
            ("epochs_4", 0.5),
        ]
        found = shares(("data=1", "data=0.25"), 4)
        assert [(f.name, f.cost) for f in found] == [("data_0.25", 1 / 16), ("data_1", 0.25)]
        assert shares((), 8) == ()

    @pytest.mark.parametrize(
        ("texts", "said"),
        [
            (("epochs=0.01",), "is 0 of the 8 epochs"),
            (("epochs=1",), "is 8 of the 8 epochs"),
            (("epochs=x",), "as in data=0.25; got 'epochs=x'"),
            (("width=0.5",), "wants a share of a full training's epochs"),
            (("data=0",), "above 0 and at most 1"),
            (("data=1.5",), "above 0 and at most 1"),
            (("data=nan",), "got 'data=nan'"),
            (("epochs=0.5", "data=0.5"), "leave one kind out"),
            (("epochs=0.5", "epochs=0.51"), "epochs_4 is given twice"),
        ],
    )
    def test_others_are_refused(self, texts, said):
        with pytest.raises(ValueError, match=said):
            shares(texts, 8)

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            (("--halving", "4"), "--halving does otherwise"),
            (("--async",), "--async does otherwise"),
            (("--strategy", "evolution"), "asks no judge"),
            (("--measure", "analog"), "can't leave a training"),
            (("--ray", "10.0.0.1:6379"), "which a Ray cluster can't read"),
            (("--fidelity", "epochs=1.5"), "is 12 of the 8 epochs"),
        ],
    )
    def test_what_goes_not_with_it_is_one_line(self, tmp_path, capsys, more, said):
        with pytest.raises(SystemExit) as end:
            cli.main(["search", "--fidelity", "epochs=0.5", *more, "--out", str(tmp_path / "run")])
        assert end.value.code == 2
        error = capsys.readouterr().err.strip()
        assert said in error
        assert "\n" not in error
        assert not (tmp_path / "run").exists()

    def test_a_search_that_goes_on_keeps_its_own(self):
        config = new_config(TARGET, fidelities=("epochs=0.5",))
        assert going_on(config, {"fidelities": ("epochs=0.5",)})[0] == config
        with pytest.raises(ValueError, match="--fidelity can't change"):
            going_on(config, {"fidelities": ("epochs=0.25",)})

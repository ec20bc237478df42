"""What stands behind a final figure: intervals from the number of samples, recall of classes, trainings done again."""

import json
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, recall_score

from latent_nas.evaluators import Evaluator
from latent_nas.evaluators.work import record_of
from latent_nas.jobs import final
from latent_nas.jobs.final import finalise
from latent_nas.jobs.summary import summary
from latent_nas.limits import Limits
from latent_nas.objectives import Judged, open_objective
from latent_nas.records import Record
from latent_nas.runs.schema import Result
from latent_nas.store import Store
from latent_nas.target import Target, open_target
from latent_nas.tasks import open_task
from latent_nas.tasks.kinds import confusion
from latent_nas.tasks.kinds.anomaly import Anomaly
from latent_nas.tasks.kinds.classify import Classification

RNG = np.random.default_rng(0)
TARGETS = np.repeat([0, 1, 2, 3], [60, 30, 9, 1])
ANSWERS = np.where(RNG.random(100) < 0.7, TARGETS, RNG.integers(0, 3, 100))
LOGITS = np.eye(4)[ANSWERS]


class TestConfusion:
    matrix = confusion.matrix_of(ANSWERS, TARGETS, 5)  # the fifth class has neither samples nor answers

    def test_metrics_are_those_of_scikit_learn(self):
        assert confusion.accuracy(self.matrix) == pytest.approx(accuracy_score(TARGETS, ANSWERS))
        assert confusion.balanced_accuracy(self.matrix) == pytest.approx(balanced_accuracy_score(TARGETS, ANSWERS))
        assert confusion.f1(self.matrix) == pytest.approx(f1_score(TARGETS, ANSWERS, average="macro"))
        told = recall_score(TARGETS, ANSWERS, average=None, zero_division=0)
        assert confusion.recalls(self.matrix)[:4] == pytest.approx(told)
        assert np.isnan(confusion.recalls(self.matrix)[4])

    @pytest.mark.parametrize(("right", "n"), [(0, 7), (53, 53), (48, 53), (330, 360)])
    def test_the_interval_of_a_share_is_that_of_scipy(self, right, n):
        theirs = binomtest(right, n).proportion_ci(method="wilson")
        assert confusion.wilson(right, n) == pytest.approx((theirs.low, theirs.high))

    def test_the_interval_of_the_balanced_accuracy_holds_the_truth_in_95_of_100_draws(self):
        rng, counts, told, held = np.random.default_rng(1), (60, 25, 8), (0.95, 0.8, 0.6), 0
        for _ in range(1000):
            right = rng.binomial(counts, told)
            matrix = np.diag(right)
            matrix[np.arange(3), (np.arange(3) + 1) % 3] = counts - right
            low, high = confusion.balanced_interval(matrix)
            held += low <= np.mean(told) <= high
        assert 930 <= held <= 985


class TestUnevenClasses:
    def test_the_answer_of_the_largest_class_scores_as_chance(self):
        kind = Classification(uneven=True)
        baseline = kind.baseline(TARGETS, TARGETS)
        assert kind.metric.name == "balanced_accuracy"
        assert baseline.metrics["balanced_accuracy"] == 0.25 < 0.6 == baseline.metrics["accuracy"]
        assert kind.measure(LOGITS, TARGETS)["f1"] == pytest.approx(f1_score(TARGETS, ANSWERS, average="macro"))

    @pytest.mark.parametrize(
        ("more", "counts", "metric"),
        [
            ("", (40, 20), "balanced_accuracy"),
            ("", (39, 20), "accuracy"),
            ("?metric=accuracy", (40, 20), "accuracy"),
            ("?metric=balanced_accuracy", (20, 20), "balanced_accuracy"),
        ],
    )
    def test_data_of_ones_own_are_judged_by_balanced_accuracy_from_two_to_one_on(self, tmp_path, more, counts, metric):
        y = np.repeat([0, 1], counts)
        np.savez(tmp_path / "d.npz", x=np.random.default_rng(0).random((len(y), 4, 4, 1)), y=y)
        task = open_task(f"{tmp_path / 'd.npz'}{more}")
        assert task.kind.metric.name == metric
        assert any("?metric=accuracy" in line for line in task.about()) == (not more and metric != "accuracy")

    def test_a_metric_of_classes_says_nothing_of_numbers(self, tmp_path):
        np.savez(tmp_path / "d.npz", x=RNG.random((60, 4, 4, 1)), y=RNG.random(60))
        with pytest.raises(ValueError, match="these data are for regress"):
            open_task(f"{tmp_path / 'd.npz'}?metric=accuracy")


@pytest.mark.parametrize(
    ("kind", "outputs", "targets"),
    [
        (Classification(), LOGITS, TARGETS),
        (Anomaly(), RNG.normal(size=(40, 8)) * (1 + np.repeat([0, 1], 20))[:, None], np.repeat([0, 1], 20)),
        (open_task("diabetes").kind, RNG.normal(size=(80, 1)), RNG.normal(152, 77, size=(80, 1))),
    ],
    ids=["classify", "anomaly", "regress"],
)
def test_every_kind_says_how_much_so_many_samples_tell(kind, outputs, targets):
    value = kind.measure(outputs, targets)[kind.metric.name]
    low, high = kind.interval(outputs, targets)
    assert low < value < high
    more = kind.interval(np.tile(outputs, (16, 1)), np.concatenate([targets] * 16))
    assert more[1] - more[0] == pytest.approx((high - low) / 4, rel=0.3)


class Short(Target):
    """A target whose networks learn for 25 epochs."""

    def recipe(self, task, fidelity):
        return replace(super().recipe(task, fidelity), epochs=25)


class Still(Short):
    """A target whose networks don't learn."""

    def recipe(self, task, fidelity):
        return replace(super().recipe(task, fidelity), learning_rate=1e-12)


class Collapsing(Evaluator):
    """Trains in this process; the final training of the first seed does not learn."""

    def __init__(self, target):
        self.target, self.still, self.tested = target, Still(**vars(target)), []

    def evaluate(self, jobs):
        for job in jobs:
            if job.part == "test":
                self.tested.append(job.seed)
            yield record_of(self.still if self.tested[:1] == [job.seed] else self.target, job)


@pytest.mark.parametrize("objective", ["metric", "weighted"])
def test_a_final_training_that_collapsed_is_said_and_done_again(tmp_path, monkeypatch, objective):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 60)
    np.savez(tmp_path / "d.npz", x=rng.normal(y[:, None, None, None], 0.2, (120, 4, 4, 1)), y=y)
    monkeypatch.setattr(final, "tools_missing", lambda setup: "not wanted here")
    target = Short("mcu_cnn", str(tmp_path / "d.npz"), "stm32f405", "cmsis_nn")
    setup, said = open_target(target), []
    genes = tuple(setup.space.sample(rng, 1)[0].tolist())
    collapsing = Collapsing(target)
    evaluator = Judged(collapsing, open_objective(objective, Limits(flash_bytes=32768)))
    search = Record(genes, "mcu_cnn", target.task, 0, measured_int8={"accuracy": 0.9})
    where = tmp_path / "networks"
    with closing(Store(tmp_path / "s.sqlite")) as store:
        (network,) = finalise(setup, Limits(), [search], evaluator, store, 0, 2, where, said.append, lambda a, b: None)
        assert store.note("test_reads") == 3
    first, second, again = collapsing.tested
    assert network.collapsed_seeds == (first,)
    assert set(network.measured_int8_by_seed) == {str(again), str(second)}
    assert any(f"seed {first}: it has not learnt (accuracy " in line for line in said)
    assert network.exported_seed == again
    assert network.measured_exported_int8["accuracy"] > 0.9
    kept = json.loads((where / "1" / "manifest.json").read_text())["made"]
    assert kept["seed"] == again
    assert kept["measured_int8"] == network.measured_exported_int8
    assert network.samples == 24
    assert network.measured_exported_recall == {"0": 1.0, "1": 1.0}
    result = Result(
        (network,), objective="int8_accuracy", higher_is_better=True, baseline=setup.task.baseline().to_json()
    )
    assert "accuracy 1.0000 [0.8620 to 1.0000, 24 samples], 2 seeds 1.0000 +- 0.0000" in summary(result, tmp_path)
    assert "TOLD FROM" not in summary(result, tmp_path)
    assert "1 seeds" not in summary(replace(result, networks=(replace(network, seeds=1),)), tmp_path)
    chance = replace(network, measured_exported_interval=(0.3, 0.7), measured_exported_recall={"ok": 1.0, "bad": 0.0})
    text = summary(replace(result, networks=(chance,)), tmp_path)
    assert "CAN'T BE TOLD FROM NO NETWORK" in text
    assert "recall bad 0.00, ok 1.00" in text

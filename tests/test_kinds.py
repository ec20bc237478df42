"""Kinds of task: losses, metrics with a direction, baselines and subsets, and records that name what they measured."""

import json

import numpy as np
import pytest
import torch

from latent_nas import seeds
from latent_nas.records import Record, objective_of, ranked
from latent_nas.runs import release_0_1
from latent_nas.tasks import Recipe, open_task
from latent_nas.tasks.kinds import Metric
from latent_nas.tasks.kinds.classify import Classification
from latent_nas.tasks.kinds.text import UNSCORED, Text
from latent_nas.tasks.vocabulary import Vocabulary

RECIPE = Recipe(epochs=1)


class TestClassification:
    kind, y = Classification(), np.repeat([0, 1, 2], [60, 30, 10])

    def test_right_answers_have_a_small_loss_and_full_accuracy(self):
        right = torch.eye(3)[torch.from_numpy(self.y)] * 20
        assert (
            self.kind.loss(right, torch.from_numpy(self.y), RECIPE)
            < 1e-6
            < self.kind.loss(-right, torch.from_numpy(self.y), RECIPE)
        )
        assert self.kind.measure(right.numpy(), self.y) == {"accuracy": 1.0}
        assert self.kind.score(-right.numpy(), self.y) < 0.5

    def test_the_baseline_is_the_largest_class_of_the_training_part(self):
        baseline = self.kind.baseline(self.y, np.array([0, 1, 1, 1]))
        assert baseline.metrics == {"accuracy": 0.25}
        assert "largest class (0)" in baseline.text()

    def test_class_weights_make_all_classes_count_the_same(self):
        weights = self.kind.class_weights(self.y, 3)
        assert np.bincount(self.y) * weights == pytest.approx([100 / 3] * 3)

    def test_the_confusion_has_a_row_per_class(self):
        outputs = np.eye(3)[np.array([0, 0, 1, 2])]
        matrix = self.kind.evidence(outputs, np.array([0, 1, 1, 2]), 3)["confusion"]
        assert matrix == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]


class TestText:
    kind = Text(lambda outputs: Vocabulary.characters("abab"))

    def test_fewer_bits_are_better(self):
        y = np.array([[0, 1, UNSCORED]])
        sure = np.eye(2)[[[0, 1, 0]]] * 20.0
        assert self.kind.metric == Metric("bits_per_character", "bits", higher_is_better=False)
        assert self.kind.score(sure, y) > self.kind.score(0 * sure, y) == pytest.approx(-1.0)

    def test_the_baseline_knows_how_often_each_character_occurs(self):
        y = np.array([[0, 1, 0, UNSCORED]])
        often = self.kind.baseline(np.zeros((1, 30), int), np.zeros((1, 5), int)).metrics["bits_per_character"]
        assert often < 0.1
        assert self.kind.baseline(y, y).metrics["accuracy"] == pytest.approx(2 / 3)


def test_a_subset_of_a_kind_without_classes_is_drawn():
    rows = super(Classification, Classification()).subset(np.zeros(50), 0.2, seeds.rng(0))
    assert len(set(rows.tolist())) == 10
    assert (np.sort(rows) == rows).all()


def test_a_trained_network_beats_the_baseline_of_its_task():
    baseline = open_task("digits").baseline()
    assert 0.09 < baseline.metrics["accuracy"] < 0.12


LOSS = {"objective": "int8_rmse", "higher_is_better": False}


def losses(*values):
    return [Record((i,), "s", "t", 0, measured_int8={"rmse": v}, **LOSS) for i, v in enumerate(values)]


class TestRecords:
    def test_the_objective_has_a_name_a_value_and_a_direction(self):
        (record,) = losses(2.5)
        assert (record.measured_objective, record.score) == (2.5, -2.5)
        assert objective_of([record]) == ("int8_rmse", False)
        assert [r.genes for r in ranked(losses(2.0, 1.0, 3.0))] == [(1,), (0,), (2,)]

    def test_everything_measured_has_a_name(self):
        one = Record((0,), "s", "t", 0, measured_float={"r2": 0.9}, measured_int8={"r2": 0.8}, measured_beside={"x": 1})
        assert one.measured == {"float_r2": 0.9, "int8_r2": 0.8, "x": 1}
        assert one.measured_objective is None  # an accuracy by default
        assert Record.from_json(json.loads(json.dumps(one.to_json()))) == one


OLD = {"genes": [1], "space": "s", "task": "t", "seed": 0, "curve": [0.1], "status": "ok"}


class TestRelease01:
    @pytest.mark.parametrize(
        ("wrote", "measured", "objective"),
        [
            (
                {"measured_float_accuracy": 0.9, "measured_int8_accuracy": 0.8, "confusion": [[1]]},
                {"float_accuracy": 0.9, "int8_accuracy": 0.8},
                ("int8_accuracy", 0.8, 0.8),
            ),
            (
                {
                    "measured_int8_accuracy": 0.5,
                    "measured_float_accuracy": None,
                    "measured_objective": -2.5,
                    "measured_metrics": {"bits_per_character": 2.5, "accuracy": 0.5},
                },
                {"int8_bits_per_character": 2.5, "int8_accuracy": 0.5},
                ("int8_bits_per_character", 2.5, -2.5),
            ),
            (
                {
                    "measured_int8_accuracy": None,
                    "measured_float_accuracy": 0.9,
                    "measured_objective": 0.7,
                    "measured_metrics": {"analog_accuracy_1d": 0.7},
                },
                {"float_accuracy": 0.9, "analog_accuracy_1d": 0.7},
                ("analog_accuracy_1d", 0.7, 0.7),
            ),
            (
                {"measured_int8_accuracy": 0.8, "measured_float_accuracy": 0.9, "measured_objective": 0.61},
                {"float_accuracy": 0.9, "int8_accuracy": 0.8, "objective": 0.61},
                ("objective", 0.61, 0.61),
            ),
        ],
    )
    def test_a_record(self, wrote, measured, objective):
        record = Record.from_json({**OLD, **wrote})
        assert record.measured == measured
        assert (record.objective, record.measured_objective, record.score) == objective
        assert record.evidence == ({"confusion": [[1]]} if "confusion" in wrote else {})

    def test_a_failed_record_measured_nothing(self):
        failed = {**OLD, "status": "failed", "measured_int8_accuracy": None, "measured_float_accuracy": None}
        assert Record.from_json(failed).measured == {}

    def test_a_network_of_a_result(self):
        old = {"seeds": 3, "measured_on": "test", "measured_int8_accuracy": 0.9, "measured_int8_accuracy_std": 0.01}
        new = release_0_1.network({**old, "measured_float_accuracy": 0.95, "measured_float_accuracy_std": 0.02})
        assert (new["measured_int8"], new["measured_int8_std"]) == ({"accuracy": 0.9}, {"accuracy": 0.01})
        assert (new["measured_float"], new["seeds"], new["measured_on"]) == ({"accuracy": 0.95}, 3, "test")
        assert release_0_1.network(new) == new

    def test_findings_of_a_loss_were_negated(self):
        p = {"genes": [0], "predicted_objective": -2.0, "predicted_low": -3.0, "predicted_high": -1.0}
        old = {"best_measured_objective": -2.5, "optimism": 0.5, "predictions": [{**p, "measured_objective": -2.5}]}
        new = release_0_1.findings(old, "int8_bits_per_character", False)
        assert (new["best_measured_objective"], new["optimism"]) == (2.5, -0.5)
        told = new["predictions"][0]
        assert [told[k] for k in ("predicted_low", "predicted_objective", "predicted_high")] == [1.0, 2.0, 3.0]
        assert release_0_1.findings(old, "int8_accuracy", True)["best_measured_objective"] == -2.5

"""A task of one's own whose data are not what it states is refused in a line, before anything is trained."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from latent_nas.jobs.make import dataset
from latent_nas.jobs.search.config import new_config
from latent_nas.jobs.search.prepare import prepare
from latent_nas.jobs.train import train
from latent_nas.jobs.train_config import TrainConfig
from latent_nas.limits import Limits
from latent_nas.runs.folder import RunFolder
from latent_nas.spaces import open_space
from latent_nas.target import MAIN_TARGET
from latent_nas.tasks import Data, Part, Recipe, Task, open_task
from latent_nas.tasks.kinds.anomaly import Anomaly
from latent_nas.tasks.kinds.classify import Classification
from latent_nas.tasks.kinds.regress import Regression
from latent_nas.tasks.stated import check_stated

FILE = """
from latent_nas.tasks.digits import Digits


class Small(Digits):
    name = "small"
    input_shape = (7, 8, 1)


Plugin = Small
"""


class Some(Task):
    """A task of drawn samples."""

    name, input_shape, outputs = "some", (4, 3, 1), 2
    recipes: ClassVar = {"search": Recipe(1), "full": Recipe(1)}

    def __init__(self, kind, x, y):
        self.kind = kind
        right = Part(np.zeros((5, 4, 3, 1), np.float32), y[:5] if len(y) >= 5 else y)
        self.parts = Data(right, Part(x, y), right)

    def data(self):
        return self.parts


X, CLASSES = np.zeros((6, 4, 3, 1), np.float32), np.array([0, 1, 0, 1, 0, 1])
NUMBERS = Regression((0.0, 0.0), (1.0, 1.0), ("a", "b"))
PAIRS = np.zeros((6, 2), np.float32)


@pytest.mark.parametrize(
    ("kind", "y"),
    [(Classification(), CLASSES), (Anomaly(), CLASSES), (NUMBERS, PAIRS)],
    ids=lambda one: type(one).__name__,
)
def test_a_task_as_it_states_passes(kind, y):
    check_stated(Some(kind, X, y))


@pytest.mark.parametrize(
    ("kind", "x", "y", "line"),
    [
        (Classification(), X[:, :, :2], CLASSES, r"x of valid is \(6, 4, 2, 1\), wanted \(n, 4, 3, 1\)"),
        (Classification(), X.astype(np.float64), CLASSES, "x of valid is float64, wanted float32, or int64 of tokens"),
        (Classification(), np.full_like(X, np.nan), CLASSES, "x of valid holds NaN or infinity"),
        (Classification(), X[:0], CLASSES, "the valid part is empty"),
        (Classification(), X[:5], CLASSES, "valid has 5 inputs and 6 targets"),
        (Classification(), X, CLASSES + 1, "y of (train|valid) has class 2, and 2 outputs tell 0 to 1"),
        (Classification(), X, CLASSES - 1, "y of (train|valid) has class -1, and 2 outputs tell 0 to 1"),
        (Classification(), X, CLASSES.astype(np.int32), r"is int32 \(.,\), wanted classes \(n,\) int64"),
        (Classification(), X, np.eye(2, dtype=np.int64)[CLASSES], r"is int64 \(., 2\), wanted classes \(n,\) int64"),
        (Anomaly(), X, CLASSES * 2, r"is \(.,\) of \[0, 2\] ..., wanted \(n,\) of 0 \(normal\) and 1"),
        (Anomaly(), X, np.eye(2, dtype=np.int64)[CLASSES], r"is \(., 2\) of \[0, 1\] ..., wanted \(n,\) of 0"),
        (NUMBERS, X, PAIRS[:, 0], r"is float32 \(.,\), wanted numbers \(n, 2\) float32"),
        (NUMBERS, X, PAIRS[:, :1], r"is float32 \(., 1\), wanted numbers \(n, 2\) float32"),
        (NUMBERS, X, PAIRS.astype(np.float64), r"is float64 \(., 2\), wanted numbers \(n, 2\) float32"),
        (NUMBERS, X, np.full_like(PAIRS, np.inf), "y of (train|valid) holds NaN or infinity"),
    ],
)
def test_what_differs_is_said(kind, x, y, line):
    with pytest.raises(ValueError, match=f"task 'some': .*{line}"):
        check_stated(Some(kind, x, y))


@pytest.mark.parametrize("name", ["digits", "digits_anomaly", "diabetes"])
def test_tasks_that_ship_pass(name):
    check_stated(open_task(name))


def test_no_command_trains_on_another_input_than_costs_are_of(tmp_path):
    """Else costs would be those of 7x8 and trainings on 8x8, without a word."""
    file = tmp_path / "small.py"
    file.write_text(FILE, encoding="utf-8")
    target = replace(MAIN_TARGET, task=str(file))
    wrong = r"task 'small': x of train is \(\d+, 8, 8, 1\), wanted \(n, 7, 8, 1\) as `input_shape` has it"
    with pytest.raises(ValueError, match=wrong):
        prepare(new_config(target))
    with pytest.raises(ValueError, match=wrong):
        dataset.build(dataset.DatasetPlan(target, Limits(), networks=1, repeats=0), tmp_path / "work", 1, print, print)
    assert not (tmp_path / "work").exists()
    graph = open_space("mcu_cnn", (7, 8, 1), 10).graph((0,) * 35)
    with pytest.raises(ValueError, match=wrong):
        train(
            TrainConfig("genes.json", str(file), Recipe(1)), graph, RunFolder.create(tmp_path / "run", {}), print, print
        )

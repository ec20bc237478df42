"""Balanced sampling: every class is drawn equally often, and a killed training draws what it had drawn."""

from dataclasses import replace

import numpy as np
import pytest
from killed import gone_on

from latent_nas.spaces import open_space
from latent_nas.tasks import Part, Recipe, open_task
from latent_nas.training import check, train
from latent_nas.training.learner import Learner, evenly
from latent_nas.training.network import Network

TASK = open_task("digits")
SPACE = open_space("mcu_cnn", TASK.input_shape, TASK.outputs)
GRAPH = SPACE.graph((0, 3, 0, 0, 0, 3, 1, 1, 0, 2, 0, 5, 1, 1, 0, *[0] * 18, 0, 0))
RECIPE = Recipe(epochs=3, batch=16, balanced_sampling=True)
CLASSES = np.array([0] * 90 + [1] * 7 + [4] * 3)


def uneven():
    """Training digits of which every second class has few samples."""
    train_part = TASK.data().train
    few = np.concatenate([np.flatnonzero(train_part.y == c)[4:] for c in range(1, 10, 2)])
    rows = np.setdiff1d(np.arange(len(train_part)), few)[:200]
    return Part(train_part.x[rows], train_part.y[rows])


def test_every_class_comes_equally_often_and_each_sample_before_one_comes_again():
    rows = evenly(CLASSES, np.random.default_rng(0))
    assert len(rows) == len(CLASSES)
    counts = np.bincount(CLASSES[rows], minlength=5)
    assert counts[[2, 3]].sum() == 0
    assert set(counts[[0, 1, 4]]) <= {33, 34, 32}
    per = np.bincount(rows, minlength=100)
    for kind in (0, 1, 4):
        assert np.ptp(per[kind == CLASSES]) <= 2  # two rows are cut, so that an epoch is as long as before
    assert not np.array_equal(rows, evenly(CLASSES, np.random.default_rng(1)))


def test_a_training_learns_from_such_epochs_and_no_class_is_weighed_twice():
    learn = uneven()

    def learner(**changes):
        return Learner(Network(GRAPH), TASK, replace(RECIPE, **changes), 0, learn)

    seen = np.bincount(learn.y[learner()._drawn()], minlength=10)
    assert np.ptp(seen) <= 1
    assert np.ptp(np.bincount(learn.y[learner(balanced_sampling=False)._drawn()], minlength=10)) > 20
    assert learner(balanced=True)._weight is None
    assert learner(balanced=True, balanced_sampling=False)._weight is not None


def test_a_killed_training_goes_on_to_the_same_network(tmp_path):
    given = GRAPH, TASK, RECIPE, 0, uneven(), TASK.data().valid
    whole = train(*given)
    assert np.array_equal(gone_on(*given, keep=tmp_path / "state.safetensors").outputs, whole.outputs)
    assert not np.array_equal(
        train(GRAPH, TASK, replace(RECIPE, balanced_sampling=False), *given[3:]).outputs, whole.outputs
    )


@pytest.mark.parametrize("task", ["diabetes", "char_lm", "digits_anomaly"])
def test_kinds_without_classes_refuse_it(task):
    check(RECIPE, TASK)
    with pytest.raises(ValueError, match="balanced_sampling is for classes, not for"):
        check(RECIPE, open_task(task))

"""Distillation: the loss, an ensemble that is trained once and kept, and one that is left out."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from latent_nas import artifacts, seeds
from latent_nas.spaces import open_space
from latent_nas.tasks import Part, Recipe, open_task
from latent_nas.tasks._download import VARIABLE
from latent_nas.training import check, teacher, train
from latent_nas.training.learner import Learner
from latent_nas.training.network import Network, to_tensor

TASK = open_task("digits")
RECIPE = Recipe(epochs=5, batch=16, learning_rate=1e-2, average=0.9, to_end=True, teachers=2)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Where ensembles are kept, and small parts to learn from and to be judged on."""
    data = TASK.data()
    parts = (Part(data.train.x[:256], data.train.y[:256]), Part(data.valid.x[:100], data.valid.y[:100]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(tmp_path_factory.mktemp("data")))
        patch.setattr(teacher, "DRAWN", 12)
        yield parts


@pytest.fixture(scope="module")
def pupil():
    space = open_space("mcu_cnn", TASK.input_shape, TASK.outputs)
    genes = space.canonical(space.sample(seeds.rng(1), 40))
    return min((space.graph(tuple(map(int, row))) for row in genes), key=lambda g: g.macs)


def folders():
    return sorted((teacher.cache() / "teachers").glob("*"))


def test_a_teacher_is_made_once_and_changes_what_is_learnt(kept, pupil):
    lines = []
    first = train(pupil, TASK, RECIPE, 3, *kept, say=lines.append)
    (folder,) = folders()
    before = {f: f.stat().st_mtime_ns for f in folder.rglob("*.safetensors")}
    assert len(before) == 3  # two teachers, and the pupil alone
    again = train(pupil, TASK, RECIPE, 3, *kept, say=lines.append)
    assert {f: f.stat().st_mtime_ns for f in folder.rglob("*.safetensors")} == before
    assert np.array_equal(first.outputs, again.outputs)
    assert lines[0] == lines[1]
    assert "left out" not in lines[0]
    about = json.loads((folder / teacher.ABOUT).read_text())
    assert about["teachers"] == 2
    assert f"{about['measured_valid_score']:.4f}" in lines[0]
    assert artifacts.load(folder / "0", "float network").made == {"task": "digits", "teacher": "0"}
    alone = train(pupil, TASK, replace(RECIPE, teachers=0), 3, *kept)
    assert not np.array_equal(first.outputs, alone.outputs)
    train(pupil, TASK, RECIPE, 3, Part(kept[0].x[:64], kept[0].y[:64]), kept[1], 1, lesson=kept)
    assert len(folders()) == 1  # a final training on other samples takes the teacher that there is
    weights = folder / "0" / "weights.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1])
    with pytest.raises(ValueError, match=r"damaged: .*weights\.safetensors.*; delete .*0, it is trained anew"):
        train(pupil, TASK, RECIPE, 3, *kept)
    weights.write_bytes(whole)


def test_a_teacher_no_better_than_its_pupil_is_left_out(kept, pupil):
    lines = []
    found = teacher.graphs(TASK, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(teacher, "graphs", lambda task, n: [pupil])  # one that is the pupil, and learns one epoch
        patch.setattr(seeds, "derive", lambda *about, real=seeds.derive: 0 if "teacher" in about else real(*about))
        worse = train(pupil, TASK, replace(RECIPE, teachers=1), 3, *kept, say=lines.append)
    assert "are left out" in lines[0]
    plain = train(pupil, TASK, replace(RECIPE, teachers=0), 3, *kept)
    assert np.array_equal(worse.outputs, plain.outputs)
    assert found[0].macs > pupil.macs


def test_the_teachers_are_the_largest_that_are_not_too_large():
    graphs = teacher.graphs(TASK, 3)
    assert all(a.macs * a.parameters >= b.macs * b.parameters for a, b in pairwise(graphs))
    assert all(one.macs <= teacher.MACS for one in graphs)


def test_the_loss_is_least_where_the_answers_are_the_teachers():
    kind, soft = TASK.kind, torch.tensor([[2.0, 0.0, -1.0], [0.0, 1.0, 3.0]])
    assert kind.soft_loss(soft + 5, soft, 3.0).item() == pytest.approx(0, abs=1e-6)  # softmax knows no offset
    own = torch.zeros(2, 3)
    wanted = torch.softmax(soft / 2, 1)
    by_hand = 4 * (wanted * (wanted.log() - np.log(1 / 3))).sum(1).mean()
    assert kind.soft_loss(own, soft, 2.0).item() == pytest.approx(by_hand.item(), rel=1e-5)
    numbers = open_task("diabetes").kind
    assert numbers.soft_loss(own, own + 2, 3.0).item() == 4


def test_what_cannot_be_distilled_is_said():
    for task in ("digits_anomaly", "char_lm"):
        with pytest.raises(ValueError, match="distillation is for classes and numbers, not for"):
            check(Recipe(epochs=1, teachers=2), open_task(task))


@pytest.mark.parametrize(
    ("varied", "changes"),
    [
        (False, {}),
        (True, {"augmentation": "shift=1"}),
        (True, {"augmentation": "mixup"}),
    ],
)
def test_of_varied_samples_the_answers_are_of_what_the_pupil_sees(varied, changes, kept, pupil):
    """A teacher that knows nothing of the samples as they are gives a loss all the same."""
    with seeds.isolated(0):
        ensemble = teacher.Teacher.of([Network(pupil), Network(pupil)], kept[0].x)
        ensemble.known.fill_(torch.nan)
        recipe = replace(RECIPE, augment=False, **changes)
        learner = Learner(Network(pupil), TASK, recipe, 0, kept[0], ensemble)
        loss = learner.loss(learner.batch(np.arange(16), np.random.default_rng(0)))
    assert bool(torch.isfinite(loss)) is varied


def test_an_ensemble_says_the_mean_of_its_members(kept, pupil):
    with seeds.isolated(0):
        members = [Network(pupil), Network(pupil)]
    ensemble = teacher.Teacher.of(members, kept[0].x)
    assert np.allclose(ensemble.known, np.mean([one.outputs(kept[0].x) for one in members], axis=0), atol=1e-6)
    assert torch.allclose(ensemble.to(torch.device("cpu"))(to_tensor(kept[0].x)), ensemble.known, atol=1e-5)

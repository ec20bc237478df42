"""Distillation: the loss, an ensemble that is trained once and kept, and one that is left out."""

import json
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from latent_nas import artifacts, crews, seeds
from latent_nas.evaluators import Job
from latent_nas.evaluators.work import record_of
from latent_nas.spaces import open_space
from latent_nas.target import Setup, Target
from latent_nas.tasks import Part, Recipe, open_task
from latent_nas.tasks._download import VARIABLE
from latent_nas.training import check, teacher, train
from latent_nas.training.checkpoint import Checkpoint
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
        patch.setattr(teacher, "LEAST", 100_000)
        patch.setattr(teacher, "MOST", 200_000)
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
    assert [line.partition(" first (")[0] for line in lines[:3]] == [
        "training teacher 1 of 2",
        "training teacher 2 of 2",
        "training the network without teachers",
    ]
    assert len(lines) == 5  # the second time nothing is trained
    assert lines[3] == lines[4]
    assert "left out" not in lines[3]
    assert not list(folder.glob(f"*{teacher.STATE}"))
    about = json.loads((folder / teacher.ABOUT).read_text())
    assert about["teachers"] == 2
    assert f"{about['measured_valid_score']:.4f}" in lines[3]
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


def test_a_worker_says_that_it_trains_teachers_first(kept, monkeypatch):
    recipe = ("teachers=1", "epochs=1")
    target = Target("mcu_cnn", "digits", "stm32f405", "native", qat="never", full_recipe=recipe)
    genes = Setup(target).space.sample(seeds.rng(1), 40)
    genes = min(map(tuple, genes.tolist()), key=lambda one: Setup(target).costs(one).macs)
    lines = []
    monkeypatch.setattr(crews, "HEARERS", [lines.append])  # of a process of a crew
    assert record_of(target, Job(genes, 1, "full")).ok
    assert lines[0].startswith("training teacher 1 of 1 first (")
    assert lines[-1].startswith("1 teacher: validation accuracy")


def test_a_teacher_no_better_than_its_pupil_is_left_out(kept, pupil):
    lines = []
    found = teacher.graphs(TASK, 1, 200_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(teacher, "graphs", lambda task, n, macs: [pupil])  # one that is the pupil, and learns one epoch
        patch.setattr(seeds, "derive", lambda *about, real=seeds.derive: 0 if "teacher" in about else real(*about))
        worse = train(pupil, TASK, replace(RECIPE, teachers=1), 3, *kept, say=lines.append)
    assert "are left out" in lines[-1]
    plain = train(pupil, TASK, replace(RECIPE, teachers=0), 3, *kept)
    assert np.array_equal(worse.outputs, plain.outputs)
    assert found[0].macs > pupil.macs


def test_a_teacher_that_was_stopped_goes_on(kept, pupil):
    recipe, saved, real = replace(RECIPE, teachers=1, temperature=2.0), [], Checkpoint.save

    def save(held, *state):
        real(held, *state)
        saved.append(held.path.name)
        if len(saved) == 2:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoint, "save", save)
        with pytest.raises(KeyboardInterrupt):
            train(pupil, TASK, recipe, 3, *kept)
        assert saved == ["0.state", "0.state"]
        train(pupil, TASK, recipe, 3, *kept)
    assert saved.count("0.state") == RECIPE.epochs  # two before, then the others


@pytest.mark.parametrize(
    ("name", "task"), [("mcu_cnn", "digits"), ("mcu_cnn1d", "mnist1d"), ("mcu_cnn_sized", "digits")]
)
@pytest.mark.parametrize("macs", [150_000, 300_000, 600_000])
def test_a_space_in_stages_knows_wide_networks_that_no_stage_is_a_neck_of(name, task, macs):
    task = open_task(task)
    space = open_space(name, task.input_shape, task.outputs)
    graph = space.teacher(macs)
    narrow = space.teacher(macs // 3)
    filters = [node.shape[-1] for node in graph.nodes[1:-1]]
    assert graph.macs <= macs
    assert filters == sorted(filters)
    assert filters[-1] >= 2 * filters[0]  # so that a stage of half the side costs as much
    assert 0 < narrow.macs < graph.macs
    assert sum(type(node.operator).__name__ == "Add" for node in graph.nodes) >= 2


def test_large_images_have_the_narrowest_where_none_is_small_enough():
    space = open_space("mcu_cnn", (224, 224, 3), 10)
    graph = space.teacher(1)
    assert graph.macs == min(space.teacher(macs).macs for macs in (1, 10**6, 10**9))


def test_a_teachers_macs_are_those_that_samples_and_epochs_leave():
    known = open_space("mcu_cnn", TASK.input_shape, TASK.outputs)
    wide, asked = known.teacher(10**6), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(known), "teacher", lambda self, macs: asked.append(macs) or wide)
        patch.setattr(teacher, "LEAST", 100)
        patch.setattr(teacher, "MOST", 900)
        for macs in (1, 500, 10**9):
            assert len(teacher.graphs(TASK, 2, macs)) == 2
    assert asked == [100, 500, 900]


def test_where_a_space_knows_none_they_are_the_largest_drawn_ones_that_are_not_too_large():
    task = SimpleNamespace(space="dna_cnn", input_shape=TASK.input_shape, outputs=TASK.outputs)
    graphs = teacher.graphs(task, 3, 2_000_000)
    assert len({json.dumps(one.to_json()) for one in graphs}) == 3
    assert all(a.macs * a.parameters >= b.macs * b.parameters for a, b in pairwise(graphs))
    assert all(one.macs <= 2_000_000 for one in graphs)


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

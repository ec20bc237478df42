"""Augmentation by name: what each way does to inputs, what it leaves alone, and what is said of a wrong one."""

import json
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
import torch

from latent_nas import seeds
from latent_nas.cli import main
from latent_nas.front_end import FrontEnd
from latent_nas.preprocessing import SOUND, Preprocessing
from latent_nas.spaces import open_space
from latent_nas.spectral import SpectralFrontEnd
from latent_nas.tasks import Data, Part, Recipe, Task, open_task
from latent_nas.training import aware, check, prune, train
from latent_nas.training.augment import Augmentation, warp, ways, what
from latent_nas.training.augment.mix import mixed
from latent_nas.training.learner import Learner
from latent_nas.training.network import Network
from latent_nas.training.teacher import Teacher

SHIFT, GAIN = (1.0, -2.0, 0.5), (0.5, 0.25, 2.0)
TASKS = {"images": (9, 12, 2), "recordings": (20, 8, 1), "series": (15, 1, 3), "rows of a table": (1, 6, 1)}
TASKS |= {"spectral features": (3, 6, 1)}


class Made(Task):
    """Inputs of any shape; recordings have a front end, series three axes in units of their own."""

    name = "made"
    outputs = 2
    recipes: ClassVar[dict[str, Recipe]] = {"search": Recipe(epochs=1)}

    def __init__(self, kind):
        self.input_shape = TASKS[kind]
        if kind == "recordings":
            self.front_end = FrontEnd(8000, 3296, 256, 160, 8)
        elif kind == "spectral features":
            self.front_end = SpectralFrontEnd(32, 1, 16, 8, 16, (1, 4, 9), (0.0,), (1.0,))

    def data(self):
        x = seeds.rng(0, "made").normal(size=(60, *self.input_shape)).astype(np.float32)
        y = (np.arange(60) % 2).astype(np.int64)
        return Data(*(Part(x[i : i + 20], y[i : i + 20]) for i in (0, 20, 40)))

    def preprocessing(self):
        if isinstance(self.front_end, FrontEnd):
            return Preprocessing(self.input_shape, SOUND, shift=(0.0,) * 8, gain=(0.5,) * 8, front_end=self.front_end)
        return Preprocessing(self.input_shape, **({"shift": SHIFT, "gain": GAIN} if self.input_shape[2] == 3 else {}))


def varied(kind, text, x=None, seed=1):
    """The inputs of a task, and what an augmentation makes of them."""
    task = Made(kind)
    x = task.data().train.x if x is None else x
    made = Augmentation.of(Recipe(epochs=1, augmentation=text), task)
    assert made is not None
    return x, made(x, seeds.rng(seed))


@pytest.mark.parametrize("kind", sorted(TASKS))
def test_every_way_keeps_shape_type_and_input_and_follows_its_seed(kind):
    for name, way in ways(Made(kind)).items():
        if not (way.vary or way.warp):
            continue
        before = Made(kind).data().train.x
        x, made = varied(kind, name)
        assert (made.shape, made.dtype) == (x.shape, np.float32), name
        assert not np.array_equal(made, x), name
        assert np.array_equal(x, before), name
        assert np.array_equal(made, varied(kind, name)[1]), name
        assert not np.array_equal(made, varied(kind, name, seed=2)[1]), name


def test_images():
    x, made = varied("images", "flip=1")
    assert np.array_equal(made, x[:, :, ::-1])
    one = np.zeros((500, 9, 12, 1), np.float32)
    one[:, 4, 6] = 1
    moved = np.argwhere(varied("images", "shift=2", one)[1])
    assert {tuple(place) for place in moved[:, 1:3] - (4, 6)} == {(a, b) for a in range(-2, 3) for b in range(-2, 3)}
    ones = np.ones((500, 9, 12, 2), np.float32)
    gone = (varied("images", "cutout=4", ones)[1] == 0).sum(axis=(1, 2, 3))
    assert gone.max() == 2 * 4 * 4
    assert gone.min() < 2 * 4 * 4  # the square hangs over the rim
    smooth = np.broadcast_to(np.linspace(0, 1, 12, dtype=np.float32)[:, None], (50, 9, 12, 1)).copy()
    inner = np.s_[:, 2:-2, 2:-2]
    assert np.abs(varied("images", "affine=1e-3", smooth)[1] - smooth)[inner].max() < 1e-3
    assert 0.05 < np.abs(varied("images", "affine=20", smooth)[1] - smooth)[inner].max() < 0.6
    ramp = np.broadcast_to(np.arange(40, dtype=np.float32)[:, None], (400, 40, 40, 1)).copy()
    moves = varied("images", "elastic=1.5", ramp)[1][:, 3:-3, 3:-3] - ramp[:, 3:-3, 3:-3]
    assert 0.8 < moves.std() < 1.5  # pixels, all that the knots' 1.5 leave in between
    assert np.abs(moves.mean()) < 0.05
    assert np.corrcoef(moves[:, 10, 10, 0], moves[:, 10, 11, 0])[0, 1] > 0.95  # neighbours move together
    assert np.abs(np.corrcoef(moves[:, 3, 3, 0], moves[:, 30, 30, 0])[0, 1]) < 0.2  # and far ones do not
    mean = (1, 2, 3)
    assert varied("images", "contrast=0.5")[1].mean(axis=mean) == pytest.approx(x.mean(axis=mean), abs=1e-6)


def test_images_are_turned_and_bent_in_one_interpolation_that_keeps_them_sharp():
    stripes = np.zeros((200, 28, 28, 1), np.float32)
    stripes[:, :, ::4] = 1  # one pixel of four
    energy = (stripes**2).sum()
    for text in ("affine=5", "elastic=0.7", "affine=5,elastic=0.7"):
        made = varied("images", text, stripes)[1]
        assert made.min() >= 0, text  # cubics overshoot, images do not
        assert made.max() <= 1, text
        assert (made**2).sum() > 0.7 * energy, text  # 0.64 by lines, 0.46 where one follows the other
    both = varied("images", "affine=5,elastic=0.7", stripes)[1]
    assert not np.array_equal(both, varied("images", "affine=5", stripes)[1])
    rimmed = varied("images", "affine=20,noise=0.1", np.ones((100, 9, 12, 2), np.float32))[1]
    assert (rimmed != 0).mean() > 0.99  # noise is upon what the move brought in from outside as well


def test_turns_keep_lengths_in_images_that_are_no_squares():
    places = torch.tensor([[0.0, 20.0], [0.0, -20.0], [6.0, 0.0], [-6.0, 0.0]])
    many = places.expand(500, 1, 4, 2)
    moved = warp.affine(many, 10.0, seeds.rng(0))
    share = moved.norm(dim=-1) / many.norm(dim=-1)
    assert 0.85 < share.min() < share.max() < 1.15  # sizes and shear are within a tenth


def test_recordings():
    x, made = varied("recordings", "gain=10")
    louder = made - x
    assert louder.min(axis=(1, 2, 3)) == pytest.approx(louder.max(axis=(1, 2, 3)), abs=1e-5)  # all bands the same
    assert 0.2 < np.abs(louder).max() <= 0.5  # 10 dB are a unit of the logarithm, times the inputs' gain
    x, made = varied("recordings", "specaugment=0.3")
    zero = made == 0
    assert zero.all(axis=(2, 3)).sum(axis=1).max() == 6
    assert zero.all(axis=(1, 3)).sum(axis=1).max() == 2
    assert np.array_equal(made[~zero], x[~zero])
    x, made = varied("recordings", "timeshift=3")
    starts = [next(k for k in range(-3, 4) if np.array_equal(m[3:-3], one[3 + k : len(one) - 3 + k]))
              for m, one in zip(made, x, strict=True)]  # fmt: skip
    assert {-3, 3} <= set(starts)


def test_sensors_are_turned_and_scaled_as_raw_data():
    def raw(x):
        return x / np.array(GAIN) + np.array(SHIFT)

    x, made = varied("series", "rotation=90")
    assert np.linalg.norm(raw(made), axis=3) == pytest.approx(np.linalg.norm(raw(x), axis=3), rel=1e-4)
    dots = [np.einsum("nsoc,nsoc->ns", raw(a[:, :1]), raw(a)) for a in (x, made)]
    assert dots[1] == pytest.approx(dots[0], rel=1e-3, abs=1e-4)  # one turn for all steps of a sample
    x, made = varied("series", "scaling=0.5")
    factors = raw(made) / raw(x)
    assert factors.std(axis=(1, 2)).max() < 1e-3
    assert factors[:, 0, 0].std() == pytest.approx(0.5, rel=0.4)


def test_mixtures_are_of_two_samples_and_their_shares():
    x = torch.arange(20.0).reshape(20, 1, 1, 1).expand(20, 2, 8, 6).contiguous()
    out, other, share = mixed(x, (("mixup", 1.0),), seeds.rng(0))
    assert torch.allclose(out, share * x + (1 - share) * x[other])
    out, other, share = mixed(x, (("cutmix", 1.0),), seeds.rng(3))
    own = out == x
    assert (own | (out == x[other])).all()
    assert own[other != torch.arange(20)].float().mean() == pytest.approx(share, abs=1e-6)
    assert 0 < share < 1


@pytest.mark.parametrize(
    ("task", "text", "told"),
    [
        (Made("recordings"), "flip", r"'flip' is not for recordings.*there are: timeshift=4, gain=6, specaugment=0.2"),
        (Made("spectral features"), "gain", "'gain' is not for spectral features; there are: timeshift=4, spec"),
        (Made("images"), "cutuot", r"'cutuot' is not for images; there are: shift=2.*did you mean 'cutout'"),
        (Made("images"), "shift=x", r"shift=x; wanted a number above 0 and at most 64 \(pixels\)"),
        (Made("images"), "cutout,", r"'' is not for images"),
        (open_task("digits"), "shift,flip", r"'flip' makes other signs of those of task 'digits'"),
        (open_task("digits_anomaly"), "mixup", "which anomaly has none of"),
        (open_task("char_lm"), "noise", "is not for text, which none is for"),
    ],
)
def test_a_wrong_one_is_one_line(task, text, told):
    with pytest.raises(ValueError, match=told) as error:
        check(Recipe(epochs=1, augmentation=text), task)
    assert "\n" not in str(error.value)


def test_two_axes_cannot_be_turned():
    task = Made("series")
    task.input_shape = (15, 1, 2)
    with pytest.raises(ValueError, match="three axes; the data have 2 channels"):
        check(Recipe(epochs=1, augmentation="rotation"), task)
    assert what(task) == "series"


@pytest.mark.parametrize(
    ("text", "unaugmented"),  # what moves places alone is followed as well
    [("shift=1,mixup=0.4", 0), ("affine=10", 0), ("affine=10,mixup", 1)],
)
def test_a_training_follows_it_and_goes_on_to_the_same_end(tmp_path, text, unaugmented):
    task, space = open_task("digits"), open_space("mcu_cnn", (8, 8, 1), 10)
    graph, data = space.graph(space.canonical(space.sample(seeds.rng(3), 1))[0]), task.data()
    recipe = Recipe(epochs=2 + unaugmented, batch=64, learning_rate=1e-2, to_end=True, augmentation=text)
    others = [replace(recipe, augmentation=""), *[recipe] * unaugmented]
    recipe = replace(recipe, unaugmented_epochs=unaugmented)
    few = Part(data.train.x[:256], data.train.y[:256])
    whole = train(graph, task, recipe, 0, few, data.valid)
    for pause in range(1, recipe.epochs):
        train(graph, task, recipe, 0, few, data.valid, keep=tmp_path / "state", pause=pause)
    again = train(graph, task, recipe, 0, few, data.valid, keep=tmp_path / "state")
    assert np.array_equal(again.outputs, whole.outputs)
    for other in others:
        assert not np.array_equal(train(graph, task, other, 0, few, data.valid).outputs, whole.outputs)


class Moved(Made):
    """Images that the task varies in its own way."""

    def augmented(self, x, rng):
        return x + rng.normal(size=x.shape).astype(np.float32)


@pytest.mark.parametrize(
    "changes",
    [
        {"augmentation": "shift=1"},
        {"augmentation": "mixup"},
        {"augment": True},
        {"augmentation": "noise", "teachers": 1},
    ],
)
def test_the_last_epochs_see_inputs_as_they_are_and_what_a_teacher_knows_of_them(changes):
    task, space = Moved("images"), open_space("mcu_cnn", TASKS["images"], 2)
    graph, learn = space.graph(space.sample(seeds.rng(3), 1)[0]), task.data().train
    recipe = Recipe(epochs=4, batch=8, unaugmented_epochs=2, **changes)
    with seeds.isolated(0):
        teacher = Teacher.of([Network(graph)], learn.x) if recipe.teachers else None
        learner = Learner(Network(graph), task, recipe, 0, learn, teacher)
    batches = []
    step = learner._step
    learner._step = lambda batch: batches[-1].append(batch) or step(batch)
    for epoch in range(4):
        batches.append([])
        if teacher and epoch == 2:
            learner._teacher = replace(learner._teacher, members=())  # who could not answer to anything else
        learner.epoch(epoch, [])
    assert [[b.inputs is None and b.others is None for b in of] for of in batches] == [[False] * 3] * 2 + [
        [True] * 3
    ] * 2


def test_an_end_without_augmentation_keeps_its_share_in_shorter_trainings():
    recipe = Recipe(epochs=60, augmentation="shift=1", unaugmented_epochs=6)
    assert recipe.lasting(20) == replace(recipe, epochs=20, unaugmented_epochs=2)
    assert recipe.glance(0.5).unaugmented_epochs == 0
    pruned = prune.recipe_of(recipe, judged=True, last=True)
    assert (pruned.epochs, pruned.unaugmented_epochs) == (30, 3)
    tuned = aware.recipe_of(recipe)
    assert (tuned.epochs, tuned.unaugmented_epochs) == (12, 1)
    assert Recipe(epochs=3, augmentation="shift=1", unaugmented_epochs=3).lasting(1).unaugmented_epochs == 1


def test_the_command_takes_it_and_refuses_what_is_wrong(tmp_path, capsys):
    x, y = seeds.rng(0).normal(size=(90, 10, 10, 1)).astype(np.float32), np.arange(90) % 2
    np.savez(tmp_path / "own.npz", x=x, y=y)
    space = open_space("mcu_cnn", (10, 10, 1), 2)
    genes = space.canonical(space.sample(seeds.rng(3), 1))[0].tolist()
    (tmp_path / "g.json").write_text(json.dumps({"space": "mcu_cnn", "genes": genes}))
    line = ["train", str(tmp_path / "g.json"), "--task", str(tmp_path / "own.npz"), "--epochs", "1"]
    with pytest.raises(SystemExit, match=r"^2$"):
        main([*line, "--out", str(tmp_path / "a"), "--augmentation", "timeshift"])
    assert "'timeshift' is not for images" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()
    with pytest.raises(SystemExit, match=r"^0$"):
        main([*line, "--out", str(tmp_path / "a"), "--augmentation", "shift=1,flip", "--unaugmented-epochs", "1"])
    recipe = json.loads((tmp_path / "a" / "config.json").read_text())["training"]["recipe"]
    assert (recipe["augmentation"], recipe["unaugmented_epochs"]) == ("shift=1,flip", 1)

"""A whitened first layer: its filters see uncorrelated values of one size, whatever window, padding and data."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from latent_nas.cli import main
from latent_nas.graph import Builder
from latent_nas.operators.batch_norm import BatchNorm
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.flatten import Flatten
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.tasks import Part, Recipe, open_task
from latent_nas.training import check, train
from latent_nas.training.fit import fit
from latent_nas.training.network import Network, to_tensor
from latent_nas.training.stage import Stage
from latent_nas.training.whiten import whiten

TASK = open_task("digits")
RNG = np.random.default_rng(0)
MIXED = RNG.normal(size=(3, 3)).astype(np.float32)
IMAGES = (RNG.normal(size=(200, 6, 7, 3)).astype(np.float32) @ MIXED) * 3 + 1  # of channels that depend on each other
QUICK = Recipe(epochs=1, whiten=True)


def begun(convolution, shape=(6, 7, 3)):
    build = Builder(shape)
    build.add(Dense(10), build.add(GlobalPool(), build.add(BatchNorm(), build.add(convolution, 0))))
    torch.manual_seed(0)
    return Network(build.build())


@pytest.mark.parametrize(
    "convolution",
    [
        Conv2d(60, (3, 3)),
        Conv2d(16, (1, 1)),
        Conv2d(20, (3, 3), (2, 2)),
        Conv2d(12, (6, 1), padding="valid"),
        Conv2d(9, (2, 2), padding=(1, 0, 1, 0)),
    ],
)
def test_filters_see_uncorrelated_values_of_variance_1_and_both_signs(convolution):
    model = begun(convolution)
    drawn = model.operators[1].state_dict()
    drawn = next(v.clone() for k, v in drawn.items() if k.endswith("weight"))
    whiten(model, IMAGES)
    seen = model.operators[1](to_tensor(IMAGES[::1])).detach().transpose(0, 1).flatten(1).double()
    many = 2 * int(np.prod(convolution.kernel_size)) * 3
    pairs = min(many, convolution.filters) // 2
    own = torch.cov(seen[0 : 2 * pairs : 2])
    assert torch.allclose(own, torch.eye(pairs, dtype=torch.float64), atol=0.05)
    centred = seen - seen.mean(dim=1, keepdim=True)
    assert torch.allclose(centred[0 : 2 * pairs : 2], -centred[1 : 2 * pairs : 2], atol=1e-4)
    weight = next(v for k, v in model.operators[1].state_dict().items() if k.endswith("weight"))
    assert torch.equal(weight[many:], drawn[many:])


def test_many_large_images_take_little_memory():
    build = Builder((96, 96, 3))
    build.add(Dense(2), build.add(GlobalPool(), build.add(Conv2d(8, (5, 5)), 0)))
    model = Network(build.build())
    x = np.random.default_rng(0).normal(size=(64, 96, 96, 3)).astype(np.float32)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as seen:
        whiten(model, x)
    largest = max(event.cpu_memory_usage for event in seen.events())
    assert 0 < largest < 2 * 8 * 96 * 96 * 75 * 8  # bytes of the windows of 8 images, of 64 they are 8 times that
    rows = torch.nn.functional.unfold(to_tensor(x[:8]), 5, padding=2).transpose(0, 1).flatten(1).double()
    whitened = (
        model.operators[1].weight.detach().flatten(1).double()[::2]
        @ torch.cov(rows)
        @ (model.operators[1].weight.detach().flatten(1).double()[::2].T)
    )
    assert torch.allclose(whitened, torch.eye(4, dtype=torch.float64), atol=0.05)


def test_the_first_components_come_first():
    model = begun(Conv2d(4, (3, 3)))
    whiten(model, IMAGES)
    sizes = model.operators[1].weight.detach().flatten(1).norm(dim=1)[::2]
    assert all(a < b for a, b in pairwise(sizes.tolist()))  # divided by the larger spread


def test_values_that_never_change_stay_finite():
    model = begun(Conv2d(40, (3, 3)))
    whiten(model, np.zeros((20, 6, 7, 3), np.float32))
    assert torch.isfinite(model.operators[1].weight).all()


def test_it_is_where_a_training_begins_and_learns_on_with_branches():
    data = TASK.data()
    learn = Part(data.train.x[:128], data.train.y[:128])
    graph = begun(Conv2d(18), TASK.input_shape).graph
    begin = replace(QUICK, learning_rate=0.0, weight_decay=0.0)
    stage = Stage(TASK, begin, 0, learn, data.valid)
    wanted = Network(graph)
    whiten(wanted, learn.x)
    for recipe in (begin, replace(begin, branches=0, average=0.9)):
        model, _, _ = fit(graph, replace(stage, recipe=recipe))
        assert torch.allclose(model.operators[1].weight, wanted.operators[1].weight, atol=1e-5)
    learnt = train(graph, TASK, replace(QUICK, branches=2), 0, learn, data.valid).model
    assert not torch.allclose(learnt.operators[1].weight, wanted.operators[1].weight, atol=1e-3)
    plain = fit(graph, replace(stage, recipe=replace(begin, whiten=False)))[0]
    assert torch.equal(plain.operators[4].weight, fit(graph, stage)[0].operators[4].weight)


def test_what_can_not_be_whitened_is_refused(tmp_path, capsys):
    build = Builder(TASK.input_shape)
    build.add(Dense(10), build.add(Flatten(), 0))
    with pytest.raises(ValueError, match="this network has no convolution"):
        check(QUICK, TASK, build.build())
    grouped = begun(Conv2d(4, groups=2), (6, 7, 4)).graph
    with pytest.raises(ValueError, match="begins with a convolution in groups"):
        check(QUICK, TASK, grouped)
    with pytest.raises(ValueError, match="whiten is for convolutions"):
        check(QUICK, open_task("char_lm"))
    with pytest.raises(SystemExit, match="2"):
        main(["train", "nascnn15", "--task", "char_lm", "--whiten", "--out", str(tmp_path / "run")])
    assert not (tmp_path / "run").exists()

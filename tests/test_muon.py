"""Muon: which weights it turns, what it makes of their steps, and that networks learn sooner by it."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from latent_nas import seeds
from latent_nas.analog.aware import NoisyWeight
from latent_nas.operators._float import Transposed
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.spaces import open_space
from latent_nas.target import Target, open_target
from latent_nas.tasks import Recipe
from latent_nas.training import train
from latent_nas.training.muon import RMS, Muon, matrices, orthogonal
from latent_nas.training.network import Network
from latent_nas.training.optimisers import optimiser


@pytest.mark.parametrize("shape", [(16, 16), (8, 72), (72, 8), (1, 9), (9, 1)])
def test_singular_values_are_near_one_and_vectors_stay(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    inside = left.T @ orthogonal(matrix) @ right.T
    values = inside.diagonal()
    assert 0.6 < values.min() <= values.max() < 1.3
    torch.testing.assert_close(inside, torch.diag(values), atol=1e-4, rtol=0)


def test_no_gradient_makes_no_step():
    assert not orthogonal(torch.zeros(4, 9)).any()


def test_size_of_a_gradient_does_not_matter():
    matrix = torch.randn((8, 24), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(orthogonal(1e-3 * matrix), orthogonal(matrix), atol=1e-3, rtol=0)


@pytest.mark.parametrize(("space", "shape"), [("mcu_cnn", (28, 28, 1)), ("mcu_cnn1d", (40, 1, 3))])
def test_turned_are_dense_layers_and_convolutions_of_all_channels(space, shape):
    space = open_space(space, shape, 10)
    for genes in space.sample(seeds.rng(0, "muon"), 8):
        network = Network(space.graph(tuple(map(int, genes))))
        wanted = sum(
            isinstance(node.operator, Dense) or (isinstance(node.operator, Conv2d) and node.operator.groups == 1)
            for node in network.graph.nodes
        )
        made = optimiser(network, Recipe(1, optimiser="muon", weight_decay=0.3))
        assert {g["weight_decay"] for g in made.param_groups if any(p.ndim > 1 for p in g["params"])} == {0.3}
        turned = [p for group in made.param_groups if group["orthogonal"] for p in group["params"]]
        assert len(turned) == wanted > 0
        everything = [p for group in made.param_groups for p in group["params"]]
        assert {id(p) for p in everything} == {id(p) for p in network.parameters()}
        assert len(everything) == len(set(map(id, everything)))


def test_embeddings_and_depthwise_filters_are_no_matrices():
    larger = Transposed(4, 6, (2, 2), (2, 2), (0, 0, 0, 0), bias=True)
    model = nn.Sequential(nn.Embedding(20, 8), nn.Linear(8, 4), nn.Conv2d(4, 4, 3, groups=4), larger)
    assert matrices(model) == [model[1].weight, larger.weight]


def test_a_noisy_weight_is_turned_by_what_it_is_made_of():
    layer = nn.Conv2d(4, 6, 3)
    learnt = layer.weight
    parametrize.register_parametrization(layer, "weight", NoisyWeight())
    assert matrices(layer) == [learnt]


def test_a_convolution_is_turned_as_the_matrix_of_its_filters():
    drawn = torch.randn((6, 4, 3, 3), generator=torch.Generator().manual_seed(0))
    moved = []
    for layout in (torch.contiguous_format, torch.channels_last):
        weight = nn.Parameter(torch.zeros(6, 4, 3, 3).to(memory_format=layout))
        weight.grad = drawn.to(memory_format=layout)
        Muon([{"params": [weight], "orthogonal": True}], lr=0.5).step()
        moved.append(weight.detach())
    torch.testing.assert_close(moved[0], moved[1], atol=1e-5, rtol=0)
    values = torch.linalg.svdvals(moved[0].reshape(6, 36) / (0.5 * RMS * 6))
    assert 0.6 < values.min() <= values.max() < 1.3


def test_all_else_learns_by_adamw_to_the_bit():
    both = []
    for make in (
        lambda p: torch.optim.AdamW([p], lr=0.01, weight_decay=0.1, fused=True),
        lambda p: Muon([{"params": [p], "weight_decay": 0.1}], lr=0.01),
    ):
        parameter = nn.Parameter(torch.linspace(-1, 1, 8))
        steps = make(parameter)
        for i in range(5):
            parameter.grad = torch.sin(parameter.detach() * (i + 1))
            steps.step()
        both.append(parameter.detach())
    assert torch.equal(*both)


def test_a_rate_in_a_tensor_is_that_of_a_number():
    """A CUDA graph reads it where it lies."""
    both = []
    for rate in (0.1, torch.tensor(0.1)):
        parameters = [nn.Parameter(torch.ones(3, 4)), nn.Parameter(torch.ones(5))]
        for p in parameters:
            p.grad = torch.arange(p.numel(), dtype=torch.float32).reshape(p.shape)
        groups = [{"params": [p], "weight_decay": 0.5, "orthogonal": p.ndim > 1} for p in parameters]
        Muon(groups, rate, capturable=True).step()
        both.append(torch.cat([p.detach().flatten() for p in parameters]))
    torch.testing.assert_close(*both)


def test_weights_decay_by_the_rate():
    weight = nn.Parameter(torch.ones(3, 4))
    weight.grad = torch.zeros(3, 4)
    Muon([{"params": [weight], "weight_decay": 0.5, "orthogonal": True}], lr=0.1).step()
    torch.testing.assert_close(weight.detach(), torch.full((3, 4), 0.95))


def test_a_parameter_without_a_gradient_stays():
    used, unused = nn.Parameter(torch.ones(3, 4)), nn.Parameter(torch.ones(3, 4))
    used.grad = torch.eye(3, 4)
    Muon([{"params": [used, unused], "weight_decay": 0.5, "orthogonal": True}], lr=0.1).step()
    assert torch.equal(unused.detach(), torch.ones(3, 4))
    assert not torch.equal(used.detach(), torch.ones(3, 4))


def test_few_steps_go_further_than_by_adamw():
    """Four networks of digits, two epochs of the search's recipe."""
    setup = open_target(Target("mcu_cnn", "digits", "stm32f405", "native"))
    task, data = setup.task, setup.task.data()
    plain = replace(task.recipe("search"), epochs=2, warmup=0.3)
    drawn = setup.space.sample(seeds.rng(0, "few steps"), 200)
    gains = []
    for genes in drawn[setup.fits(drawn, task.limits)][:4]:
        graph = setup.built(tuple(map(int, genes))).graph
        scores = [
            train(graph, task, replace(plain, optimiser=name, learning_rate=rate), 0, data.train, data.valid)
            for name, rate in (("adamw", 6e-3), ("muon", 0.04))
        ]
        before, after = (made.float_metrics["accuracy"] for made in scores)
        gains.append(after - before)
    assert sum(gains) / len(gains) > 0.03

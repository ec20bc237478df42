"""Operators against rules worked out by hand; what all keep is in latent_nas/contracts/operators.py."""

import numpy as np
import pytest

from latent_nas import seeds
from latent_nas.fixed_point import Quant, multiplier, requantise
from latent_nas.graph import Builder
from latent_nas.graph.deploy import deploy
from latent_nas.operators.add import Add
from latent_nas.operators.attention import Attention
from latent_nas.operators.batch_norm import BatchNorm
from latent_nas.operators.concat import Concat
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.dropout import Dropout
from latent_nas.operators.embedding import Embedding
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.identity import Identity
from latent_nas.operators.input import Input
from latent_nas.operators.layer_norm import LayerNorm
from latent_nas.operators.relu import Relu
from latent_nas.operators.relu6 import Relu6


@pytest.mark.parametrize("kernel", [(3, 3), (2, 5)])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_convolution_equals_plain_loops_over_integers(kernel, groups):
    rng = seeds.rng(1, "conv", *kernel, groups)
    conv = Conv2d(4, kernel, (2, 1), groups=groups)
    x = rng.integers(-128, 128, (2, 5, 6, 4)).astype(np.int8)
    shapes = conv.weight_shapes((5, 6, 4))
    weights = {k: rng.normal(size=s) for k, s in shapes.items()}
    c = conv.constants(weights, [Quant(0.02, 5)], Quant(0.1, -7))
    top, left = (2 * 2 + kernel[0] - 5) // 2, (5 + kernel[1] - 6) // 2
    expected = np.zeros((2, 3, 6, 4), np.int64)
    for n, i, j, f in np.ndindex(expected.shape):
        total = int(c["bias"][f])
        for a, b, ch in np.ndindex(kernel[0], kernel[1], 4 // groups):
            row, column = 2 * i + a - top, j + b - left
            if 0 <= row < 5 and 0 <= column < 6:
                channel = f // (4 // groups) * (4 // groups) + ch
                total += (int(x[n, row, column, channel]) - 5) * int(c["weight"][f, a, b, ch])
        real = int(np.floor(total * int(c["multiplier"][f]) / 2.0 ** int(c["shift"][f]) + 0.5))
        expected[n, i, j, f] = min(127, max(-128, real - 7))
    assert (conv.int8(c, x) == expected).all()


def test_requantisation_rounds_once_and_half_up():
    m, shift = multiplier(0.5)
    values = np.array([[-3, -2, -1, 0, 1, 2, 3]]).T
    got = requantise(values, np.array([m]), np.array([shift]), 0, -128, 127)
    assert got.ravel().tolist() == [-1, -1, 0, 0, 1, 1, 2]


@pytest.mark.parametrize("real", [1e-9, 1e-4, 0.3, 0.999999999999, 1.0, 5.7, 1000.0])
def test_multiplier_is_the_nearest_31_bit_fraction(real):
    m, shift = multiplier(real)
    assert m / 2**shift == pytest.approx(real, rel=1e-9)
    assert m < 2**31


def test_zero_is_exact_in_every_quantisation():
    for low, high in [(-1.0, 2.0), (0.5, 3.0), (-4.0, -1.0), (0.0, 0.0)]:
        quant = Quant.of_range(low, high)
        assert quant.dequantise(quant.quantise(np.zeros(1)))[0] == 0


@pytest.mark.parametrize(
    ("operator", "shapes", "words"),
    [
        (Conv2d(4, groups=3), [(8, 8, 4)], "groups"),
        (Conv2d(4, (9, 9), padding="valid"), [(8, 8, 4)], "does not fit"),
        (Conv2d(4, padding="most"), [(8, 8, 4)], "padding"),
        (Dense(3), [(2, 2, 1)], "flatten"),
        (Dense(3, weight_bits=5), [(2,)], "4 or 8 bits"),
        (Embedding(9, 6), [(2, 2)], "tokens"),
        (LayerNorm(), [(2, 2, 1)], "features"),
        (Attention(2, 3, 4), [(5, 7)] * 3, "wants 6 features, got 7"),
        (Attention(2, 3, 4), [(5, 6), (5, 6), (4, 6)], "one shape"),
        (Attention(2, 3, 0), [(5, 6)] * 3, "window of 0"),
        (Input((3, 3), 9), [], "vocabulary"),
        (Add(), [(2, 2, 1), (2, 2, 2)], "one shape"),
        (Add(), [(2, 2, 1)], "2 inputs"),
        (Concat(), [(2, 2, 1), (3, 2, 1)], "channels only"),
        (GlobalPool("sum"), [(2, 2, 1)], "avg"),
        (Dropout(1.5), [(2,)], "rate"),
        (BatchNorm(), [(2,)], "flatten comes after"),
    ],
)
def test_wrong_shapes_say_what_is_wanted(operator, shapes, words):
    with pytest.raises(ValueError, match=words):
        operator.shape(*shapes)


def test_deployment_folds_norm_and_activation_and_drops_the_rest():
    build = Builder((8, 8, 1))
    x = build.add(Conv2d(4, bias=False), 0)
    x = build.add(Relu(), build.add(BatchNorm(), x))
    y = build.add(BatchNorm(), build.add(Conv2d(4, bias=False), build.add(Identity(), x)))
    x = build.add(Relu6(), build.add(Add(), x, y))
    build.add(Dense(2), build.add(Dropout(), build.add(GlobalPool(), x)))
    deployment = deploy(build.build())
    kinds = [n.operator.kind for n in deployment.graph.nodes]
    assert kinds == ["input", "conv2d", "conv2d", "add", "global_pool", "dense"]
    activations = [getattr(n.operator, "activation", None) for n in deployment.graph.nodes]
    assert activations == [None, "relu", None, "relu6", None, None]
    assert deploy(deployment.graph).graph == deployment.graph

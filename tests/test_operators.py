"""Every operator: shape, work, float module against integer reference."""

import numpy as np
import pytest
import torch

from latent_nas import plugins, seeds
from latent_nas.fixed_point import Quant, multiplier, requantise
from latent_nas.graph import Builder
from latent_nas.graph.deploy import deploy
from latent_nas.operators import from_json
from latent_nas.operators.add import Add
from latent_nas.operators.attention import Attention
from latent_nas.operators.avg_pool import AvgPool
from latent_nas.operators.batch_norm import BatchNorm
from latent_nas.operators.concat import Concat
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.dropout import Dropout
from latent_nas.operators.embedding import Embedding
from latent_nas.operators.flatten import Flatten
from latent_nas.operators.gelu import Gelu
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.hard_swish import HardSwish
from latent_nas.operators.identity import Identity
from latent_nas.operators.input import Input
from latent_nas.operators.layer_norm import LayerNorm
from latent_nas.operators.max_pool import MaxPool
from latent_nas.operators.relu import Relu
from latent_nas.operators.relu6 import Relu6
from latent_nas.operators.zero import Zero
from latent_nas.training.network import Network
from latent_nas.training.quantise import quantise

IMAGE = (7, 6, 4)
EXAMPLES = {
    "conv2d": [
        Conv2d(6),
        Conv2d(5, (3, 5), (2, 1), "valid"),
        Conv2d(4, (5, 5), (2, 2), groups=4),
        Conv2d(8, (1, 1), groups=2, bias=False),
        Conv2d(3, (2, 2), (2, 2), (1, 0, 1, 0)),
    ],
    "batch_norm": [BatchNorm()],
    "relu": [Relu()],
    "relu6": [Relu6()],
    "hard_swish": [HardSwish()],
    "max_pool": [MaxPool(), MaxPool((3, 3), (2, 2), "same")],
    "avg_pool": [AvgPool(), AvgPool((3, 3), (1, 1), "same")],
    "global_pool": [GlobalPool("avg"), GlobalPool("max")],
    "add": [Add()],
    "concat": [Concat()],
    "flatten": [Flatten()],
    "dropout": [Dropout(0.5)],
    "identity": [Identity()],
    "zero": [Zero()],
    "dense": [Dense(5), Dense(5, weight_bits=4)],
    "gelu": [Gelu()],
    "layer_norm": [LayerNorm()],
    "embedding": [Embedding(9, 6), Embedding(9, 6, 4)],
    "attention": [Attention(2, 2, 16), Attention(1, 4, 3)],
    "input": [Input((3,)), Input((3,), 9)],
}
TEXT = {"embedding", "attention"}  # what takes tokens only
CASES = [(kind, op) for kind, ops in EXAMPLES.items() for op in ops]


def text_around(operator):
    """A small graph of a text of 12 tokens."""
    build = Builder()
    x = build.add(Input((12,), 9))
    if operator.kind == "embedding":
        x = build.add(operator, x)
    else:
        x = build.add(Embedding(9, operator.heads * operator.head_width), x)
        x = build.add(operator, *(build.add(Dense(build.shape(x)[1]), x) for _ in range(3)))
    build.add(Dense(3), x)
    return build.build()


def network_around(operator):
    """A small graph: two branches where the operator joins, a flattened image where it wants a vector."""
    if operator.kind in TEXT:
        return text_around(operator)
    build = Builder(IMAGE)
    x = build.add(Conv2d(4, (3, 3)), 0)
    if operator.kind in {"dense", "layer_norm"}:
        x = build.add(Flatten(), x)
    inputs = [x] if operator.arity == 1 else [x, build.add(Conv2d(4, (1, 1)), 0)]
    x = build.add(operator, *inputs)
    if len(build.shape(x)) == 3:
        x = build.add(GlobalPool(), x)
    build.add(Dense(3), x)
    return build.build()


def test_every_operator_has_an_example():
    assert sorted(EXAMPLES) == plugins.names("operators")


@pytest.mark.parametrize(("kind", "operator"), CASES)
def test_json_gives_the_operator_back(kind, operator):
    assert from_json(operator.to_json()) == operator
    assert operator.kind == kind


@pytest.mark.parametrize(("kind", "operator"), [c for c in CASES if c[0] != "input"])
def test_shape_parameters_and_integers_follow_the_float_module(kind, operator):
    graph = network_around(operator)
    with seeds.isolated(3):
        model = Network(graph)
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.uniform_(-1, 1)
                module.running_var.uniform_(0.5, 2)
    rng, text = seeds.rng(0, "data"), kind in TEXT
    x = rng.integers(0, 9, (64, 12)) if text else rng.normal(size=(64, *IMAGE)).astype(np.float32)
    outputs = model.outputs(x)
    assert outputs.shape == ((64, 12, 3) if text else (64, 3))
    quantised = quantise(graph, model, x)
    tensors = quantised.tensors(x)
    for node, tensor in zip(quantised.graph.nodes, tensors, strict=True):
        assert tensor.shape == (64, *node.shape)
        assert tensor.dtype == (np.uint16 if text and node.id == 0 else np.int8)
    error = np.abs(quantised.outputs(x) - outputs).max() / (outputs.max() - outputs.min())
    assert error < (0.06 if operator.bits >= 8 else 0.15)  # a few int8 steps of the range; 4-bit weights are coarser
    floats = sum(p.numel() for n, p in model.named_parameters() if "bias" not in n)
    weights = sum(
        np.prod(s)
        for n in graph.nodes
        for k, s in n.operator.weight_shapes(*graph.shapes_into(n)).items()
        if k == "weight"
    )
    assert floats == weights


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

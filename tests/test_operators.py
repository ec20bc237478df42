"""Operators against rules worked out by hand; what all keep is in latent_nas/contracts/operators.py."""

import numpy as np
import pytest

from latent_nas import seeds
from latent_nas.fixed_point import Quant, multiplier, requantise
from latent_nas.graph import Builder
from latent_nas.graph.deploy import deploy
from latent_nas.operators.activation import Activation
from latent_nas.operators.add import Add
from latent_nas.operators.attention import Attention
from latent_nas.operators.batch_norm import BatchNorm
from latent_nas.operators.concat import Concat
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.conv_transpose import ConvTranspose
from latent_nas.operators.dense import Dense
from latent_nas.operators.dropout import Dropout
from latent_nas.operators.embedding import Embedding
from latent_nas.operators.formula import FUNCTIONS, composed
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.identity import Identity
from latent_nas.operators.input import Input
from latent_nas.operators.layer_norm import LayerNorm
from latent_nas.operators.multiply import Multiply
from latent_nas.operators.pad import Pad
from latent_nas.operators.prelu import PRelu
from latent_nas.operators.relu import Relu
from latent_nas.operators.relu6 import Relu6
from latent_nas.operators.resize import Resize
from latent_nas.operators.slice import Slice
from latent_nas.operators.subtract import Subtract
from latent_nas.operators.upsample import Upsample
from latent_nas.operators.window import taps


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
        (Activation("x +"), [(2,)], "not a formula"),
        (Activation(3), [(2,)], "a formula is text, got 3"),
        (Activation("1" + "0" * 400 + " * x"), [(2,)], "not a formula"),
        (Activation("open(x)"), [(2,)], r"'open\(x\)' is not known\); wanted arithmetic of x, numbers and abs"),
        (Activation("x.real"), [(2,)], "'x.real' is not known"),
        (Activation("clip(x, 1)"), [(2,)], "clip takes 3 arguments, got 2"),
        (Activation("-" * 200 + "x"), [(2,)], "more than 60 operations are nested"),
        (Activation("x" + "+x" * 999), [(2,)], "a formula of 1999 characters; at most 1000"),
        (Multiply(), [(2, 2, 3), (2, 3)], r"wants a second tensor \(2, 2, 3\), some of it 1, or \(3,\)"),
        (Subtract(), [(2, 2, 1), (2, 2, 2)], "subtract wants two tensors of one shape"),
        (Upsample((2, 0)), [(2, 2, 1)], "factors of at least 1"),
        (Resize((0.0, 1.5), (0.0,)), [(2, 2, 1)], "reads places 0 to 1.5 of 2; wanted one at least, from 0 to 1"),
        (Resize((0.0, 65536.0), (0.0,)), [(65537, 1, 1)], "resize of 65537 rows or columns; at most 65536 are known"),
        (Slice((0, 0, 1), (2, 2, 2)), [(2, 2, 2)], "not inside"),
        (Pad((0, -1, 0), (0, 0, 0)), [(2, 2, 2)], "wanted at least 0"),
        (ConvTranspose(3, crop=(3, 3, 0, 0)), [(2, 2, 1)], "can't cut"),
        (ConvTranspose(0), [(2, 2, 1)], "at least 1"),
    ],
)
def test_wrong_shapes_say_what_is_wanted(operator, shapes, words):
    with pytest.raises(ValueError, match=words):
        operator.shape(*shapes)


def test_resize_numbers_rows_as_far_as_a_device_does():
    assert Resize((0.0, 65535.0), (0.0,)).shape((65536, 1, 1)) == (2, 1, 1)


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


def test_deployment_folds_a_norm_into_a_transposed_convolution():
    build = Builder((4, 4, 3))
    x = build.add(Relu(), build.add(BatchNorm(), build.add(ConvTranspose(2, bias=False), 0)))
    assert [n.operator for n in deploy(build.build()).graph.nodes[1:]] == [ConvTranspose(2, activation="relu")]
    assert x == 3


def test_a_transposed_convolution_equals_plain_loops_over_integers():
    rng = seeds.rng(1, "transposed")
    op = ConvTranspose(3, (3, 2), (2, 3), (1, -1, 0, 1))
    x = rng.integers(-128, 128, (2, 3, 4, 5)).astype(np.int8)
    c = op.constants(
        {k: rng.normal(size=s) for k, s in op.weight_shapes((3, 4, 5)).items()}, [Quant(0.02, 5)], Quant(0.1, 3)
    )
    total = np.zeros((2, 8, 12, 3), np.int64)
    for n, i, j, a, b in np.ndindex(2, 3, 4, 3, 2):
        total[n, 2 * i + a, 3 * j + b] += (x[n, i, j].astype(int) - 5) @ c["weight"][:, a, b].astype(int).T
    total = total[:, 1:, :10] + c["bias"]
    expected = np.clip(np.floor(total * c["multiplier"] / 2.0 ** c["shift"] + 0.5) + 3, -128, 127)
    assert op.shape((3, 4, 5)) == (7, 10, 3)
    assert (op.int8(c, x) == expected).all()


def test_factors_are_broadcast():
    rng = seeds.rng(1, "product")
    a = rng.integers(-128, 128, (2, 3, 4, 5)).astype(np.int8)
    for shape in [(3, 4, 5), (5,), (1, 1, 5), (3, 4, 1), (3, 1, 5), (1, 4, 5), (1, 4, 1), (1, 1, 1)]:
        b = rng.integers(-128, 128, (2, *shape)).astype(np.int8)
        c = Multiply().constants({}, [Quant(0.5, 5), Quant(0.25, -9)], Quant(8.0, 3))
        wide = (b.astype(int) + 9).reshape(2, *([1, 1, 5] if len(shape) == 1 else shape))
        real = np.floor((a.astype(int) - 5) * wide / 64 + 0.5) + 3
        assert (Multiply().int8(c, a, b) == np.clip(real, -128, 127)).all()


def test_a_slope_per_channel_may_be_of_either_sign_or_0():
    x, slopes = np.arange(-128, 128)[:, None].repeat(4, axis=1).astype(np.int8), np.array([0.25, -0.5, 0.0, 1.5])
    c = PRelu().constants({"weight": slopes}, [Quant(0.05, 3)], Quant(0.06, -9))
    real = (x.astype(float) - 3) * 0.05
    wanted = np.where(real > 0, real, real * slopes) / 0.06 - 9
    assert np.abs(PRelu().int8(c, x) - np.clip(wanted, -128, 127)).max() <= 0.5 + 1e-6


class TestFormulas:
    def table(self, formula: str, zero_point: int = 3) -> np.ndarray:
        return Activation(formula).constants({}, [Quant(0.05, zero_point)], Quant(0.05, 3))["table"]

    @pytest.mark.parametrize("name", sorted(FUNCTIONS))
    def test_a_function_is_torchs_own_and_its_table_the_nearest_integers(self, name):
        torch = pytest.importorskip("torch")
        formula = f"{name}({', '.join(['x', '0.31', '0.72'][: FUNCTIONS[name][0]])})"
        formula = {"log": "log(abs(x) + 1)", "sqrt": "sqrt(abs(x))"}.get(name, formula)
        x = torch.arange(-131.0, 125.0) * 0.05
        outputs = Activation(formula).module((256,))(x).numpy()
        theirs = TORCH[name](torch, x) if name in TORCH else torch.from_numpy(outputs)
        np.testing.assert_allclose(outputs, theirs.numpy(), atol=1e-5)
        wanted = np.clip(np.rint(outputs.astype(float) / 0.05) + 3, -128, 127)
        assert np.abs(self.table(formula) - wanted).max() <= 1  # float32 may fall on the other side of a tie
        assert (self.table(formula) == wanted).mean() > 0.98

    def test_infinity_is_saturated_and_what_is_no_number_refused(self):
        assert self.table("1 / x")[128 + 3] == 127
        with pytest.raises(ValueError, match=r"log\(x\) is not a number at x = -0.05, which its int8 input can be"):
            self.table("log(x)")
        assert self.table("log(x)", -128)[0] == -128

    def test_formulas_are_put_together(self):
        assert composed("x / 6", "clip(x + 3, 0, 6)") == "clip(x + 3, 0, 6) / 6"
        assert composed("x * y", "x + 1", "clip(x, 0, 6) / 6") == "(x + 1) * (clip(x, 0, 6) / 6)"


TORCH = {
    "sigmoid": lambda torch, x: torch.sigmoid(x),
    "softplus": lambda torch, x: torch.nn.functional.softplus(x),
    "softsign": lambda torch, x: torch.nn.functional.softsign(x),
    "silu": lambda torch, x: torch.nn.functional.silu(x),
    "mish": lambda torch, x: torch.nn.functional.mish(x),
    "gelu": lambda torch, x: torch.nn.functional.gelu(x),
    "tanh_gelu": lambda torch, x: torch.nn.functional.gelu(x, approximate="tanh"),
    "hard_swish": lambda torch, x: torch.nn.functional.hardswish(x),
    "relu": lambda torch, x: torch.relu(x),
    "leaky_relu": lambda torch, x: torch.nn.functional.leaky_relu(x, 0.31),
    "elu": lambda torch, x: torch.nn.functional.elu(x, 0.31),
    "celu": lambda torch, x: torch.nn.functional.celu(x, 0.31),
    "clip": lambda torch, x: torch.clip(x, 0.31, 0.72),
    "threshold": lambda torch, x: torch.nn.functional.threshold(x, 0.31, 0.72),
    "min": lambda torch, x: torch.clip(x, max=0.31),
    "max": lambda torch, x: torch.clip(x, min=0.31),
}


class TestExactSums:
    """The floats in which the reference multiplies and requantises give the integers, to the bit."""

    @pytest.mark.parametrize("seed", range(12))
    def test_convolutions_are_sums_over_taps_in_integers(self, seed):
        rng = np.random.default_rng(seed)
        channels = int(rng.choice([1, 2, 4, 6]))
        groups = int(rng.choice([1, channels, 2 if channels % 2 == 0 else 1]))
        filters = channels if seed % 3 == 0 else groups * int(rng.integers(1, 4))
        kernel, stride = tuple(map(int, rng.integers(1, 5, 2))), tuple(map(int, rng.integers(1, 4, 2)))
        padding = ("same", "valid", (1, 0, 2, 3))[seed % 3]
        operator = Conv2d(filters, kernel, stride, padding, groups)
        x = rng.integers(-128, 128, (3, 7, 6, channels)).astype(np.int8)
        weight = rng.integers(-127, 128, (filters, *kernel, channels // groups)).astype(np.int8)
        if seed % 4 == 0:  # the largest sums there are
            x, weight = np.full_like(x, -128), np.full_like(weight, 127)
        zero, shift = 127 if seed % 2 else -5, rng.integers(32, 46, filters)
        c = {
            "weight": weight,
            "bias": rng.integers(-(2**30), 2**30, filters).astype(np.int32) // 2 ** rng.integers(0, 30, filters),
            "multiplier": rng.integers(2**30, 2**31, filters),
            "shift": shift,
            "input_zero_point": np.array(zero),
            "output_zero_point": np.array(int(rng.integers(-128, 128))),
            "low": np.array(-128 + 20 * (seed % 2)),
            "high": np.array(127 - 30 * (seed % 2)),
        }
        total = np.zeros((3, *operator.shape(x.shape[1:])), np.int64)
        for i, j, seen in taps(x.astype(np.int64) - zero, kernel, stride, padding, 0):
            for f in range(filters):
                first = f // (filters // groups) * (channels // groups)
                mine = seen[..., first : first + channels // groups]
                total[..., f] += (mine * weight[f, i, j].astype(np.int64)).sum(axis=-1)
        assert np.array_equal(operator.int8(c, x), in_integers(total + c["bias"], c))

    def test_requantisation_is_that_of_integers_at_every_tie_and_shift(self):
        rng = np.random.default_rng(0)
        for shift in range(1, 63):
            m = rng.integers(2**30, 2**31, 3)
            m[0], m[1] = 2**30, 2**31 - 2
            around = np.rint((rng.integers(-300, 300, (400, 3)) + 0.5) * 2.0**shift / m)
            steps = rng.integers(-2, 3, around.shape)
            acc = np.clip(
                np.concatenate([around + steps, rng.integers(-(2**31), 2**31, around.shape)]), -(2**31), 2**31 - 1
            )
            c = {
                "multiplier": m,
                "shift": np.array([shift, max(shift - 20, 1), shift]),
                "output_zero_point": 3,
                "low": -100,
                "high": 90,
            }
            found = requantise(acc.astype(np.int64), m, c["shift"], 3, -100, 90)
            assert np.array_equal(found, in_integers(acc.astype(np.int64), c)), shift

    def test_a_product_just_below_a_tie_goes_down_where_float64_would_call_it_one(self):
        m, acc = np.array([1_079_858_381]), np.array([[31_279_099]])
        assert int(m[0]) * int(acc[0, 0]) == 7 * 2**52 + 2**51 - 1  # 7.5 less 2^-52
        assert requantise(acc, m, np.array([52]), 0, -128, 127).tolist() == [[7]]
        both = requantise(np.repeat(acc, 2, axis=1), np.repeat(m, 2), np.array([52, 43]), 0, -128, 127)
        assert both.tolist() == [[7, 127]]


def in_integers(total, c):
    """Return int64 sums (..., channels) requantised by Python's integers, of any width."""
    rows = []
    for row in total.reshape(-1, total.shape[-1]).tolist():
        pairs = zip(row, c["multiplier"].tolist(), c["shift"].tolist(), strict=True)
        moved = [((value * m + (1 << (s - 1))) >> s) + int(c["output_zero_point"]) for value, m, s in pairs]
        rows.append([min(max(value, int(c["low"])), int(c["high"])) for value in moved])
    return np.array(rows, np.int8).reshape(total.shape)

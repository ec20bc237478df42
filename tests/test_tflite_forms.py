"""What converters put around layers: sequences, shapes worked out in the file, weights of other types, other heads."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert")

from tflite_files import RELU, SAME, VALID, Model, conv_options, pool_options
from tflite_graphs import Layer, float_file, int8_file

from latent_nas.interchange.tflite_import import read_model
from latent_nas.interchange.tflite_network import open_int8, said

RANDOM = np.random.default_rng(0)


def drawn(*shape: int) -> np.ndarray:
    return RANDOM.normal(0, 0.4, shape).astype(np.float32)


def axes(*numbers: int) -> list[tuple[int, np.ndarray]]:
    return [(1, np.array(numbers))]


def converted(path, layers: list[Layer]):
    """Write the int8 file of layers; return its network, which the oracle has compared."""
    path.write_bytes(int8_file(layers, RANDOM.normal(size=(8, *layers[0].dims[1:]))))
    return open_int8(path)


def test_a_sequence_as_keras_writes_it(tmp_path):
    """Conv1D works on (1, 1, steps, channels), MaxPooling1D on (1, steps, 1, channels), causal padding on neither."""
    convolved = conv_options((1, 2), VALID, RELU)
    squeezed = (30, {0: np.array([1], "<i4")})
    layers = [
        Layer("INPUT", [], (1, 20, 3)),
        Layer("PAD", [0], (1, 24, 3), (22, {}), constants=[(1, np.array([[0, 0], [4, 0], [0, 0]]))]),
        Layer("EXPAND_DIMS", [1], (1, 1, 24, 3), (52, {}), constants=axes(1)),
        Layer("CONV_2D", [2], (1, 1, 10, 8), convolved, drawn(8, 1, 5, 3), drawn(8)),
        Layer("SQUEEZE", [3], (1, 10, 8), squeezed),
        Layer("EXPAND_DIMS", [4], (1, 10, 1, 8), (52, {}), constants=axes(2)),
        Layer("MAX_POOL_2D", [5], (1, 5, 1, 8), pool_options((2, 1), (2, 1), VALID)),
        Layer("SQUEEZE", [6], (1, 5, 8), (30, {0: np.array([2], "<i4")})),
        Layer("MEAN", [7], (1, 8), (27, {0: ("?", False)}), constants=axes(1)),
        Layer("FULLY_CONNECTED", [8], (1, 4), (8, {}), drawn(4, 8), drawn(4)),
    ]
    network = converted(tmp_path / "m.tflite", layers)
    assert network.graph.input_shape == (20, 1, 3)
    assert [(n.operator.kind, n.shape) for n in network.graph.nodes[1:]] == [
        ("conv2d", (10, 1, 8)),
        ("max_pool", (5, 1, 8)),
        ("global_pool", (8,)),
        ("dense", (4,)),
    ]
    assert network.graph.nodes[1].operator.padding == (4, 0, 0, 0)


def in_blocks(
    step: int, around: tuple[int, int], crops: tuple[int, int], dims: tuple[int, ...], made: int, at: int = 0
):
    """Return the layers by which Keras dilates a convolution of 3 steps over (1, steps, channels)."""
    block, channels, inner = (1, np.array([step])), dims[-1], (dims[1] + sum(around)) // step
    return [
        Layer("SPACE_TO_BATCH_ND", [at], (step, inner, channels), (0, {}), constants=[block, (2, np.array([around]))]),
        Layer("EXPAND_DIMS", [at + 1], (step, 1, inner, channels), (52, {}), constants=axes(1)),
        Layer(
            "CONV_2D",
            [at + 2],
            (step, 1, inner - 2, 4),
            conv_options((1, 1), VALID),
            drawn(4, 1, 3, channels),
            drawn(4),
        ),
        Layer("SQUEEZE", [at + 3], (step, inner - 2, 4), (30, {0: np.array([1], "<i4")})),
        Layer("BATCH_TO_SPACE_ND", [at + 4], (1, made, 4), (0, {}), constants=[block, (2, np.array([crops]))]),
    ]


@pytest.mark.parametrize(("steps", "after", "kernel"), [(40, 0, (3, 1)), (41, 3, (9, 1))])
def test_a_dilated_sequence_as_keras_writes_it(tmp_path, steps, after, kernel):
    """Steps in rows of as many as the dilation need no zeros in the window; others do. Then the last step alone."""
    last = {0: ("i", 5), 1: ("i", 5), 4: ("i", 2)}
    layers = [
        Layer("INPUT", [], (1, steps, 3)),
        Layer("PAD", [0], (1, steps + 8, 3), (22, {}), constants=[(1, np.array([[0, 0], [8, 0], [0, 0]]))]),
        *in_blocks(4, (0, after), (0, after), (1, steps + 8, 3), steps, 1),
        Layer("RELU", [6], (1, steps, 4)),
        Layer("STRIDED_SLICE", [7], (1, 4), (32, last), constants=[*axes(0, -1, 0), (2, np.zeros(3)), (3, np.ones(3))]),
        Layer("FULLY_CONNECTED", [8], (1, 2), (8, {}), drawn(2, 4), drawn(2)),
    ]
    network = converted(tmp_path / "m.tflite", layers)
    assert network.graph.nodes[1 if after else 2].operator.kernel_size == kernel
    assert [n.shape for n in network.graph.nodes if n.operator.kind == "slice"] == [(1, 1, 4)]
    assert bool(read_model(tmp_path / "m.tflite").notes) == bool(after)


def test_dilation_as_an_option_and_a_constant_per_feature(tmp_path):
    layers = [
        Layer("INPUT", [], (1, 9, 8, 2)),
        Layer("CONV_2D", [0], (1, 9, 8, 4), conv_options((1, 1), SAME, RELU, 2), drawn(4, 3, 3, 2), drawn(4)),
        Layer("MEAN", [1], (1, 4), (27, {0: ("?", False)}), constants=axes(1, 2)),
        Layer("MUL", [2], (1, 4), (21, {}), number=drawn(4)),
        Layer("FULLY_CONNECTED", [3], (1, 2), (8, {}), drawn(2, 4), drawn(2)),
    ]
    network = converted(tmp_path / "m.tflite", layers)
    assert network.graph.nodes[1].operator.kernel_size == (5, 5)


@pytest.mark.parametrize("dims", [(1, 6, 5), (1, 30)])
def test_a_dense_layer_of_every_step_and_a_function_left_in_floats(tmp_path, dims):
    """Keras works out the shapes of (steps, features) and back in the file; int8 ELU is none of the converter's."""
    model = Model()
    x = model.tensor((1, 6, 3), "INT8", 0.02, 3)
    shape = model.op("SHAPE", [x], model.tensor((3,), "INT32"), (55, {}))
    rows = model.op(
        "RESHAPE", [x, shape], model.tensor((1, 1), "INT8", 0.02, 3), (17, {})
    )  # of a batch that is not fixed
    weight = model.tensor((5, 3), "INT8", np.full(5, 0.01), 0, RANDOM.integers(-127, 128, (5, 3)), 0)
    dense = model.op("FULLY_CONNECTED", [rows, weight], model.tensor((1, 5), "INT8", 0.05, -3), (8, {}))
    back = model.tensor((len(dims),), "INT32", data=np.array(dims))
    steps = model.op("RESHAPE", [dense, back], model.tensor(dims, "INT8", 0.05, -3), (17, {}))
    floats = model.op("DEQUANTIZE", [steps], model.tensor(dims, "FLOAT32"), (38, {}))
    bent = model.op("ELU", [floats], model.tensor(dims, "FLOAT32"), (0, {}))
    last = model.op("QUANTIZE", [bent], model.tensor(dims, "INT8", 0.03, -90), (89, {}))
    (tmp_path / "m.tflite").write_bytes(model.file(x, last))
    graph = read_model(tmp_path / "m.tflite").graph
    kinds = [(n.operator.kind, n.shape) for n in graph.nodes[1:] if n.operator.kind != "flatten"]
    shape = (6, 1, 5) if len(dims) == 3 else (30,)
    assert kinds == [("conv2d", (6, 1, 5)), ("activation", shape)]


def test_blocks_around_anything_else_are_refused(tmp_path):
    layers = [Layer("INPUT", [], (1, 40, 3)), *in_blocks(4, (4, 4), (0, 0), (1, 40, 3), 40)]
    layers.insert(4, Layer("RELU", [3], (4, 1, 10, 4)))
    layers[5:] = [replace(one, inputs=[one.inputs[0] + 1]) for one in layers[5:]]
    with pytest.raises(ValueError, match=r"SPACE_TO_BATCH_ND.*only one around a single convolution"):
        converted(tmp_path / "m.tflite", layers)


def test_a_vector_that_becomes_an_image_first_is_that_image(tmp_path):
    """As of micro_speech: 1960 features are 49 x 40."""
    layers = [
        Layer("INPUT", [], (1, 30)),
        Layer("RESHAPE", [0], (1, 6, 5, 1), (17, {}), constants=axes(-1, 6, 5, 1)),
        Layer("CONV_2D", [1], (1, 3, 3, 4), conv_options((2, 2), SAME), drawn(4, 3, 3, 1), drawn(4)),
        Layer("FULLY_CONNECTED", [2], (1, 4), (8, {}), drawn(4, 36), drawn(4)),
    ]
    network = converted(tmp_path / "m.tflite", layers)
    assert network.graph.input_shape == (6, 5, 1)
    assert [n.operator.kind for n in network.graph.nodes[1:]] == ["conv2d", "flatten", "dense"]


def test_a_network_whose_file_has_channels_first_at_its_ends(tmp_path):
    """As converters of PyTorch write it: the input is turned, and the image in front of its dense layer turned back."""
    layers = [
        Layer("INPUT", [], (1, 3, 6, 5)),
        Layer("TRANSPOSE", [0], (1, 6, 5, 3), (26, {}), constants=axes(0, 2, 3, 1)),
        Layer("CONV_2D", [1], (1, 6, 5, 4), conv_options((1, 1), SAME, RELU), drawn(4, 3, 3, 3), drawn(4)),
        Layer("TRANSPOSE", [2], (1, 4, 6, 5), (26, {}), constants=axes(0, 3, 1, 2)),
        Layer("RESHAPE", [3], (1, 120), (17, {}), constants=axes(1, 120)),
        Layer("FULLY_CONNECTED", [4], (1, 4), (8, {}), drawn(4, 120), drawn(4)),
    ]
    network = converted(tmp_path / "m.tflite", layers)
    assert network.graph.input_shape == (6, 5, 3)
    assert [n.operator.kind for n in network.graph.nodes[1:]] == ["conv2d", "flatten", "dense"]
    assert said(tmp_path / "m.tflite").notes == (
        "its input is taken as 6 x 5 x 3, channels last; the file has (3, 6, 5)",
    )
    (tmp_path / "f.tflite").write_bytes(float_file(layers))
    np.save(tmp_path / "x.npy", drawn(16, 3, 6, 5))
    assert open_int8(tmp_path / "f.tflite", tmp_path / "x.npy").graph == network.graph


def test_a_transposed_convolution_of_a_sequence_behind_another(tmp_path):
    """Conv1DTranspose works on (1, 1, steps, channels), as Conv1D does; our sequences stand upright."""
    wide = (49, {0: ("b", SAME), 1: ("i", 2), 2: ("i", 1)})
    layers = [
        Layer("INPUT", [], (1, 10, 3)),
        Layer("EXPAND_DIMS", [0], (1, 1, 10, 3), (52, {}), constants=axes(1)),
        Layer("CONV_2D", [1], (1, 1, 10, 4), conv_options((1, 1), SAME, RELU), drawn(4, 1, 3, 3), drawn(4)),
        Layer("TRANSPOSE_CONV", [2], (1, 1, 20, 2), wide, drawn(2, 1, 3, 4), drawn(2), [(0, np.array([1, 1, 20, 2]))]),
        Layer("SQUEEZE", [3], (1, 20, 2), (30, {0: np.array([1], "<i4")})),
        Layer("MEAN", [4], (1, 2), (27, {0: ("?", False)}), constants=axes(1)),
    ]
    made = [n.operator.kind for n in converted(tmp_path / "m.tflite", layers).graph.nodes[1:]]
    assert made == ["conv2d", "reshape", "conv_transpose", "global_pool"]


IMAGE = (1, 6, 4, 4)
KEPT = (27, {0: ("?", True)})
OF_TWO = {
    "the larger": [Layer("MAXIMUM", [1, 2], IMAGE, (39, {}))],
    "the smaller": [Layer("MINIMUM", [1, 2], IMAGE, (39, {}))],
    "centred": [Layer("MEAN", [1], (1, 6, 4, 1), KEPT, constants=axes(-1)), Layer("SUB", [1, 3], IMAGE, (28, {}))],
    "one a channel": [
        Layer("MEAN", [2], (1, 1, 1, 4), KEPT, constants=axes(1, 2)),
        Layer("ADD", [3, 1], IMAGE, (11, {})),
    ],
    "summed": [Layer("SUM", [1], (1, 6, 4), (27, {}), constants=axes(-1))],
    "divided": [
        Layer("ABS", [1], IMAGE),
        Layer("ADD", [3], IMAGE, (11, {}), number=np.ones(1, np.float32)),
        Layer("DIV", [1, 4], IMAGE, (29, {})),
    ],
}


@pytest.mark.parametrize("kind", OF_TWO)
def test_operators_of_two_tensors_and_over_channels(kind, tmp_path):
    """In int8 within a unit of the interpreter's, in floats as they are: the oracle compares."""
    first = [Layer("CONV_2D", [0], IMAGE, conv_options((1, 1), SAME), drawn(4, 3, 3, 3), drawn(4)) for _ in range(2)]
    layers = [Layer("INPUT", [], (1, 6, 4, 3)), *first, *OF_TWO[kind]]
    converted(tmp_path / "m.tflite", layers)
    (tmp_path / "m.tflite").write_bytes(float_file(layers))
    np.save(tmp_path / "x.npy", drawn(16, 6, 4, 3))
    open_int8(tmp_path / "m.tflite", tmp_path / "x.npy")


def test_a_choice_between_functions_of_one_tensor_is_one_table(tmp_path):
    """As Keras writes SELU and a ReLU with a threshold."""
    model, dims, quant = Model(), (1, 6, 4, 4), (0.06, 4)
    x = model.tensor((1, 6, 4, 4), "INT8", 0.05, 3)
    zero = model.tensor((), "INT8", 0.05, 3, np.array(3))
    mask = model.op("GREATER", [x, zero], model.tensor(dims, "BOOL"))
    slope = model.tensor((), "INT8", 1.1 / 127, 0, np.array(127))
    yes = model.op("MUL", [x, slope], model.tensor(dims, "INT8", *quant), (21, {}))
    no = model.op("ABS", [x], model.tensor(dims, "INT8", *quant))
    last = model.op("SELECT_V2", [mask, yes, no], model.tensor(dims, "INT8", *quant))
    (tmp_path / "m.tflite").write_bytes(model.file(x, last))
    assert [n.operator.kind for n in open_int8(tmp_path / "m.tflite").graph.nodes[1:]] == ["activation"]
    other = model.op("SELECT_V2", [mask, last, x], model.tensor(dims, "INT8", *quant))
    both = model.op("ADD", [other, mask], model.tensor(dims, "INT8", *quant), (11, {}))
    (tmp_path / "m.tflite").write_bytes(model.file(x, both))
    with pytest.raises(ValueError, match=r"ADD \(operator 5\): its input .* is of truth values; only a choice"):
        read_model(tmp_path / "m.tflite")


def test_a_part_that_is_flattened_is_a_part_of_the_image(tmp_path):
    """Cropping2D in front of Flatten: its vector has no rows to be cut of."""
    part = [(1, np.array([0, 1, 1, 0])), (2, np.array([1, 4, 3, 4]))]
    layers = [
        Layer("INPUT", [], (1, 6, 5, 4)),
        Layer("SLICE", [0], (1, 4, 3, 4), (48, {}), constants=part),
        Layer("RESHAPE", [1], (1, 48), (17, {}), constants=axes(1, 48)),
        Layer("FULLY_CONNECTED", [2], (1, 4), (8, {}), drawn(4, 48), drawn(4)),
    ]
    network = converted(tmp_path / "m.tflite", layers)
    assert [n.operator.kind for n in network.graph.nodes[1:]] == ["slice", "flatten", "dense"]


def shaped(at: int, *dims: int) -> Layer:
    return Layer("RESHAPE", [at], dims, (17, {}), constants=axes(*dims))


STRIDES = {"begin": (0, 1, 0, 0), "end": (1, 6, 4, 4), "stride": (1, 2, 1, 1)}
MOVED = {
    "upsample": [
        shaped(1, 1, 6, 1, 4, 1, 4),
        Layer("TILE", [2], (1, 6, 2, 4, 3, 4), constants=axes(1, 1, 2, 1, 3, 1)),
        shaped(3, 1, 12, 12, 4),
    ],
    "conv2d": [
        shaped(1, 1, 6, 4, 2, 2),
        Layer("TRANSPOSE", [2], (1, 6, 4, 2, 2), (26, {}), constants=axes(0, 1, 2, 4, 3)),
        shaped(3, 1, 6, 4, 4),
    ],
    "resize": [Layer("GATHER", [1], (1, 3, 4, 4), (23, {0: ("i", 1)}), constants=axes(5, 0, 0))],
    "max_pool": [
        Layer(
            "STRIDED_SLICE",
            [1],
            (1, 3, 4, 4),
            (32, {}),
            constants=[(i, np.array(v)) for i, v in enumerate(STRIDES.values(), 1)],
        )
    ],
}


def rimmed(mode: int) -> list[Layer]:
    """The rim copied around an image: 0 without the outmost pixels, 1 with them."""
    return [
        Layer("MIRROR_PAD", [1], (1, 9, 6, 4), (77, {0: ("b", mode)}), constants=axes([0, 0], [2, 1], [1, 1], [0, 0]))
    ]


@pytest.mark.parametrize(
    ("kind", "moved"),
    [*MOVED.items(), ("resize", rimmed(0)), ("resize", rimmed(1))],
    ids=[*MOVED, "reflect", "symmetric"],
)
def test_elements_that_are_moved(kind, moved, tmp_path):
    """Enlarged, channels shuffled, rows chosen, every second row, a copied rim: read twice, made once."""
    layers = [Layer("INPUT", [], (1, 6, 4, 3))]
    layers.append(Layer("CONV_2D", [0], (1, 6, 4, 4), conv_options((1, 1), SAME, RELU), drawn(4, 3, 3, 3), drawn(4)))
    layers += moved
    last, dims = len(layers) - 1, layers[-1].dims
    for _ in range(2):
        layers.append(Layer("CONV_2D", [last], dims, conv_options((1, 1), SAME), drawn(4, 3, 3, 4), drawn(4)))
    layers.append(Layer("ADD", [last + 1, last + 2], dims, (11, {})))
    layers.append(Layer("MEAN", [last + 3], (1, 4), (27, {0: ("?", False)}), constants=axes(1, 2)))
    made = [n.operator.kind for n in converted(tmp_path / "m.tflite", layers).graph.nodes[2:]]
    assert [k for k in made if k != "slice"] == [kind, "conv2d", "conv2d", "add", "global_pool"]


@pytest.mark.parametrize(
    ("heads", "ending"),
    [
        (["LOGISTIC"], "LOGISTIC left out; the outputs are its inputs: logits, above 0 where the sigmoid is above 0.5"),
        (["LOG_SOFTMAX"], "LOG_SOFTMAX left out; the outputs are its inputs: logits, the largest is the class"),
        (
            ["SOFTMAX", "ARG_MAX"],
            "SOFTMAX, ARG_MAX left out; the outputs are its inputs: logits, the largest is the cla",
        ),
        (["ARG_MAX"], "ARG_MAX left out; the outputs are its inputs: its answer is the index of the largest"),
    ],
)
def test_closing_functions_are_left_out_and_said(heads, ending, tmp_path):
    model = Model()
    x = model.tensor((1, 8), "INT8", 0.05, 3)
    weight = model.tensor((4, 8), "INT8", 0.01, 0, RANDOM.integers(-127, 128, (4, 8)))
    y = model.op("FULLY_CONNECTED", [x, weight, -1], model.tensor((1, 4), "INT8", 0.06, -9), (8, {}))
    for head in heads:
        if head == "ARG_MAX":
            axis = model.tensor((1,), "INT32", data=np.array([1]))
            y = model.op(head, [y, axis], model.tensor((1,), "INT32"), (40, {0: ("b", 2)}))
            continue
        options = {"SOFTMAX": (9, {0: ("f", 1.0)}), "LOG_SOFTMAX": (36, {})}.get(head)
        scale = (16 / 256, 127) if head == "LOG_SOFTMAX" else (1 / 256, -128)
        y = model.op(head, [y], model.tensor((1, 4), "INT8", *scale), options)
    (tmp_path / "m.tflite").write_bytes(model.file(x, y))
    network = open_int8(tmp_path / "m.tflite")
    assert [n.operator.kind for n in network.graph.nodes[1:]] == ["dense"]
    assert said(tmp_path / "m.tflite").left_out.startswith(ending)


def test_a_shape_that_the_file_works_out(tmp_path):
    """Reshape of Keras with a batch that is not fixed: SHAPE, STRIDED_SLICE, PACK."""
    model = Model()
    x = model.tensor((1, 4, 6), "INT8", 0.05, 3, extra={7: np.array([-1, 4, 6], "<i4")})
    shape = model.op("SHAPE", [x], model.tensor((3,), "INT32"), (55, {0: ("b", 2)}))
    ends = [model.tensor((1,), "INT32", data=np.array([n])) for n in (0, 1, 1)]
    batch = model.op("STRIDED_SLICE", [shape, *ends], model.tensor((), "INT32"), (32, {4: ("i", 1)}))
    size = model.tensor((), "INT32", data=np.array(24))
    packed = model.op("PACK", [batch, size], model.tensor((2,), "INT32"), (59, {0: ("i", 2), 1: ("i", 0)}))
    flat = model.op("RESHAPE", [x, packed], model.tensor((1, 24), "INT8", 0.05, 3))
    weight = model.tensor((4, 24), "INT8", 0.01, 0, RANDOM.integers(-127, 128, (4, 24)))
    y = model.op("FULLY_CONNECTED", [flat, weight, -1], model.tensor((1, 4), "INT8", 0.06, -9), (8, {}))
    (tmp_path / "m.tflite").write_bytes(model.file(x, y))
    assert open_int8(tmp_path / "m.tflite").graph.output_shape == (4,)


def test_weights_of_half_the_precision(tmp_path):
    """A converter keeps them as FLOAT16, behind a DEQUANTIZE."""
    model, held = Model(), drawn(4, 8)
    x = model.tensor((1, 8), "FLOAT32")
    half = model.tensor((4, 8), "FLOAT16", data=held)
    weight = model.op("DEQUANTIZE", [half], model.tensor((4, 8), "FLOAT32"), (38, {}))
    y = model.op("FULLY_CONNECTED", [x, weight, -1], model.tensor((1, 4), "FLOAT32"), (8, {}))
    (tmp_path / "m.tflite").write_bytes(model.file(x, y))
    np.testing.assert_array_equal(read_model(tmp_path / "m.tflite").weights[1]["weight"], held.astype(np.float16))
    np.save(tmp_path / "x.npy", drawn(16, 8))
    assert open_int8(tmp_path / "m.tflite", tmp_path / "x.npy").graph.output_shape == (4,)


def test_int8_weights_beside_floats_are_refused(tmp_path):
    """Dynamic range quantisation: the interpreter rounds activations anew for every input."""
    model = Model()
    x = model.tensor((1, 8), "FLOAT32")
    weight = model.tensor((4, 8), "INT8", 0.01, 0, RANDOM.integers(-127, 128, (4, 8)))
    y = model.op("FULLY_CONNECTED", [x, weight, -1], model.tensor((1, 4), "FLOAT32"), (8, {}))
    (tmp_path / "m.tflite").write_bytes(model.file(x, y))
    with pytest.raises(ValueError, match=r"weights are INT8 beside float tensors \(dynamic range\); convert the model"):
        read_model(tmp_path / "m.tflite")

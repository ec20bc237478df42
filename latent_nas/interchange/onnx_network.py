"""An ONNX file as an int8 network: its own integers where it is QDQ, quantised by given data where it is float."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latent_nas.fixed_point import Quant, multiplier
from latent_nas.graph import Graph, Node
from latent_nas.graph.deploy import deploy
from latent_nas.interchange import FLOAT, Said, agreement, calibration_data, float_weights, onnx_file
from latent_nas.interchange.onnx_import import read_model
from latent_nas.interchange.onnx_model import Model
from latent_nas.interchange.onnx_oracle import compare_float, compare_int8
from latent_nas.operators.batch_norm import BatchNorm
from latent_nas.training.quantise import QuantisedNetwork, folded, quantise

if TYPE_CHECKING:  # it imports torch
    from latent_nas.training.network import Network


def read(path: Path, output: str = "") -> Graph:
    """Return the graph of an ONNX file; see ``onnx_import.read_model``."""
    return read_model(path, output=output).graph


def said(path: Path, output: str = "") -> Said:
    """Return what was decided in reading an ONNX file."""
    model = read_model(path, output=output)
    kind = "" if model.quants else FLOAT
    return Said((*filter(None, [model.ending, kind]), *model.notes), model.ending)


def about(path: Path, output: str = "") -> str:
    """Return the JSON that travels with an ONNX file of this project, "" with any other."""
    return onnx_file.about(path)


def open_int8(path: Path, calibration: Path | None = None, output: str = "") -> QuantisedNetwork:
    """Return the int8 network of an ONNX file.

    Args:
        calibration: an .npz or .npy file of input data, shaped as the model's input; for a float model, or one that
            leaves tensors between its operators floats.
        output: which of several, by name.

    What was read is compared with onnxruntime before it is given out, see ``onnx_oracle``.

    Raises:
        ValueError: the file can't be read or lacks its weights; it is float and there is no calibration data; or
            onnxruntime computes something else of it.
    """
    model = read_model(path, weights=True, output=output)
    if not model.quants:
        if calibration is None:
            raise ValueError(f"{path} is a float model: quantising it wants data, --calibration FILE.npz")
        network, x = float_network(model, path), data(calibration, model)
        compare_float(path, model, network, float(x.min()), float(x.max()))
        made = quantise(model.graph, network, x)
        some = x[: agreement.MOST].astype(np.float32)
        agreement.say_loss(path, some, network.outputs(some), made.outputs(some), made.quants[0].scale)
        return made
    network, without = float_network(model, path), _not_rounded(model)
    if without and calibration is None:
        raise ValueError(
            f"{path} does not round the output of {without[0].operator.kind} (node {without[0].id}); its range wants"
            " data, --calibration FILE.npz"
        )
    if calibration is not None and not without:
        raise ValueError(f"{path} is quantised already; leave --calibration out")
    given = None if calibration is None else data(calibration, model)
    rounded = _as_rounded(model, network, None if given is None else network.ranges(given))
    compare_int8(path, model, rounded, given)  # random inputs would leave the ranges of the data
    return rounded


def float_network(model: Model, path: Path) -> "Network":
    """Return the float network of a file's graph, with the file's weights; see ``float_weights``."""
    return float_weights.network(model.graph, {i: held.arrays for i, held in model.weights.items()}, path)


def data(path: Path, model: Model) -> np.ndarray:
    """Return the calibration data (n, *input_shape), channels last; see ``calibration_data.read``."""
    shape = model.graph.input_shape
    return model.given.from_file(calibration_data.read(path, model.given.dims[1:]), shape)


def _not_rounded(model: Model) -> list[Node]:
    """Return the deployed nodes whose tensors the file leaves floats."""
    deployment = deploy(model.graph)
    return [
        node
        for node, sources in zip(deployment.graph.nodes, deployment.sources, strict=True)
        if not (node.operator.keeps_quant or sources[-1] in model.quants)
    ]


def _as_rounded(model: Model, network: "Network", ranges: np.ndarray | None) -> QuantisedNetwork:
    """Return the network with the file's own integers and scales.

    Args:
        network: with the file's weights as floats. ranges: (nodes, 2), of tensors that the file leaves floats.
    """
    deployment = deploy(model.graph)
    quants: list[Quant] = []
    constants: list[dict[str, np.ndarray]] = []
    for node, sources in zip(deployment.graph.nodes, deployment.sources, strict=True):
        inputs = [quants[i] for i in node.inputs]
        quant = inputs[0] if node.operator.keeps_quant else model.quants.get(sources[-1])
        if quant is None:
            assert ranges is not None  # see ``_not_rounded``
            quant = Quant.of_range(*ranges[sources[-1]])
        weighted = node.operator.weight_shapes(*deployment.graph.shapes_into(node))
        weights = folded(model.graph, network, sources) if weighted else {}
        made = node.operator.constants(weights, inputs, quant) if node.id else {}
        scale = model.weights[sources[0]].scale if weighted else None
        norms = any(isinstance(model.graph.nodes[i].operator, BatchNorm) for i in sources)
        if scale is not None and not norms:
            made |= _exact(node, model.weights[sources[0]].arrays, scale, inputs[0], quant)
        quants.append(quant)
        constants.append(made)
    return QuantisedNetwork(deployment.graph, tuple(quants), tuple(constants))


def _exact(node: Node, arrays: dict[str, np.ndarray], scale: np.ndarray, x: Quant, y: Quant) -> dict[str, np.ndarray]:
    """Return weights, biases and factors as the file has them, not as they would be rounded anew.

    Raises:
        ValueError: weights beyond int8.
    """
    weight = arrays["weight"]
    integers = np.rint(weight / scale.reshape(-1, *[1] * (weight.ndim - 1)))
    if np.abs(integers).max(initial=0) > 128:
        raise ValueError(f"the weights of {node.operator.kind} (node {node.id}) are wider than 8 bits")
    factors = [multiplier(s * x.scale / y.scale) for s in scale]
    bias = np.clip(np.rint(arrays.get("bias", np.zeros(1)) / (scale * x.scale)), -(2**31), 2**31 - 1)
    return {
        **({"bias": bias.astype(np.int32)} if "bias" in arrays else {}),
        "weight": integers.clip(-128, 127).astype(np.int8),
        "multiplier": np.array([m for m, _ in factors], np.int64),
        "shift": np.array([s for _, s in factors], np.int64),
    }

"""An ONNX file as an int8 network: its own integers where it is QDQ, quantised by given data where it is float."""

import zlib
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from latent_nas.fixed_point import Quant, multiplier
from latent_nas.graph import Node
from latent_nas.graph.deploy import deploy
from latent_nas.interchange.onnx_import import Model, read_model
from latent_nas.interchange.onnx_oracle import compare_float, compare_int8
from latent_nas.operators.batch_norm import BatchNorm
from latent_nas.training.network import Network
from latent_nas.training.quantise import QuantisedNetwork, folded, quantise


def open_int8(path: Path, calibration: Path | None = None) -> QuantisedNetwork:
    """Return the int8 network of an ONNX file.

    Args:
        calibration: an .npz or .npy file of input data, shaped as the model's input; for a float model only.

    What was read is compared with onnxruntime before it is given out, see ``onnx_oracle``.

    Raises:
        ValueError: the file can't be read or lacks its weights; it is float and there is no calibration data; or
            onnxruntime computes something else of it.
    """
    model = read_model(path, weights=True)
    if not model.quants:
        if calibration is None:
            raise ValueError(f"{path} is a float model: quantising it wants data, --calibration FILE.npz")
        network, x = float_network(model, path), data(calibration, model)
        compare_float(path, model, network, float(x.min()), float(x.max()))
        return quantise(model.graph, network, x)
    if calibration is not None:
        raise ValueError(f"{path} is quantised already; leave --calibration out")
    rounded = _as_rounded(model, path)
    compare_int8(path, model, rounded)
    return rounded


def float_network(model: Model, path: Path) -> Network:
    """Return the float network of a file's graph, with the file's weights.

    Raises:
        ValueError: a node without weights, or with some that it has no place for; ``path`` is for the message.
    """
    import torch

    network = Network(model.graph).eval()
    for node in model.graph.nodes:
        needed = node.operator.weight_shapes(*model.graph.shapes_into(node))
        held = model.weights[node.id].arrays if node.id in model.weights else {}
        if bool(needed) != bool(held) or (node.id in model.weights and not needed):
            raise ValueError(f"{path}: the weights at {node.operator.kind} (node {node.id}) have no place in its graph")
        state = network.operators[node.id].state_dict()
        for name, value in held.items():
            key = next(k for k in state if k.rsplit(".", 1)[-1] == name)
            given = value.transpose(0, 3, 1, 2) if value.ndim == 4 else value
            if given.shape != tuple(state[key].shape):
                raise ValueError(
                    f"{path}: {name} at {node.operator.kind} (node {node.id}) has the shape {given.shape}; its graph"
                    f" wants {tuple(state[key].shape)}"
                )
            state[key] = torch.from_numpy(np.ascontiguousarray(given, np.float32))
        network.operators[node.id].load_state_dict(state)
    return network


def data(path: Path, model: Model) -> np.ndarray:
    """Return the calibration data (n, *input_shape), channels last, of an .npz or .npy file.

    Raises:
        ValueError: no such file, not one array ("x", where there are several), not the model's shape or
            type, not finite, or all alike.
    """
    array: np.ndarray | None = None
    names: list[str] = []
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                array = loaded
            else:
                names = list(loaded.files)
                array = loaded["x" if "x" in names else names[0]] if "x" in names or len(names) == 1 else None
    except FileNotFoundError:
        raise ValueError(f"there is no file {path}") from None
    except (OSError, ValueError, AttributeError, EOFError, BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} is not an .npz or .npy file, or a damaged one: {error}") from None
    if array is None:
        raise ValueError(f'{path} holds {", ".join(names) or "nothing"}; wanted one array, or one called "x"')
    shape = model.graph.input_shape
    wanted = model.given.dims[1:]
    if not np.issubdtype(array.dtype, np.integer) and not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"{path} has data of the type {array.dtype}; wanted floats or integers")
    if array.ndim == 0 or array.shape[1:] != wanted or not len(array):
        raise ValueError(
            f"{path} has data {array.shape}; wanted (n, {', '.join(map(str, wanted))}), as the model reads"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"{path} has data that are not finite numbers")
    if array.min() == array.max():
        raise ValueError(
            f"{path} has nothing but {array.flat[0]}; ranges are taken from data as the model will see them"
        )
    return model.given.from_file(array, shape)


def _as_rounded(model: Model, path: Path) -> QuantisedNetwork:
    """Return the network with the file's own integers and scales."""
    deployment, network = deploy(model.graph), float_network(model, path)
    quants: list[Quant] = []
    constants: list[dict[str, np.ndarray]] = []
    for node, sources in zip(deployment.graph.nodes, deployment.sources, strict=True):
        inputs = [quants[i] for i in node.inputs]
        quant = inputs[0] if node.operator.keeps_quant else model.quants.get(sources[-1])
        if quant is None:
            raise ValueError(
                f"{path} does not round the output of {node.operator.kind} (node {node.id}); wanted all int8"
            )
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
    bias = np.clip(np.rint(arrays["bias"] / (scale * x.scale)), -(2**31), 2**31 - 1)
    return {
        "weight": integers.clip(-128, 127).astype(np.int8),
        "bias": bias.astype(np.int32),
        "multiplier": np.array([m for m, _ in factors], np.int64),
        "shift": np.array([s for _, s in factors], np.int64),
    }

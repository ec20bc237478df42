"""Operators with weights: as the file has them, so that the firmware holds the same integers."""

import numpy as np

from latent_nas.fixed_point import Quant, multiplier
from latent_nas.interchange.tflite_nodes.call import Call
from latent_nas.interchange.tflite_nodes.draft import Held, Value
from latent_nas.operators import Operator

BIAS_SCALE = 0.02  # how far a bias's scale may be from input times weights: what the interpreter allows


def weights(call: Call, i: int, axis: int) -> Held:
    """Return the i-th input, weights with their filters along an axis; integers are int8 around 0."""
    tensor, values = call.tensor(i), call.constant(i)
    if not call.draft.integers:
        if values.dtype.kind != "f":
            raise call.refuse(
                f"its weights are {tensor.kind} beside float tensors (dynamic range); convert the model with a"
                " representative data set, or without quantisation"
            )
        return Held(values.astype(float), None)
    filters = values.shape[axis] if values.ndim > axis else 0
    scales, zeros = tensor.scales, tensor.zeros if tensor.zeros.size else np.zeros(1, np.int64)
    if tensor.kind not in ("INT8", "UINT8"):
        raise call.refuse(f"its weights are {tensor.kind}; only int8 are known here")
    if (zeros != (0 if tensor.kind == "INT8" else 128)).any():
        raise call.refuse(f"its weights have the zero point {zeros[0]} (asymmetric); only those around 0 are known")
    if scales.size not in (1, filters) or zeros.size not in (1, scales.size) or not filters:
        raise call.refuse(f"its weights have {scales.size} scales for {filters} filters")
    if (scales.size > 1 and tensor.axis != axis) or not np.isfinite(scales).all() or scales.min() <= 0:
        raise call.refuse(f"its weights have scales along axis {tensor.axis} from {scales.min()}; wanted {axis}")
    integers = values if tensor.kind == "INT8" else (values.astype(np.int16) - 128).astype(np.int8)
    return Held(integers, np.broadcast_to(scales, filters))


def bias(call: Call, i: int, filters: int, scales: np.ndarray | None) -> np.ndarray:
    """Return the i-th input, a bias (filters,), zeros where it is left out; ``scales``: that integers should have.

    Raises:
        Unreadable: it has another size, type or scale.
    """
    if i >= len(call.tensors) or call.tensors[i] is None:
        return np.zeros(filters, float if scales is None else np.int32)
    tensor, values = call.tensor(i), call.constant(i)
    wanted = "FLOAT32" if scales is None else "INT32"
    if values.size != filters or (values.dtype.kind == "f") != (scales is None) or tensor.kind == "INT64":
        raise call.refuse(f"its bias is {tensor.dims} of {tensor.kind}; wanted ({filters},) of {wanted}")
    if scales is None:
        return values.ravel().astype(float)
    if tensor.scales.size not in (0, 1, filters) or (tensor.zeros != 0).any():
        raise call.refuse(f"its bias has {tensor.scales.size} scales and a zero point; wanted {filters} and 0")
    if tensor.scales.size and (np.abs(tensor.scales - scales) > BIAS_SCALE * scales).any():
        raise call.refuse("its bias has another scale than input times weights; convert the model again")
    return values.ravel().astype(np.int32)


def _factors(call: Call, x: Quant, scales: np.ndarray) -> np.ndarray:
    """Return by what sums are multiplied (filters,), rounded to float32 as the interpreter's kernels round them."""
    factors: np.ndarray = np.float32(x.scale) * scales.astype(np.float32) / np.float32(call.quant().scale)
    return factors


def weighted(call: Call, operator: Operator, x: Value, held: Held, bias: np.ndarray) -> Value:
    """Add an operator with the file's own weights (filters, ...), channels last, and biases (filters,)."""
    activation = call.activation()
    if held.scales is None:
        made = call.add(operator, x, activation=activation)
        node = made.node - bool(activation)
        call.draft.weights[node] = {"weight": held.values, "bias": bias}
        return made
    assert x.quant is not None
    quant = call.quant()
    pairs = [multiplier(float(f)) for f in _factors(call, x.quant, held.scales)]
    low, high = quant.clamp(activation.lower() if activation in ("RELU", "RELU6") else None)
    constants = {
        "weight": np.array(held.values, order="C"),
        "bias": np.array(bias),
        "multiplier": np.array([m for m, _ in pairs], np.int64),
        "shift": np.array([s for _, s in pairs], np.int64),
        "input_zero_point": np.array(x.quant.zero_point),
        "output_zero_point": np.array(quant.zero_point),
        "low": np.array(low),
        "high": np.array(high),
    }
    return call.add(operator, x, activation=activation, constants=constants)

"""Makers of random ONNX files, by name: of a seed and the path to write."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from drawn_onnx import drawn
from onnx import TensorProto, numpy_helper

STEPS = {"Greater", "Less", "GreaterOrEqual", "LessOrEqual", "ThresholdedRelu"}


def helper(seed: int, path: Path) -> None:
    """Write a graph of onnx.helper."""
    onnx.save(drawn(seed)[0], path)


def large(seed: int, path: Path) -> None:
    """Write a graph of onnx.helper that begins with an image or a series of 8 rows and columns or more."""
    onnx.save(drawn(seed, 8)[0], path)


def half(seed: int, path: Path) -> None:
    """Write a graph of onnx.helper in float16, one without steps: what it rounds may lie on the other side."""
    models = (drawn(seed + 10**8 * attempt)[0] for attempt in range(100))
    model = next(m for m in models if not STEPS.intersection(n.op_type for n in m.graph.node))
    for i, tensor in enumerate(model.graph.initializer):
        if tensor.data_type == TensorProto.FLOAT:
            array = numpy_helper.to_array(tensor).astype(np.float16)
            model.graph.initializer[i].CopyFrom(numpy_helper.from_array(array, tensor.name))
    for value in (*model.graph.input, *model.graph.output):
        if value.type.tensor_type.elem_type == TensorProto.FLOAT:
            value.type.tensor_type.elem_type = TensorProto.FLOAT16
    onnx.save(model, path)


def torchscript(seed: int, path: Path) -> None:
    """Write a torch network by the TorchScript exporter."""
    from drawn_torch import exported

    exported(seed, path, dynamo=False)


def dynamo(seed: int, path: Path) -> None:
    """Write a torch network by the exporter that is torch's default."""
    from drawn_torch import exported

    exported(seed, path, dynamo=True)
    model = onnx.load(path)  # with what lies beside it
    onnx.save(model, path)


def qdq(seed: int, path: Path) -> None:
    """Write a graph that onnxruntime has quantised, of onnx.helper or of the TorchScript exporter.

    Two ways of rounding differ by a unit in many elements: graphs have no steps, whose other side that may be, and no
    images of a few pixels, over which it does not average out.
    """
    random = np.random.default_rng(seed)
    make = large if random.random() < 0.5 else torchscript
    for attempt in range(100):
        make(seed + 10**8 * attempt, path)
        if STEPS.intersection(node.op_type for node in onnx.load(path).graph.node):
            continue
        try:
            _quantise(path, random)
        except Exception:  # noqa: BLE001  onnxruntime's own, of a graph that it can't run or quantise
            continue
        return
    raise AssertionError(f"no graph of seed {seed}")


def _quantise(path: Path, random: np.random.Generator) -> None:
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    given = onnx.load(path).graph.input[0]
    dims = [max(1, d.dim_value) for d in given.type.tensor_type.shape.dim]

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            rows = [random.normal(size=dims) + random.normal() for _ in range(24)]
            self.rows = iter({given.name: row.astype(np.float32)} for row in rows)

        def get_next(self) -> dict | None:
            return next(self.rows, None)

    unsigned = random.random() < 0.5
    logging.disable(logging.WARNING)
    quantize_static(
        str(path),
        str(path),
        Reader(),
        quant_format=QuantFormat.QDQ,
        per_channel=bool(random.random() < 0.6),
        activation_type=QuantType.QUInt8 if unsigned else QuantType.QInt8,
        weight_type=QuantType.QInt8,
        extra_options={"ActivationSymmetric": bool(random.random() < 0.2)},
    )
    logging.disable(logging.NOTSET)


MAKERS: dict[str, Callable[[int, Path], None]] = {
    "helper": helper,
    "torchscript": torchscript,
    "dynamo": dynamo,
    "qdq": qdq,
    "half": half,
}

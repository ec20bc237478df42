"""The oracle of an ONNX file: what we read of it must compute what onnxruntime computes of the file itself.

Both are fed the same random inputs, each in its own layout. Where the outputs differ, the tensors in between are
compared as well, so that the error can name the first node of the file at which the two part.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_nas.extras import install, need
from latent_nas.fixed_point import Quant
from latent_nas.graph.deploy import deploy
from latent_nas.interchange import onnx_classifiers
from latent_nas.interchange.agreement import INPUTS, floats_differ, random_inputs
from latent_nas.interchange.onnx_model import Model, Traced
from latent_nas.training.quantise import QuantisedNetwork

if TYPE_CHECKING:  # it imports torch
    from latent_nas.training.network import Network

INT8_STEPS = 2  # of the tensor's scale (rms): the files that we write differ by at most one, in single elements
INT8_ERROR = 0.1  # of what a tensor varies by from input to input: a correlation of 0.995
INT8_AGREEMENT = 0.75  # share of the inputs for which both decide alike, ties counted as alike


@dataclass(frozen=True)
class _Tensor:
    """A tensor as both compute it: ours and theirs (n, elements) in our order; ``step``: of int8, 0 of floats."""

    name: Traced
    ours: np.ndarray
    theirs: np.ndarray | None
    step: float

    def differs(self) -> str | None:
        """Return how far the two are apart, where that is too far."""
        if self.theirs is None:
            return "they differ in shape"
        if not np.isfinite(self.theirs).all():
            return "onnxruntime's are not finite"
        if not self.step:
            return floats_differ(self.ours, self.theirs)
        around = float(np.sqrt(self.theirs.var(axis=0).mean()))  # what the inputs change, not what they share
        error = float(np.sqrt(np.square(self.ours - self.theirs).mean()))
        decided = np.take_along_axis(self.theirs, self.ours.argmax(axis=1)[:, None], 1)[:, 0]
        alike = float((decided >= self.theirs.max(axis=1) - 2 * INT8_STEPS * self.step).mean())
        if error <= max(INT8_STEPS * self.step, INT8_ERROR * around) and alike >= INT8_AGREEMENT:
            return None
        return f"{error / self.step:.1f} int8 steps apart (rms), {alike:.0%} of the decisions alike"


def compare_float(path: Path, model: Model, network: "Network", low: float, high: float) -> None:
    """Compare a float network with its file, on inputs between ``low`` and ``high``.

    Raises:
        ValueError: they differ, or onnxruntime can't run the file.
    """
    import torch

    from latent_nas.training.network import to_tensor

    if (theirs := _Runtime.open(path, model)) is None:
        return
    x = theirs.inputs(low, high)
    with torch.inference_mode():
        values = [to_tensor(x)]
        for node in model.graph.nodes[1:]:
            values.append(network.operators[node.id](*(values[i] for i in node.inputs)))
    ours = [v.permute(0, 2, 3, 1).numpy() if v.ndim == 4 else v.numpy() for v in values]
    theirs.compare(x, ours, list(range(len(ours))), [0.0] * len(ours))


def compare_int8(path: Path, model: Model, network: QuantisedNetwork, data: np.ndarray | None = None) -> None:
    """Compare an int8 network with its QDQ file.

    Args:
        data: inputs (n, *input_shape) to compare on; None: random ones of the range that the file's input has.

    Raises:
        ValueError: they differ, or onnxruntime can't run the file.
    """
    if (theirs := _Runtime.open(path, model)) is None:
        return
    first: Quant = network.quants[0]
    low, high = first.dequantise(np.array([-128, 127], np.int8))
    x = theirs.inputs(float(low), float(high)) if data is None else data[:INPUTS]
    ours = [q.dequantise(t) for q, t in zip(network.quants, network.tensors(x), strict=True)]
    sources = [chain[-1] for chain in deploy(model.graph).sources]
    theirs.compare(x, ours, sources, [q.scale for q in network.quants])


@dataclass(frozen=True)
class _Runtime:
    """onnxruntime with the file, its tensors exposed."""

    path: Path
    model: Model
    session: Any

    @staticmethod
    def open(path: Path, model: Model) -> "_Runtime | None":
        """Return onnxruntime with a file; None where it isn't installed, which is said.

        Raises:
            ValueError: onnxruntime can't run the file.
        """
        onnx = need("onnx", "onnx")
        if find_spec("onnxruntime") is None:
            print(
                f"note: {path} was not compared with onnxruntime, which is not installed; it is in the extra onnx:"
                f" {install('onnx')}",
                file=sys.stderr,
            )
            return None
        runtime = need("onnxruntime", "onnx")
        file = onnx.load(path)
        onnx_classifiers.written_out(onnx, file)
        outputs = {v.name for v in file.graph.output}
        makes = {name for node in file.graph.node for name in node.output}
        for name in sorted({t.tensor for t in model.traced.values()} & makes - outputs):
            file.graph.output.append(onnx.ValueInfoProto(name=name))
        options = runtime.SessionOptions()
        options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL  # the operators as they are
        options.add_session_config_entry("session.x64quantprecision", "1")  # else 16-bit sums saturate on AVX2
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4  # its words come back as errors
        try:
            session = runtime.InferenceSession(file.SerializeToString(), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001  of a dozen classes, not exported
            raise _cannot_run(path, error) from None
        return _Runtime(path, model, session)

    def inputs(self, low: float, high: float) -> np.ndarray:
        """Return random inputs (n, *input_shape), channels last; whole numbers where the file takes them as such."""
        x, given = random_inputs(self.model.graph.input_shape, low, high), self.model.given
        return (x if given.dtype.kind == "f" or given.rounding else np.rint(x)).astype(np.float32)

    def compare(self, x: np.ndarray, ours: list[np.ndarray], nodes: list[int], steps: list[float]) -> None:
        """Compare our tensors, channels last, with the file's.

        Args:
            nodes: of the model's graph, which make ``ours``. steps: scales of int8 tensors, 0 of floats.

        Raises:
            ValueError: the last ones differ; the message names the first that do.
        """
        traced = self.model.traced
        both = [i for i, node in enumerate(nodes) if node in traced and node]
        if not both or both[-1] != len(nodes) - 1:
            raise ValueError(f"{self.path} has no tensor to compare with the output of its graph; is it all constants?")
        theirs = self._run(x, [traced[nodes[i]].tensor for i in both])
        pairs = [
            _Tensor(
                traced[nodes[i]],
                ours[i].reshape(len(x), -1),
                _in_our_order(values, traced[nodes[i]]),
                steps[i],
            )
            for i, values in zip(both, theirs, strict=True)
        ]
        if pairs[-1].differs() is None:
            return
        first = next(p for p in pairs if p.differs() is not None)
        raise ValueError(
            f"{self.path} is read wrongly: onnxruntime computes something else, first at {first.name.what}"
            f" ({first.differs()}); please report the file as an issue, and export it with another setting of that node"
        )

    def _run(self, x: np.ndarray, names: Sequence[str]) -> list[list[np.ndarray]]:
        """Return the tensors of these names: of each, one array per input, without the batch."""
        given = self.model.given
        rows = []
        for row in given.to_file(x):
            fed = np.broadcast_to(row, given.dims)
            try:
                rows.append(self.session.run(list(names), {given.name: np.ascontiguousarray(fed)}))
            except Exception as error:  # noqa: BLE001  as above
                raise _cannot_run(self.path, error) from None
        return [[np.asarray(row[i]) for row in rows] for i in range(len(names))]


def _in_our_order(values: list[np.ndarray], name: Traced) -> np.ndarray | None:
    """Return a tensor of the file as (n, elements) in our order; None if it has another shape than was read."""
    rows = np.empty((len(values), name.order.size))
    for row, value in zip(rows, values, strict=True):
        first = value[:1] if value.ndim == name.order.ndim and name.order.shape[0] == 1 else value
        if first.size != name.order.size:
            return None
        row[name.order.ravel()] = first.ravel()
    return rows


def _cannot_run(path: Path, error: Exception) -> ValueError:
    reason = " ".join(str(error).split())[-160:]  # it begins with the place in onnxruntime's source
    return ValueError(f"{path} can't be compared: onnxruntime does not run it ({reason}); wanted a file that it runs")

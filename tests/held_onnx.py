"""What becomes of an ONNX file: refused in a line, or deployed and held against onnxruntime, or wrong."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from latent_nas.interchange.onnx_import import read_model
from latent_nas.interchange.onnx_model import Model
from latent_nas.interchange.onnx_network import float_network, open_int8
from latent_nas.training.quantise import QuantisedNetwork

SAMPLES = 24
FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "Softmax": lambda y: (
        np.exp(y - y.max(1, keepdims=True)) / np.exp(y - y.max(1, keepdims=True)).sum(1, keepdims=True)
    ),
    "LogSoftmax": lambda y: (
        y - y.max(1, keepdims=True) - np.log(np.exp(y - y.max(1, keepdims=True)).sum(1, keepdims=True))
    ),
    "Sigmoid": lambda y: 1 / (1 + np.exp(-y)),
    "ArgMax": lambda y: y.argmax(1, keepdims=True).astype(float),
}


@dataclass(frozen=True)
class Fate:
    """What a file became: "accepted", "refused", "wrong" or "imprecise" (int8 far from floats), and why."""

    kind: str
    why: str = ""


def fate(path: Path, seed: int = 0, deployed: bool = True) -> Fate:
    """Return what becomes of a file, by a comparison of its own: no part of the package's oracle is used.

    Args:
        deployed: make the int8 network too.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.x64quantprecision", "1")
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        x, theirs = _answers(session, seed)
    except Exception as error:  # noqa: BLE001  onnxruntime's own, of a graph that is none
        return Fate("no graph", str(error).splitlines()[0][-120:])
    if not np.isfinite(theirs).all() or np.abs(theirs).max() > 1e6:
        return Fate("no graph", "infinite")
    try:
        model = read_model(path, weights=True)
        if model.quants:
            network = _rounded(path, x)
            ours = network.outputs(model.given.from_file(x, model.graph.input_shape))
            if model.ending.startswith("ArgMax"):
                alike = float((ours.argmax(1) == theirs.ravel()).mean())
                return Fate("accepted") if alike >= 0.7 else Fate("wrong", f"{alike:.0%} of the decisions")
            rounded = 0.003 if model.ending.startswith(("Softmax", "Sigmoid")) else 0.0  # by the file, to 1 / 127
            return _judged(_as_file(model, ours), theirs, 0.35, max(network.quants[-1].scale, rounded))
        floats = float_network(model, path).outputs(model.given.from_file(x, model.graph.input_shape))
        floats = floats.transpose(0, 2, 3, 1) if floats.ndim == 4 else floats  # as the integers
        half = x.dtype == np.float16  # sums of which are far coarser
        steps = 1e-3 * float(np.abs(theirs).max()) if half else 0.0
        held = _judged(_as_file(model, floats), theirs, 2e-2 if half else 1e-3, steps)
        if held.kind != "accepted" or not deployed:
            return held
        data = path.with_suffix(".npy")
        np.save(data, x)
        network = open_int8(path, data)
    except ValueError as error:
        text = str(error)
        assert "\n" not in text, text
        return Fate(
            "wrong reading, found by the oracle" if "read wrongly" in text else "refused", text.split(": ", 1)[-1]
        )
    ours = network.outputs(model.given.from_file(x, model.graph.input_shape))
    coarse = _judged(ours, floats, 0.5, network.quants[-1].scale)
    return coarse if coarse.kind == "accepted" else Fate("imprecise", coarse.why)


def _rounded(path: Path, x: np.ndarray) -> QuantisedNetwork:
    """Return a QDQ file's network, with data where it leaves tensors floats."""
    try:
        return open_int8(path)
    except ValueError as error:
        if "wants data" not in str(error):
            raise
        data = path.with_suffix(".npy")
        np.save(data, x)
        return open_int8(path, data)


def _answers(session: onnxruntime.InferenceSession, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs as the file has them (n, ...), and the file's first output of each (n, ...)."""
    given = session.get_inputs()[0]
    dims = [d if isinstance(d, int) else 1 for d in given.shape]
    random = np.random.default_rng(seed)
    shape = (SAMPLES, *dims[1:])
    x = random.normal(size=shape) + random.normal(size=(SAMPLES, *[1] * (len(dims) - 1)))
    kind = {
        "tensor(float)": np.float32,
        "tensor(float16)": np.float16,
        "tensor(uint8)": np.uint8,
        "tensor(int8)": np.int8,
    }
    dtype = kind[given.type]
    if dtype in (np.uint8, np.int8):
        x = random.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, shape, endpoint=True)
    x = x.astype(dtype)
    outputs = [session.run(None, {given.name: np.repeat(row[None], dims[0], 0)})[0][:1] for row in x]
    return x, np.concatenate([np.asarray(y, float) for y in outputs])


def _as_file(model: Model, ours: np.ndarray) -> np.ndarray:
    """Return our outputs as the file has them: channels first, and with the functions that were left out."""
    if any("the file has them first" in note for note in model.notes):
        ours = ours.transpose(0, 3, 1, 2)
    left_out = model.ending.split(" left out")[0].split(" and ") if model.ending else []
    for name in left_out:
        ours = FUNCTIONS[name](ours)
    return ours


def _judged(ours: np.ndarray, theirs: np.ndarray, share: float, step: float) -> Fate:
    """Compare outputs: ``share`` of their spread may be the error (rms), beside three int8 steps."""
    if ours.size != theirs.size:
        return Fate("wrong", f"outputs {ours.shape}, wanted {theirs.shape}")
    ours, theirs = ours.reshape(len(ours), -1), theirs.reshape(len(theirs), -1)
    error = float(np.sqrt(np.square(ours - theirs).mean()))
    allowed = max(share * float(theirs.std()), 3 * step, 1e-4 * float(np.abs(theirs).max()) + 1e-6)
    return Fate("accepted") if error <= allowed else Fate("wrong", f"error {error:.3g}, allowed {allowed:.3g}")

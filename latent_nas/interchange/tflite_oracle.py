"""The oracle of a .tflite file: what we read of it must compute what the file's own interpreter computes.

Both are fed the same random inputs. The interpreter gives every tensor of the file, and each of our operators is run on
these: one that is read wrongly shows itself whatever comes after it, and roundings do not add up on the way there.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latent_nas.extras import install
from latent_nas.graph import Node
from latent_nas.interchange.agreement import INPUTS, floats_differ, random_inputs
from latent_nas.interchange.tflite_file import Tensor
from latent_nas.interchange.tflite_import import Model
from latent_nas.training.quantise import QuantisedNetwork

if TYPE_CHECKING:  # it imports torch
    from latent_nas.training.network import Network

UNITS = 1  # by which an int8 operator may differ: kernels round once or twice, and ties to either side
MOST_BYTES = 2**28  # of the tensors of all inputs: fewer are taken where they are larger
PROCESS = Path(__file__).with_name("_litert_process.py")
Run = Callable[[Node, list[np.ndarray]], np.ndarray]


def compare_int8(path: Path, model: Model, network: QuantisedNetwork) -> None:
    """Compare an int8 network with its file, on inputs of the range that the file's input has.

    Raises:
        ValueError: they differ, or the interpreter can't run the file.
    """
    if not _installed(path):
        return
    low, high = (float(v) for v in network.quants[0].dequantise(np.array([-128, 127], np.int8)))
    x = random_inputs(network.graph.input_shape, low, high, _number(model))

    def run(node: Node, inputs: list[np.ndarray]) -> np.ndarray:
        return node.operator.int8(network.constants[node.id], *inputs)

    entered = network.graph.input.enter(x.astype(np.float32), network.quants[0])
    theirs = _compare(path, model, x, entered, run)
    apart = _units(network.integers(x.astype(np.float32)), theirs)
    if apart > UNITS:
        _say(
            f"{path}: outputs are up to {apart} int8 units from the interpreter's: every operator alone is within"
            f" {UNITS}, but roundings add up over {len(network.graph.nodes) - 1} of them"
        )


def compare_float(path: Path, model: Model, network: "Network", low: float, high: float) -> None:
    """Compare a float network with its file, on inputs between ``low`` and ``high``.

    Raises:
        ValueError: they differ, or the interpreter can't run the file.
    """
    if not _installed(path):
        return
    import torch

    from latent_nas.training.network import to_tensor

    def run(node: Node, inputs: list[np.ndarray]) -> np.ndarray:
        with torch.inference_mode():
            made = network.operators[node.id](*(to_tensor(x) for x in inputs))
        array: np.ndarray = (made.permute(0, 2, 3, 1) if made.ndim == 4 else made).numpy()
        return array

    x = random_inputs(model.graph.input_shape, low, high, _number(model)).astype(np.float32)
    _compare(path, model, x, x, run)


def _compare(path: Path, model: Model, x: np.ndarray, entered: np.ndarray, run: Run) -> np.ndarray:
    """Compare every operator; return the file's tensor (n, ...) of the last node.

    Args:
        x: inputs, real. entered: the same as our network takes them.
    """
    first, refused = "", ValueError()
    for reference in (False, True):  # fast kernels have faults and limits of their own
        try:
            theirs = tensors(path, model, x, reference)
        except ValueError as error:
            refused = error
            continue
        apart = _first_apart(model, theirs, entered, run)
        if apart is None:
            if first:
                _say(f"{path}: the interpreter's fast kernels are apart at {first}, its reference kernels agree")
            return theirs[len(model.graph.nodes) - 1]
        first = first or apart
    if not first:
        raise refused
    raise ValueError(
        f"{path} is read wrongly: the interpreter computes something else, first at {first}; please report the file as"
        " an issue, and convert it with another setting of that operator"
    )


def _first_apart(model: Model, theirs: dict[int, np.ndarray], entered: np.ndarray, run: Run) -> str | None:
    """Return the first operator that computes something else of the file's own tensors, and how far it is apart."""
    tensors: list[np.ndarray] = []
    for node in model.graph.nodes:
        ours = run(node, [tensors[i] for i in node.inputs]) if node.id else entered
        tensors.append(theirs.get(node.id, ours))
        if node.id not in theirs:
            continue
        if not np.isfinite(theirs[node.id]).all():
            return f"{model.traced[node.id][1]} (the interpreter's are not finite)"
        if model.quants:
            apart = _units(ours, theirs[node.id])
            words = None if apart <= UNITS else f"up to {apart} int8 units apart"
        else:
            words = floats_differ(ours, theirs[node.id])
        if words:
            return f"{model.traced[node.id][1]} ({words})"
    return None


def _units(a: np.ndarray, b: np.ndarray) -> int:
    return int(np.abs(a.astype(int) - b.astype(int)).max())


def tensors(path: Path, model: Model, x: np.ndarray, reference: bool) -> dict[int, np.ndarray]:
    """Return the file's tensors (n, *shape), as our nodes have them, by node.

    Raises:
        ValueError: the interpreter can't run the file.
    """
    numbers = {node: number for node, (number, _) in model.traced.items()}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "model.tflite").write_bytes(model.file.exposing(list(dict.fromkeys(numbers.values()))))
        np.save(place / "inputs.npy", _as_given(model.given(x), model.file.tensors[model.file.input]))
        arguments = [str(place / name) for name in ("model.tflite", "inputs.npy", "outputs.npz")]
        found = subprocess.run(
            [sys.executable, str(PROCESS), *arguments, *["reference"] * reference],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
            capture_output=True,
            check=False,
        )
        if found.returncode:
            raise ValueError(f"{path} can't be compared: the interpreter does not run it ({_reason(found)})")
        with np.load(place / "outputs.npz") as held:
            return {
                node: _as_ours(held[str(number)], model.file.tensors[number], model.graph.nodes[node])
                for node, number in numbers.items()
            }


def _reason(found: "subprocess.CompletedProcess[bytes]") -> str:
    if found.returncode < 0:
        return f"it ends by {signal.Signals(-found.returncode).name}"
    lines = found.stderr.decode(errors="replace").strip().splitlines() or ["it says nothing"]
    return lines[-1].removeprefix("refused: ")[-200:]


def _as_given(x: np.ndarray, tensor: Tensor) -> np.ndarray:
    """Return inputs as the file takes them."""
    if tensor.kind == "FLOAT32":
        return x.astype(np.float32)
    integers = tensor.quant().quantise(x)
    return integers if tensor.kind == "INT8" else (integers.astype(np.int16) + 128).astype(np.uint8)


def _as_ours(values: np.ndarray, tensor: Tensor, node: Node) -> np.ndarray:
    """Return a tensor of the file as the node makes it."""
    if tensor.kind == "UINT8":
        values = (values.astype(np.int16) - 128).astype(np.int8)
    return values.reshape(len(values), *node.shape)


def _number(model: Model) -> int:
    """Return on how many inputs the two are compared."""
    bytes_each = sum(int(np.prod(node.shape)) for node in model.graph.nodes) * (1 if model.quants else 4)
    return int(np.clip(MOST_BYTES // bytes_each, 2, INPUTS))


def _installed(path: Path) -> bool:
    """Return whether the interpreter is there; if not, say so."""
    if find_spec("ai_edge_litert") is not None:
        return True
    _say(
        f"{path} was not compared with its interpreter, which is not installed; it is in the extra tflite:"
        f" {install('tflite')}"
    )
    return False


def _say(line: str) -> None:
    print(f"note: {line}", file=sys.stderr)

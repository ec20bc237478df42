"""Random .tflite files against their own interpreter: how many are read, refused in a line, or read wrongly.

    python benchmarks/fuzz_tflite.py --networks 1000 --damaged 2000 [--seed 0] [--published 16]

Networks grow from random layers (``tests/tflite_random.py``), every third float, the others int8 with int8, uint8 or
float ends. What is read has passed the oracle, operator by operator; its outputs are then compared with the
interpreter's of the whole file on other inputs, closing function included: "silently wrong" are outputs that are
further apart than roundings come to. Damaged files (bits flipped, ends cut off) must be refused in one line, or agree
with the interpreter as read. ``--published``: on how many inputs published networks are compared, as .tflite files and
as tf2onnx makes them of these.
"""

import argparse
import contextlib
import io
import sys
import tempfile
import traceback
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from tflite_graphs import float_file, int8_file
from tflite_random import Draw

from latent_nas.interchange.tflite_network import open_int8
from latent_nas.training.quantise import QuantisedNetwork

ENDS = ("INT8", "UINT8", "FLOAT32")
CALIBRATION, OTHERS = 16, 8  # inputs
FAR = 0.15  # of what the outputs vary by: far beyond roundings, and nothing that is read wrongly stays below


def log_softmax(y: np.ndarray) -> np.ndarray:
    """Return the logarithms of the probabilities of logits (n, classes)."""
    below: np.ndarray = y - y.max(axis=1, keepdims=True)
    return below - np.log(np.exp(below).sum(axis=1, keepdims=True))


CLOSED = {  # what closes a network, and the step of its int8 output
    "SOFTMAX": (lambda y: np.exp(log_softmax(y)), 1 / 256),
    "LOGISTIC": (lambda y: 1 / (1 + np.exp(-y)), 1 / 256),
    "LOG_SOFTMAX": (log_softmax, 1 / 16),
}


def interpreted(data: bytes, x: np.ndarray) -> np.ndarray:
    """Return the reals (n, outputs) that the interpreter makes of real inputs (n, ...) by the whole file."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    try:
        interpreter = Interpreter(model_content=data, num_threads=1)
        interpreter.allocate_tensors()
    except RuntimeError:  # of its fast kernels
        interpreter = Interpreter(model_content=data, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
        interpreter.allocate_tensors()
    first, last = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    rows = []
    for row in x[:, None]:
        scale, zero = first["quantization"]
        limits = None if first["dtype"] == np.float32 else np.iinfo(first["dtype"])
        given = row if limits is None else np.clip(np.rint(row / scale) + zero, limits.min, limits.max)
        interpreter.set_tensor(first["index"], given.astype(first["dtype"]))
        interpreter.invoke()
        y = interpreter.get_tensor(last["index"]).astype(float)
        rows.append(
            y.ravel()
            if last["dtype"] == np.float32
            else (y.ravel() - last["quantization"][1]) * last["quantization"][0]
        )
    return np.array(rows)


def apart(network: QuantisedNetwork, data: bytes, closing: str, x: np.ndarray) -> tuple[float, float]:
    """Return how far outputs are apart (rms), in shares of what they vary by, and in int8 units at most."""
    theirs, (function, step) = interpreted(data, x), CLOSED.get(closing, (lambda y: y, network.quants[-1].scale))
    ours = network.outputs(x.reshape(len(x), *network.graph.input_shape).astype(np.float32)).reshape(len(x), -1)
    ours = function(ours.astype(float))
    error, around = np.sqrt(np.square(ours - theirs).mean()), np.sqrt(theirs.var(axis=0).mean())
    return float(error / max(around, 8 * step)), float(np.abs(ours - theirs).max() / step)


def networks(n: int, seed: int, place: Path) -> None:
    """Print what becomes of random networks."""
    count: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    units: list[float] = []
    for i in range(seed, seed + n):
        layers, random = Draw(i).network(), np.random.default_rng(i)
        shape = layers[0].dims[1:]
        x, kind = random.normal(size=(CALIBRATION, *shape)).astype(np.float32), "float" if i % 3 == 0 else "int8"
        data = float_file(layers) if kind == "float" else int8_file(layers, x, ENDS[i // 3 % 3], per_tensor=i % 5 == 0)
        path, held = place / "m.tflite", place / "x.npy"
        path.write_bytes(data)
        np.save(held, x)
        try:
            with contextlib.redirect_stderr(io.StringIO()):
                network = open_int8(path, held if kind == "float" else None)
            error, most = apart(network, data, layers[-1].code, random.normal(size=(OTHERS, *shape)))
            if error > FAR and kind == "int8":
                count["int8: SILENTLY WRONG"] += 1
                print(f"seed {i}: outputs are {error:.2f} of what they vary by apart, {most:.0f} units")
            else:
                count[f"{kind}: read"] += 1
            if kind == "int8":
                units.append(most)
        except ValueError as error:
            line = str(error)
            bad = "read wrongly" in line or "\n" in line
            count[f"{kind}: {'WRONG, found by the oracle' if bad else 'refused'}"] += 1
            reasons[line.split(": ", 1)[-1][:110]] += 1
            if bad:
                print(f"seed {i}: {line}")
        except Exception:  # noqa: BLE001  what it is for
            count[f"{kind}: TRACEBACK"] += 1
            print(f"seed {i}:\n{traceback.format_exc()}")
        if (i - seed + 1) % 100 == 0:
            print(f"{i - seed + 1} of {n}: {dict(count)}", file=sys.stderr, flush=True)
    print(f"{n} networks: " + ", ".join(f"{k} {v}" for k, v in sorted(count.items())))
    if units:
        within = [sum(u <= most + 1e-6 for u in units) for most in (1, 2, 4)]
        print(f"int8 outputs within 1, 2 and 4 units of the interpreter's: {within} of {len(units)} networks")
    for reason, times in reasons.most_common(12):
        print(f"  refused {times}: {reason}")


def published(n: int, place: Path) -> None:
    """Print how far the int8 outputs of published networks are from the interpreter's, on so many inputs."""
    from tflite_as_onnx import write
    from tflite_published import NETWORKS

    from latent_nas.interchange.onnx_network import open_int8 as open_onnx

    for name, network in NETWORKS.items():
        layers, random = network(), np.random.default_rng(0)
        x, others = random.normal(size=(2, n, *layers[0].dims[1:])).astype(np.float32)
        closed, per_tensor = layers[-1].code == "SOFTMAX", name == "autoencoder"
        data = int8_file(layers[: len(layers) - closed], x, per_tensor=per_tensor)
        path = place / "m.tflite"
        path.write_bytes(data)
        theirs = interpreted(data, others)
        with contextlib.redirect_stderr(io.StringIO()):
            read = open_int8(path), open_onnx(write(place / "m.onnx", layers, x, per_tensor))
        found = []
        for one in read:
            units = np.rint(np.abs(one.outputs(others) - theirs) / one.quants[-1].scale).max(axis=1)
            found.append(f"within 1 unit {(units <= 1).sum()} of {n} inputs, worst {units.max():.0f}")
        macs, parameters = read[0].graph.macs, read[0].graph.parameters
        print(f"{name:17} {macs:11,} MACs {parameters:8,} parameters; .tflite {found[0]}; QDQ {found[1]}", flush=True)


def damaged(n: int, seed: int, place: Path) -> None:
    """Print what becomes of damaged files."""
    count: Counter[str] = Counter()
    random = np.random.default_rng(seed)
    for i in range(n):
        if i % 50 == 0:
            layers = Draw(seed + i).network(4)
            x = np.random.default_rng(i).normal(size=(4, *layers[0].dims[1:]))
            whole = int8_file(layers, x, ENDS[i // 50 % 3])
        spoilt = bytearray(whole)
        for at in random.integers(len(whole), size=random.integers(1, 4)):
            spoilt[at] ^= 1 << random.integers(8)
        path = place / "d.tflite"
        path.write_bytes(bytes(spoilt[: random.integers(len(whole))] if i % 9 == 0 else spoilt))
        try:
            with contextlib.redirect_stderr(io.StringIO()):
                open_int8(path)
            count["read, and equal to the interpreter"] += 1
        except ValueError as error:
            line = str(error)
            kind = "READ WRONGLY" if "read wrongly" in line else "interpreter ends" if "ends by" in line else "refused"
            count["MORE THAN A LINE" if "\n" in line else kind] += 1
            if kind == "READ WRONGLY":
                print(line)
        except Exception:  # noqa: BLE001  what it is for
            count["TRACEBACK"] += 1
            print(traceback.format_exc())
    print(f"{n} damaged files: " + ", ".join(f"{k} {v}" for k, v in sorted(count.items())))


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--networks", type=int, default=1000)
    parser.add_argument("--damaged", type=int, default=2000)
    parser.add_argument("--published", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.published:
            published(arguments.published, Path(folder))
        if arguments.networks:
            networks(arguments.networks, arguments.seed, Path(folder))
        if arguments.damaged:
            damaged(arguments.damaged, arguments.seed, Path(folder))


if __name__ == "__main__":
    main()

"""Where a published network as .tflite differs from its interpreter, and whether float32 products are the reason.

    python benchmarks/float32_rounding.py [--network mobilenet_v2] [--inputs 16]

Compared are our integers, XNNPACK (the interpreter's default kernels) and its reference kernels; every operator alone,
fed with the interpreter's own tensors; and our integers with XNNPACK's arithmetic put in: sums times a float32 factor,
rounded half to even, and an addition's factors divided in float32.
"""

import argparse
import contextlib
import io
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from tflite_graphs import int8_file
from tflite_published import NETWORKS

from latent_nas.interchange.tflite_import import read_model
from latent_nas.interchange.tflite_network import open_int8
from latent_nas.interchange.tflite_oracle import tensors
from latent_nas.interchange.tflite_run import litert
from latent_nas.operators import conv2d, dense, global_pool
from latent_nas.training.quantise import QuantisedNetwork


def in_float32(
    accumulator: np.ndarray, m: np.ndarray, shift: np.ndarray, zero_point: int, low: int, high: int
) -> np.ndarray:
    """Return what ``fixed_point.requantise`` does, as XNNPACK computes it."""
    factor = (np.asarray(m, float) / 2.0 ** np.asarray(shift, float)).astype(np.float32)
    return np.clip(np.rint(accumulator.astype(np.float32) * factor) + zero_point, low, high).astype(np.int8)


def with_float32_factors(network: QuantisedNetwork) -> QuantisedNetwork:
    """Return a network whose additions have factors as XNNPACK computes them."""
    constants = list(network.constants)
    for node in network.graph.nodes:
        if node.operator.kind == "add":
            out, held = np.float32(network.quants[node.id].scale), constants[node.id]
            factors = [float(np.float32(network.quants[i].scale) / out) for i in node.inputs]
            multipliers = np.array([round(f * 2 ** int(held["shift"])) for f in factors], np.int32)
            constants[node.id] = {**held, "multipliers": multipliers}
    return replace(network, constants=tuple(constants))


def apart(name: str, a: np.ndarray, b: np.ndarray) -> None:
    """Print how far two outputs (n, outputs) are apart."""
    off = np.abs(a.astype(int) - b.astype(int)).reshape(len(a), -1)
    within = (off.max(axis=1) <= 1).sum()
    print(f"{name}: {within} of {len(a)} inputs within 1, {(off == 0).mean():.1%} of outputs equal, worst {off.max()}")


def alone(network: QuantisedNetwork, integers: np.ndarray, theirs: dict[int, np.ndarray]) -> str:
    """Return in words how many elements differ by kind of operator, each fed with the interpreter's tensors."""
    off, elements, worst = Counter[str](), Counter[str](), Counter[str]()
    made = [integers]
    for node in network.graph.nodes[1:]:
        mine, kind = node.operator.int8(network.constants[node.id], *(made[i] for i in node.inputs)), node.operator.kind
        made.append(theirs.get(node.id, mine))
        units = np.abs(mine.astype(int) - made[-1])
        off[kind] += int((units > 0).sum())
        elements[kind] += units.size
        worst[kind] = max(worst[kind], int(units.max()))
    return ", ".join(f"{kind} {off[kind]:,} of {n:,} off, worst {worst[kind]}" for kind, n in elements.items())


def main() -> None:
    """Print all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="mobilenet_v2", choices=NETWORKS)
    parser.add_argument("--inputs", type=int, default=16)
    arguments = parser.parse_args()
    layers, random = NETWORKS[arguments.network](), np.random.default_rng(0)
    x, others = random.normal(size=(2, arguments.inputs, *layers[0].dims[1:])).astype(np.float32)
    data = int8_file(layers[: len(layers) - (layers[-1].code == "SOFTMAX")], x)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.tflite"
        path.write_bytes(data)
        with contextlib.redirect_stderr(io.StringIO()):
            network, model = open_int8(path), read_model(path)
        integers = network.quants[0].quantise(others)
        fast, slow = (litert(data, integers, reference=kind).reshape(len(others), -1) for kind in (False, True))
        ours = network.integers(others).reshape(len(others), -1)
        apart("ours and XNNPACK", ours, fast)
        apart("ours and the reference kernels", ours, slow)
        apart("XNNPACK and the reference kernels", fast, slow)
        for kernels, slowly in (("XNNPACK", False), ("reference kernels", True)):
            print(f"operators alone, {kernels}: {alone(network, integers, tensors(path, model, others, slowly))}")
    for module in (conv2d, dense, global_pool):
        module.requantise = in_float32  # type: ignore[attr-defined]
    exact = with_float32_factors(network).integers(others).reshape(len(others), -1)
    apart("ours in float32 and XNNPACK", exact, fast)


if __name__ == "__main__":
    main()

"""Networks with the operators that spaces lack, from PyTorch to a device: what differs, and what runs.

    python benchmarks/networks_abroad.py [--cores cortex-m0+,cortex-m4] [--names neck,halves]

Of each: the float file and onnxruntime, as a share of the outputs' standard deviation; the file that onnxruntime's tool
rounds, int8 and uint8, and our integers, in steps of the output (rms, largest); instructions on the emulated STM32F405,
and on how many cores the firmware has the reference's bits.
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import onnxruntime
from networks_abroad import NETWORKS, exported, rounded

from latent_nas import plugins
from latent_nas.cores import open_core
from latent_nas.devices import open_device
from latent_nas.firmware.check import emulate
from latent_nas.firmware.compile import build
from latent_nas.firmware.export import project
from latent_nas.interchange.onnx_import import read_model
from latent_nas.interchange.onnx_network import float_network, open_int8
from latent_nas.training.quantise import QuantisedNetwork

DEVICE = open_device("stm32f405")


def theirs(path: Path, x: np.ndarray) -> np.ndarray:
    """Return onnxruntime's outputs (n, elements) of a file."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.x64quantprecision", "1")
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"x": one[None]})[0].reshape(1, -1) for one in x])


def ours(outputs: np.ndarray) -> np.ndarray:
    """Return outputs (n, ...), channels last, as ONNX orders them, (n, elements)."""
    return (outputs.transpose(0, 3, 1, 2) if outputs.ndim == 4 else outputs).reshape(len(outputs), -1)


def last(x: np.ndarray) -> np.ndarray:
    return x.transpose(0, 2, 3, 1) if x.ndim == 4 else x


def steps(path: Path, x: np.ndarray) -> str:
    """Return how far our integers of a rounded file are from onnxruntime, in steps of the output."""
    network = open_int8(path)
    off = (ours(network.outputs(last(x))) - theirs(path, x)) / network.quants[-1].scale
    return f"{np.sqrt((off**2).mean()):.2f}, {np.abs(off).max():.0f}"


def bits(network: QuantisedNetwork, x: np.ndarray, cores: list[str], folder: Path) -> tuple[int, int]:
    """Return instructions on the STM32F405, and on how many cores the firmware has the reference's bits."""
    alike, instructions = 0, 0
    for core in cores:
        device = replace(DEVICE, core=open_core(core))
        made = project(network, device)
        made.write(folder)
        report = emulate(made, build(folder, device.core), last(x)[:2])[1]
        alike += report["bit_exact"]
        instructions = report["instructions"] if core == DEVICE.core.name else instructions
    return instructions, alike


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--cores", default=",".join(plugins.names("cores")))
    parser.add_argument("--names", default=",".join(NETWORKS))
    arguments = parser.parse_args()
    cores = arguments.cores.split(",")
    print("| network | operators | float | int8: rms, largest | uint8 | instructions | bit-exact cores |")
    print("|---|---|---|---|---|---|---|")
    for name in arguments.names.split(","):
        data, x = exported(name)
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            path = folder / "m.onnx"
            path.write_bytes(data)
            np.savez(folder / "x.npz", x=x)
            network = open_int8(path, folder / "x.npz")
            floats = float_network(read_model(path, weights=True), path).outputs(last(x))  # channels first
            wanted = theirs(path, x)
            off = np.abs(floats.reshape(wanted.shape) - wanted).max() / wanted.std()
            whole = [steps(rounded(folder, path, x, unsigned), x) for unsigned in (False, True)]
            count, alike = bits(network, x, cores, folder / "fw")
        nodes = len(network.graph.nodes) - 1
        print(
            f"| {name} | {nodes} | {off:.1e} | {whole[0]} | {whole[1]} | {count:,} | {alike} of {len(cores)} |",
            flush=True,
        )


if __name__ == "__main__":
    main()

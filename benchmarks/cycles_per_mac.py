"""Cycles and instructions per MAC of the four MLPerf Tiny networks, by this project's kernels on an emulated board.

    python benchmarks/cycles_per_mac.py [--device stm32l4r5]

Weights are drawn, one inference is run, its instructions are counted by class, and the core's cycle model makes cycles
of them (``Core.cycles``). Beside stands what X-CUBE-AI 9 took, published for boards with a Cortex-M4: the first three
from ST's results in MLPerf Tiny v1.1 and v1.2; its MobileNetV1 skips weights that are 0, so Bosch HALE's stands there.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from latent_nas.cores import CLASSES
from latent_nas.devices import open_device
from latent_nas.firmware.compile import build
from latent_nas.firmware.draw import drawn
from latent_nas.firmware.elf import read
from latent_nas.firmware.emulate import Emulator
from latent_nas.firmware.export import project
from latent_nas.zoo import open_network

PUBLISHED = {  # cycles per MAC
    "mlperf_resnet8": 1.585,
    "mlperf_ds_cnn": 1.95,
    "mlperf_mobilenet_v1_025_96": 2.89,
    "mlperf_autoencoder": 1.84,
}


def main() -> None:
    """Print a row per network."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--device", default="stm32l4r5")
    arguments = parser.parse_args()
    device = open_device(arguments.device)
    print(
        f"{'network':30}{'MACs':>12}{'instructions':>14}{'cycles':>9}{'+-':>6}{'published':>11}   cycles, by operator"
    )
    for name, published in PUBLISHED.items():
        network, x = drawn(open_network(name), 0, 2)
        made = project(network, device)
        with tempfile.TemporaryDirectory() as folder:
            made.write(Path(folder))
            emulator = Emulator(read(build(Path(folder), device.core)), device, [one for _, one in made.operators])
        emulator.run(network.quants[0].quantise(x)[0], network.graph.output_shape[-1])
        count, macs = emulator.count(), network.graph.macs
        cycles, error, _ = device.core.cycles(count.instructions, named(count.mix), device.clock_hz)
        row = f"{name:30}{macs:12,}{count.instructions / macs:14.3f}{cycles / macs:9.3f}{error:6.0%}{published:11}   "
        share: dict[str, float] = {}
        for operator, mix in count.mix_by_operator.items():
            kernel = operator.split("_", 2)[2]
            took = device.core.cycles(count.by_operator[operator], named(mix), device.clock_hz)[0]
            share[kernel] = share.get(kernel, 0.0) + took / cycles
        print(row + ", ".join(f"{kernel} {part:.0%}" for kernel, part in sorted(share.items(), key=lambda k: -k[1])))


def named(mix: np.ndarray) -> dict[str, int]:
    """Return instructions by the name of their class."""
    return dict(zip(CLASSES, mix.tolist(), strict=True))


if __name__ == "__main__":
    main()

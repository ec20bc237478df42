"""Firmware of one network for every device: compiled, run on the emulated device, compared bit by bit.

python benchmarks/boards.py [--inputs 3] [--only stm32u585 ...]
"""

import argparse
import tempfile
from pathlib import Path

import firmware_parity

from latent_nas import plugins
from latent_nas.devices import open_device

GENES_SEED = 3


def main() -> None:
    """Print a line per device."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--inputs", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=plugins.names("devices"), help="devices; default: all")
    arguments = parser.parse_args()
    graph = firmware_parity.networks(1, GENES_SEED)[0]
    for name in arguments.only:
        device = open_device(name)
        with tempfile.TemporaryDirectory() as folder:
            found = firmware_parity.measure(graph, 0, arguments.inputs, Path(folder), False, device)
        same = f"{found['equal_tensors']} of {found['tensors']} values equal"
        print(f"{name:14}{device.core.name:18}{same}, {found['instructions']:,} instructions", flush=True)


if __name__ == "__main__":
    main()

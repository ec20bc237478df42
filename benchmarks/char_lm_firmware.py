"""Firmware of ``tiny_transformer`` with drawn weights on the emulated STM32F405: every token, and a text.

    python benchmarks/char_lm_firmware.py --genes 1 2 1 1 0 1 --tokens 64 --characters 200

Genes are those of the space for 65 characters. Compared are all tensors of every token and the characters written;
instructions are those of a token behind a full window.
"""

import argparse
import tempfile
from pathlib import Path

from latent_nas import seeds
from latent_nas.devices import open_device
from latent_nas.firmware.check import emulate
from latent_nas.firmware.compile import build
from latent_nas.firmware.draw import drawn
from latent_nas.firmware.elf import read
from latent_nas.firmware.emulate import Emulator
from latent_nas.firmware.export import project
from latent_nas.firmware.text import Speech
from latent_nas.spaces import open_space
from latent_nas.units import with_error


def main() -> None:
    """Print a line per network."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--genes", type=int, nargs=6, default=[1, 2, 1, 1, 0, 1])
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--characters", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    space, device = open_space("tiny_transformer", (32,), 65), open_device("stm32f405")
    network, _ = drawn(space.graph(arguments.genes), arguments.seed)
    vocabulary = network.graph.input.vocabulary
    speech = Speech.of(network, [chr(0x100 + i) for i in range(vocabulary)], [0], arguments.seed, 1.0)
    x = seeds.rng(arguments.seed, "tokens").integers(0, vocabulary, (1, arguments.tokens))
    with tempfile.TemporaryDirectory() as folder:
        made = project(network, device, speech=speech)
        made.write(Path(folder))
        firmware = build(Path(folder), device.core)
        checked, found, _ = emulate(made, firmware, x)
        said = Emulator(read(firmware), device, [name for _, name in made.operators]).text(arguments.characters)
    print(space.describe(arguments.genes))
    print(
        f"{checked.equal_outputs} of {checked.outputs} outputs and {checked.equal_tensors} of {checked.tensors} other"
        f" elements equal; {found['instructions']} instructions, emulated {with_error(found['emulated_ms'])};"
        f" {arguments.characters} characters"
        f" {'the same' if said == speech.generate(network, arguments.characters) else 'NOT the same'}"
    )


if __name__ == "__main__":
    main()

"""A firmware fed with raw data: through its own ``preprocess.c`` to the outputs, against the reference in Python."""

from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

import numpy as np

from latent_nas import artifacts
from latent_nas.cores import CLASSES
from latent_nas.devices import Device, Region
from latent_nas.firmware import elf
from latent_nas.firmware.compile import build
from latent_nas.firmware.demo import from_raw
from latent_nas.firmware.emulate import Emulator
from latent_nas.firmware.export import Project

PAGE = 4096  # what an emulator maps
ADDRESS = 0x6000_0000  # of memory outside the chip in Cortex-M's map: a sensor's buffer, which is not the network's RAM


@dataclass(frozen=True)
class FromRaw:
    """What came of raw data on the device.

    Attributes:
        inputs: how many. equal_inputs: int8 inputs, and equal_outputs: int8 outputs, that were all as in Python.
        outputs: int8 (n, outputs). preprocess_instructions, preprocess_cycles: of the last one, cycles from least
            to most.
    """

    inputs: int
    equal_inputs: int
    equal_outputs: int
    outputs: np.ndarray
    preprocess_instructions: int
    preprocess_cycles: tuple[int, int]

    @property
    def bit_exact(self) -> bool:
        """Whether everything was."""
        return self.inputs == self.equal_inputs == self.equal_outputs


def run(project: Project, folder: Path, raw: np.ndarray, plain: bool, toolchain: str) -> FromRaw:
    """Return what a project makes of raw data (n, ...), built beside its own files in an empty folder.

    One that takes a camera's frames is fed these, (n, bytes).

    Raises:
        ValueError: no compiler or emulator. Fault: the firmware did what the device can't.
    """
    network, seen = project.network, project.component.seen
    assert seen is not None
    size = -(-raw[0].nbytes // PAGE) * PAGE
    board = _with_buffer(project.device, size)
    files = {**project.files, "main.c": from_raw(project.component)}
    files["device.ld"] = _with_section(files["device.ld"], size)
    for name, text in files.items():
        if name != "answer.c":  # it has an exchange of its own
            artifacts.write(folder / name, text)
    operators = [name for _, name in project.operators]
    firmware = elf.read(build(folder, board.core, plain, toolchain, raw=True))
    emulator = Emulator(firmware, board, operators, project.component.prefix)
    camera, shape = project.component.frame, network.graph.input_shape
    x = seen.integers(raw if camera is None else camera.input(raw, shape), network.quants[0])
    wanted = network.from_integers(x)
    outputs, inputs, right = np.zeros_like(wanted), 0, 0
    sizes = prod(shape), prod(network.graph.output_shape)
    for i, one in enumerate(raw):
        entered, y = emulator.entered(one, project.plan.offsets[0], *sizes, paint=i % 2)
        inputs += bool((entered == x[i].reshape(-1)).all())
        right += bool((y == wanted[i].reshape(-1)).all())
        outputs[i] = y.reshape(outputs[i].shape)
    count = emulator.count()  # before the first operator there is preprocess.c, and a few of the main loop's
    before = count.instructions - sum(count.by_operator.values())
    mix = count.mix - sum(count.mix_by_operator.values())
    cycles, error, _ = board.core.cycles(before, dict(zip(CLASSES, mix.tolist(), strict=True)), board.clock_hz)
    span = round(cycles * (1 - error)), round(cycles * (1 + error))
    return FromRaw(len(raw), inputs, right, outputs, before, span)


def _with_buffer(device: Device, size: int) -> Device:
    return replace(device, regions=(*device.regions, Region("raw", size, ADDRESS)))


def _with_section(script: str, size: int) -> str:
    """Return a linker script with the buffer's region and section."""
    region = f"    raw (rw) : ORIGIN = {ADDRESS:#010x}, LENGTH = {size}\n}}\nSECTIONS"
    section = "    .raw (NOLOAD) : { *(.raw) } > raw\n    /DISCARD/"
    return script.replace("}\nSECTIONS", region, 1).replace("    /DISCARD/", section, 1)

"""A firmware on the emulated device against the integer reference, and what it took: flash, RAM, instructions."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas.cores import CLASSES
from latent_nas.devices import Device
from latent_nas.firmware import bench, elf, qemu
from latent_nas.firmware.emulate import Emulator
from latent_nas.firmware.export import Project


@dataclass(frozen=True)
class Checked:
    """What was compared: elements of outputs and of all operators' tensors, and how many were equal."""

    inputs: int
    outputs: int
    equal_outputs: int
    tensors: int
    equal_tensors: int


def emulate(
    project: Project, firmware: Path, x: np.ndarray, tensors: int = 1
) -> tuple[Checked, dict[str, Any], np.ndarray]:
    """Run a firmware on float NHWC inputs (n, ...) or texts (n, tokens).

    Returns what was equal, what it took (JSON) and its outputs. Of texts every token is an input, and what it took is
    of one behind all others of a text.

    Args:
        tensors: for how many of the inputs all operators' tensors are compared, beside the outputs.

    Raises:
        Fault: the firmware did what the device can't. ValueError: no emulator.
    """
    network, plan, device = project.network, project.plan, project.device
    emulator = Emulator(elf.read(firmware), device, [name for _, name in project.operators], project.component.prefix)
    reference, each = network.tensors(x), 1
    if network.graph.input.vocabulary:  # a row per token; those of a text come one after another
        each = x.shape[1]
        reference = [tensor.reshape(-1, *tensor.shape[2:]) for tensor in reference]
    places = [(plan.offsets[i], prod(network.graph.nodes[i].shape)) for i, _ in project.operators]
    equal = compared = right = 0
    outputs = np.zeros_like(reference[-1])
    for i, one in enumerate(reference[0]):
        if each > 1 and i % each == 0:
            emulator.restart()
        if i < tensors * each:
            tensors_made = emulator.tensors(one, places, paint=i % 2)
            for (node, _), made in zip(project.operators, tensors_made, strict=True):
                equal += int((made == reference[node][i].reshape(-1)).sum())
                compared += len(made)
            y = emulator.output(prod(network.graph.output_shape))
        else:
            y = emulator.run(one, prod(network.graph.output_shape), paint=i % 2)
        right += int((y == reference[-1][i].reshape(-1)).sum())
        outputs[i] = y.reshape(outputs[i].shape)
    emulator.check_words()
    emulator.run(reference[0][0], 1, paint=len(reference[0]) % 2)  # one input is seen in both paints
    count = emulator.count()
    checked = Checked(len(x), reference[-1].size, right, compared, equal)
    found = {
        "bit_exact": right == reference[-1].size and equal == compared,
        "inputs": len(x),
        "equal_outputs": right / reference[-1].size,
        "equal_tensors": equal / max(compared, 1),
        "peak_stack_bytes": emulator.peak_stack_bytes,
        "arena_high_water_bytes": emulator.high_water,
        "arena_planned_bytes": plan.peak,
        "instructions_by_operator": count.by_operator,
        "instructions_by_function": count.by_function,
        "instructions_by_class": dict(zip(CLASSES, count.mix.tolist(), strict=True)),
        **_time(count.instructions, device, count.mix.tolist()),
    }
    return checked, found, outputs


def run_on_qemu(project: Project, firmware: Path, x: np.ndarray) -> tuple[dict[str, Any], np.ndarray]:
    """Return what a build with ``qemu.defines`` took under QEMU, as JSON values, and its int8 outputs (n, ...).

    Instructions are those of the operators, with two of the measuring itself for each.

    Raises:
        Fault: the firmware did what the device can't.
    """
    network, read = project.network, elf.read(firmware)
    address = read.address(f"{project.component.prefix}_arena") + project.plan.offsets[0]
    reference = network.integers(x)
    outputs, instructions = np.zeros_like(reference), []
    for i, one in enumerate(network.quants[0].quantise(x)):
        table, y = bench.split(qemu.bench(read, project.device, one, address))
        outputs[i] = np.array(y, np.int8).reshape(outputs[i].shape)
        instructions = [int(line.rsplit(",", 1)[1]) for line in table.splitlines()[1:]]
    return {
        "bit_exact": bool((outputs == reference).all()),
        "inputs": len(x),
        "equal_outputs": float((outputs == reference).mean()),
        "instructions_by_operator": {name: n for (_, name), n in zip(project.operators, instructions, strict=True)},
        **_time(sum(instructions), project.device),
    }, outputs


def _time(instructions: int, device: Device, mix: Sequence[int] = ()) -> dict[str, Any]:
    """Return instructions, and the ends of the error bar of their cycles and ms; ``mix``: by class, where counted."""
    counted = dict(zip(CLASSES, mix, strict=True)) if mix else None
    cycles, error, why = device.core.cycles(instructions, counted, device.clock_hz)
    ends = (cycles * (1 - error), cycles * (1 + error))
    return {
        "instructions": instructions,
        "emulated_cycles": [round(end) for end in ends],
        "emulated_ms": [end * 1e3 / device.clock_hz for end in ends],
        "cycles_per_instruction": {"range": [end / max(instructions, 1) for end in ends], "why": why},
    }


def sizes(firmware: Path) -> dict[str, Any]:
    """Return flash and RAM of an ELF file, in all and by section."""
    read = elf.read(firmware)
    return {
        "flash_bytes": read.flash_bytes,
        "ram_bytes": read.ram_bytes,
        "sections": {section.name: section.bytes for section in read.sections},
    }

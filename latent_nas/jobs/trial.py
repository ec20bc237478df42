"""What a compiled firmware does where it is run: in an emulator, and on a board of the user's."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas.firmware import qemu
from latent_nas.firmware.check import emulate, run_on_qemu
from latent_nas.firmware.compile import build
from latent_nas.firmware.elf import read
from latent_nas.firmware.emulate import Emulator
from latent_nas.firmware.export import Project
from latent_nas.firmware.text import Speech
from latent_nas.jobs import on_board
from latent_nas.jobs.answers import agreement, alarms
from latent_nas.jobs.build import Build, Text, linked
from latent_nas.jobs.from_raw import entering, from_frames, from_raw, inputs_of, same_answers
from latent_nas.training.quantise import QuantisedNetwork

TENSORS = 2  # inputs whose tensors are compared operator by operator, where all of them run from raw data


@dataclass(frozen=True)
class Compiled:
    """A compiled firmware, and the network that it is of.

    Attributes:
        network: as it was trained. made: what is known of its making. source: its own folder, None where it has none.
        project, folder, elf: the sources, where they lie, and what was compiled of them. how: it was, and is run.
    """

    network: QuantisedNetwork
    made: dict[str, Any]
    source: Path | None
    project: Project
    folder: Path
    elf: Path
    how: Build

    def emulator(self) -> Emulator:
        """Return the emulated device with the firmware in its flash."""
        names = [name for _, name in self.project.operators]
        return Emulator(read(self.elf), self.project.device, names, self.project.component.prefix)


def tried(
    firmware: Compiled, inputs: int, speech: Speech | None, text: Text, say: Callable[[str], None]
) -> dict[str, Any]:
    """Return what a firmware does in the emulator and on the board that were asked for, as ``report.json`` holds it.

    Args:
        inputs: how many of the validation part are run. speech: what a network of text says; None of others.

    Raises:
        Fault: the firmware did what the device can't.
    """
    how, report = firmware.how, dict[str, Any]()
    if not how.emulator and not how.board:
        return report
    x, raw = inputs_of(firmware.network, firmware.made, inputs)
    if how.emulator:
        report["emulated"] = _emulated(firmware, x, raw)
    threshold = firmware.project.component.about.threshold
    if how.emulator == "unicorn" and threshold is not None:
        given = entering(firmware.project, x, raw)
        report["alarms"] = alarms(firmware.network, threshold, firmware.emulator(), given)
    if how.emulator and speech:
        say(f"writing {text.characters} characters, on the device and by the reference")
        report["text"] = _written(firmware, speech, text)
    if how.board:
        fed = x if firmware.network.graph.input.vocabulary else entering(firmware.project, x, raw)
        answer = on_board.asked(how.board, firmware.project, how.plain, how.toolchain, fed, say)
        report["board"] = on_board.report(answer, firmware.project, firmware.folder)
    return report


def _emulated(firmware: Compiled, x: np.ndarray, raw: np.ndarray | None) -> dict[str, Any]:
    """Return what a firmware took in the emulator and what of it was as in the reference.

    Args:
        x: inputs (n, ...). raw: the data that they are made of, from which the proof then begins; None where unknown.
    """
    project, network, how = firmware.project, firmware.network, firmware.how
    checked = x[:TENSORS] if raw is not None and how.emulator == "unicorn" else x
    if how.emulator == "qemu":
        device = project.device
        measuring = build(firmware.folder, device.core, how.plain, how.toolchain, qemu.defines(device))
        found, outputs = run_on_qemu(project, measuring, x)
        linked(project, firmware.folder, how)  # the folder is left with the firmware itself
    else:
        _, found, outputs = emulate(project, firmware.elf, checked)
    if raw is not None and len(checked) < len(x):
        found, outputs = from_raw(project, raw, how.plain, how.toolchain, found)
        found["same_answers_as_in_training"] = same_answers(network, x, outputs)
    if project.component.frame and how.emulator == "unicorn":
        found["frames"] = from_frames(project, len(x), how.plain, how.toolchain)
        found["bit_exact"] &= found["frames"]["bit_exact"]
    agreed = agreement(network, firmware.made, firmware.source, x, outputs)
    return {"emulator": how.emulator, **found, **agreed}


def _written(firmware: Compiled, speech: Speech, text: Text) -> dict[str, Any]:
    """Return what a network of text writes on the emulated device, and whether the reference writes that too."""
    said = firmware.emulator().text(text.characters)
    same = said == speech.generate(firmware.network, text.characters)
    return {**asdict(text), "prompt": speech.read, "emulated_text": said, "same_as_reference": same}

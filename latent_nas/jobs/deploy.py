"""From a run's final network to firmware: exported, compiled, and run on the emulated device."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from latent_nas import artifacts, sealed, whole
from latent_nas.cores import Core
from latent_nas.devices import Device
from latent_nas.firmware import Fault, Overflow, qemu
from latent_nas.firmware.boot import uf2
from latent_nas.firmware.check import emulate, run_on_qemu, sizes
from latent_nas.firmware.compile import build, check_toolchain
from latent_nas.firmware.elf import read
from latent_nas.firmware.emulate import Emulator
from latent_nas.firmware.export import RUNTIME, Project, project
from latent_nas.firmware.layouts import check as check_layout
from latent_nas.firmware.layouts import laid_out
from latent_nas.firmware.machine import model_of
from latent_nas.firmware.naming import PREFIX, checked_prefix
from latent_nas.firmware.sources import DRIVE, MEASURED, is_export, keep_others, write
from latent_nas.firmware.text import Speech
from latent_nas.jobs import on_board
from latent_nas.jobs.answers import about_of, agreement, alarms
from latent_nas.jobs.chosen_for import ChosenFor, chosen_for
from latent_nas.jobs.from_raw import camera_of, entering, from_frames, from_raw, inputs_of, same_answers
from latent_nas.jobs.networks import open_source
from latent_nas.jobs.on_board import OnBoard
from latent_nas.runs import files
from latent_nas.runs.folder import RunFolder
from latent_nas.runtimes import open_runtime
from latent_nas.tasks import open_task
from latent_nas.training.quantise import QuantisedNetwork

TENSORS = 2  # inputs whose tensors are compared operator by operator, where all of them run from raw data


@dataclass(frozen=True)
class Text:
    """What a network of text is to write: so many characters after a prompt, drawn with a seed at a temperature.

    ``prompt``: None is the end of a line, or the first character of a text that has no lines.
    """

    characters: int = 200
    prompt: str | None = None
    seed: int = 0
    temperature: float = 0.8


@dataclass(frozen=True)
class Build:
    """How a firmware is built and run: ``plain`` without SMLAD, ``toolchain`` "zig" or "gcc".

    ``emulator``: "unicorn", "qemu", or "" for none. board: the user's own, None for none. prefix: of the names in C, ""
    for the run's own, else ``PREFIX``. camera: its frame, "320x240:rgb565", "" for none. layout: one of
    ``layouts.LAYOUTS``.
    """

    plain: bool = False
    toolchain: str = "zig"
    emulator: str = ""
    prefix: str = ""
    layout: str = "demo"
    board: OnBoard | None = None
    camera: str = ""

    def check(self, device: Device) -> "Build":
        """Return itself, or raise ValueError that names what is unknown or not installed."""
        checked_prefix(self.prefix or PREFIX)
        check_layout(self.layout, device)
        if self.emulator not in ("", "unicorn", "qemu"):
            raise ValueError(f'emulator {self.emulator!r}; there are: "unicorn", "qemu"')
        check_toolchain(self.toolchain)
        if self.emulator == "qemu":
            qemu.machine(device)
        elif self.emulator:
            model_of(device.core)
        if self.board:
            self.board.check(device)
        return self


def deploy(
    source: Path,
    device: str,
    out: Path,
    how: Build,
    inputs: int,
    rank: int,
    say: Callable[[str], None],
    calibration: Path | None = None,
    text: Text | None = None,
) -> dict[str, Any]:
    """Return what the firmware of a network is and does; its project is in ``out``, with this as ``report.json``.

    The project is made beside ``out`` and moved there as a whole. One that does not fit or faults is moved there too,
    to be looked at, without a report, unless an earlier one lies there, which stays as it was. Files of others that lie
    in ``out`` stay.

    Args:
        source: a trained network, see ``networks.open_source``. device: "" is that of the run. rank: which of a run's
            final networks, from 1. calibration: the data (.npz) that a float file is quantised with.
        inputs: how many validation inputs to run, of a text tokens, but two windows at least; for a network of no known
            task, random ones. text: what a network of text writes; None: as ``Text`` says.

    Raises:
        ValueError: no network there, no compiler or emulator, or it fits no region: which one, by how many bytes, at
            which layer.
        Fault: the firmware did what the device can't.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())) and not is_export(out):
        raise ValueError(f"{out} is there already, not empty and no firmware; choose another --out")
    artifacts.writable(out)
    if inputs < 1:
        raise ValueError(f"--inputs {inputs}; wanted 1 or more")
    trouble: ValueError | Fault | None = None
    known = chosen_for(open_source(source, rank), source)
    how = replace(how, prefix=how.prefix or known.prefix or PREFIX)
    with whole.folder(out) as new:
        try:
            report = _made(source, device, known, new, how, inputs, rank, say, calibration, text or Text())
        except (ValueError, Fault) as error:
            if not is_export(new) or is_export(out):  # of a full disk, say: what is there is no project
                raise
            trouble = error
        keep_others(out, new)
    if trouble:
        raise trouble
    if (source / files.NETWORKS).is_dir():  # the run's own report shows it
        RunFolder(source).check_links()
        name = f"{rank}-{report['device']}-{report['kernels']}.json"
        artifacts.write(source / files.FIRMWARE / name, json.dumps(sealed.seal(report), indent=1) + "\n")
    return report


def _made(
    source: Path,
    asked: str,
    known: ChosenFor,
    out: Path,
    how: Build,
    inputs: int,
    rank: int,
    say: Callable[[str], None],
    calibration: Path | None,
    text: Text,
) -> dict[str, Any]:
    """Return the report of a project that is made in an empty folder; see ``deploy``."""
    board = known.board(asked)
    how.check(board)
    trained = open_source(source, rank)
    network, made = trained.quantised(calibration)
    speech = _speech(network, made, text)
    if network.graph.input.vocabulary and how.emulator == "qemu":
        raise ValueError("--emulator qemu runs a network once, a text takes many runs; leave it out")
    about = about_of(trained, network, made)
    camera = camera_of(how.camera, about) if how.camera else None
    firmware = project(network, board, speech=speech, about=about, prefix=how.prefix, camera=camera)
    firmware.write(out)
    say(f"{len(firmware.files)} files; arena {firmware.plan.peak} B in {firmware.region.name}")
    elf = linked(firmware, out, how)
    kernels = board.core.kernels(how.plain)
    report: dict[str, Any] = {"rank": rank, "device": board.name, "kernels": kernels, "elf": elf.name}
    report["device_lacks"] = board.lacks
    report["notes"] = made.get("notes", [])
    report["core"] = {**_core(board.core), "cycles_borrowed": open_runtime(RUNTIME).borrowed(board.core)}
    report |= {"toolchain": how.toolchain, "arena_bytes": firmware.plan.peak, "arena_region": firmware.region.name}
    report |= sizes(elf)
    if how.emulator:
        x, raw = inputs_of(network, made, inputs)
        checked = x[:TENSORS] if raw is not None and how.emulator == "unicorn" else x
        if how.emulator == "qemu":
            measuring = build(out, board.core, how.plain, how.toolchain, qemu.defines(board))
            found, outputs = run_on_qemu(firmware, measuring, x)
            linked(firmware, out, how)  # the folder is left with the firmware itself
        else:
            _, found, outputs = emulate(firmware, elf, checked)
        if raw is not None and len(checked) < len(x):
            found, outputs = from_raw(firmware, raw, how.plain, how.toolchain, found)
            found["same_answers_as_in_training"] = same_answers(network, x, outputs)
        if camera and how.emulator == "unicorn":
            found["frames"] = from_frames(firmware, len(x), how.plain, how.toolchain)
            found["bit_exact"] &= found["frames"]["bit_exact"]
        report["emulated"] = {"emulator": how.emulator, **found, **agreement(network, made, trained.folder, x, outputs)}
    if how.emulator == "unicorn" and about.threshold is not None:
        on_device = Emulator(read(elf), board, [], how.prefix)
        report["alarms"] = alarms(network, about.threshold, on_device, entering(firmware, x, raw))
    if how.emulator and speech:
        say(f"writing {text.characters} characters, on the device and by the reference")
        said = Emulator(read(elf), board, [name for _, name in firmware.operators], how.prefix).text(text.characters)
        same = said == speech.generate(network, text.characters)
        report["text"] = {**asdict(text), "prompt": speech.read, "emulated_text": said, "same_as_reference": same}
    if how.board:
        x, raw = inputs_of(network, made, inputs)
        fed = x if network.graph.input.vocabulary else entering(firmware, x, raw)
        answer = on_board.asked(how.board, firmware, how.plain, how.toolchain, fed, say)
        report["board"] = on_board.report(answer, firmware, out)
    report["decided"], report["limits_said"] = known.decided(asked), known.said
    report["chosen_for"] = {"device": known.device, "runtime": known.runtime, "prefix": known.prefix}
    report |= {"limits": asdict(known.limits), "limits_count_image": known.counts_image}
    report["over_limits"] = known.over(report) if board.name == known.device or not known.device else {}
    firmware = firmware.with_figures(_figures(report))
    if how.layout != "demo":
        for path in (path for path in out.iterdir() if path.name != MEASURED):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        report["elf"] = ""
    report |= {"prefix": how.prefix, "layout": how.layout}
    write(out, laid_out(firmware, how.layout))
    if how.layout == "demo" and (drive := uf2(read(elf), board)):
        artifacts.write(out / DRIVE, drive)
    artifacts.write(out / files.FIRMWARE_REPORT, json.dumps(sealed.seal(report), indent=1) + "\n")
    return report


def _figures(report: dict[str, Any]) -> dict[str, int]:
    """Return what the header says that a firmware takes, by a macro's ending."""
    sizes = {"DEMO_FLASH_BYTES": report["flash_bytes"], "DEMO_RAM_BYTES": report["ram_bytes"]}
    if "measured_cycles" in report.get("board", {}):
        sizes["MEASURED_CYCLES"] = report["board"]["measured_cycles"][1]
    if "emulated" not in report:
        return sizes
    low, high = report["emulated"]["emulated_cycles"]
    sizes |= {"EMULATED_CYCLES_LEAST": low, "EMULATED_CYCLES_MOST": high}
    frames = report["emulated"].get("frames", {}).get("cycles", ())
    sizes |= dict(zip(("FRAME_CYCLES_LEAST", "FRAME_CYCLES_MOST"), frames, strict=False))
    before = report["emulated"].get("preprocess_cycles", ())
    return sizes | dict(zip(("PREPROCESS_CYCLES_LEAST", "PREPROCESS_CYCLES_MOST"), before, strict=False))


def _core(core: Core) -> dict[str, Any]:
    return {"name": core.name, "float_abi": core.float_abi, "dsp": core.dsp, "mve": core.mve, "lacks": core.lacks()}


def linked(firmware: Project, out: Path, how: Build) -> Path:
    """Return the compiled firmware of a project in its folder.

    Raises:
        Overflow: it does not fit: which region, by how many bytes, at which layer. ValueError: the compiler refused it.
    """
    try:
        return build(out, firmware.device.core, how.plain, how.toolchain)
    except Overflow as error:
        raise Overflow(f"{error}; most flash is taken by layer {firmware.heaviest}") from None


def _speech(network: QuantisedNetwork, made: dict[str, Any], text: Text) -> Speech | None:
    """Return what a network of text writes; None where it is none, or of no known task."""
    if not network.graph.input.vocabulary or "task" not in made:
        return None
    pieces = open_task(made["task"]).pieces(network.graph.output_shape[-1])
    prompt = text.prompt if text.prompt is not None else "\n" if "\n" in pieces else pieces[0]
    strange = sorted(set(prompt) - set(pieces))
    if strange or not prompt or text.characters < 1:
        what = f"the task's text has no {strange[0]!r}" if strange else "both are at least one character"
        raise ValueError(f"can't write {text.characters} characters after the prompt {prompt!r}: {what}")
    return Speech.of(network, pieces, [pieces.index(c) for c in prompt], text.seed, text.temperature)

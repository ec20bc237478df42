"""From a run's final network to firmware: exported, compiled, and run on the emulated device."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from latent_nas import artifacts, sealed, whole
from latent_nas.cores import Core
from latent_nas.firmware import Fault
from latent_nas.firmware.boot import uf2
from latent_nas.firmware.check import sizes
from latent_nas.firmware.elf import read
from latent_nas.firmware.export import RUNTIME, project
from latent_nas.firmware.layouts import laid_out
from latent_nas.firmware.naming import PREFIX
from latent_nas.firmware.sources import DRIVE, MEASURED, is_export, keep_others, write
from latent_nas.firmware.text import Speech
from latent_nas.jobs.answers import about_of
from latent_nas.jobs.build import Build, Text, linked
from latent_nas.jobs.chosen_for import ChosenFor, chosen_for
from latent_nas.jobs.from_raw import camera_of
from latent_nas.jobs.moved import check_of
from latent_nas.jobs.networks import open_source
from latent_nas.jobs.trial import Compiled, tried
from latent_nas.runs import files
from latent_nas.runs.folder import RunFolder
from latent_nas.runtimes import open_runtime
from latent_nas.tasks import open_task
from latent_nas.training.quantise import QuantisedNetwork


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
        try:
            artifacts.write(source / files.FIRMWARE / name, json.dumps(sealed.seal(report), indent=1) + "\n")
        except ValueError as error:  # as of somebody else's run: the firmware is whole all the same
            say(f"the report of {source} will not show this firmware: {str(error).partition(';')[0]}")
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
    if how.emulator:
        check_of(source, str(made.get("task", "")))
    speech = _speech(network, made, text)
    if network.graph.input.vocabulary and how.emulator == "qemu":
        raise ValueError("--emulator qemu runs a network once, a text takes many runs; leave it out")
    about = about_of(trained, network, made)
    camera = camera_of(how.camera, about) if how.camera else None
    firmware = project(network, board, speech=speech, about=about, prefix=how.prefix, camera=camera)
    firmware.write(out)
    say(f"{len(firmware.files)} files; arena {firmware.plan.peak} B in {firmware.region.name}")
    compiled = Compiled(network, made, trained.folder, firmware, out, linked(firmware, out, how), how)
    report = {
        "rank": rank,
        **_described(compiled),
        **tried(compiled, inputs, speech, text, say),
        "decided": known.decided(asked),
        "limits_said": known.said,
        "chosen_for": {"device": known.device, "runtime": known.runtime, "prefix": known.prefix},
        "limits": asdict(known.limits),
        "limits_count_image": known.counts_image,
    }
    report["over_limits"] = known.over(report) if board.name == known.device or not known.device else {}
    _write(compiled, report)
    return report


def _described(compiled: Compiled) -> dict[str, Any]:
    """Return what a report says of a firmware before it runs: for what it was built, and what it takes."""
    firmware, how = compiled.project, compiled.how
    board = firmware.device
    return {
        "device": board.name,
        "kernels": board.core.kernels(how.plain),
        "elf": compiled.elf.name,
        "device_lacks": board.lacks,
        "notes": compiled.made.get("notes", []),
        "core": {**_core(board.core), "cycles_borrowed": open_runtime(RUNTIME).borrowed(board.core)},
        "toolchain": how.toolchain,
        "arena_bytes": firmware.plan.peak,
        "arena_region": firmware.region.name,
        **sizes(compiled.elf),
    }


def _write(compiled: Compiled, report: dict[str, Any]) -> None:
    """Write the project in its layout, with what was found in its header, and the report, which then names both."""
    how, out = compiled.how, compiled.folder
    if how.layout != "demo":
        for path in (path for path in out.iterdir() if path.name != MEASURED):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        report["elf"] = ""
    report |= {"prefix": how.prefix, "layout": how.layout}
    write(out, laid_out(compiled.project.with_figures(_figures(report)), how.layout))
    if how.layout == "demo" and (drive := uf2(read(compiled.elf), compiled.project.device)):
        artifacts.write(out / DRIVE, drive)
    artifacts.write(out / files.FIRMWARE_REPORT, json.dumps(sealed.seal(report), indent=1) + "\n")


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

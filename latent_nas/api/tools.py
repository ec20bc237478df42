"""What another program may ask: plain values in, JSON values out. ``latent-nas serve-mcp`` offers these as tools.

Docstrings are read by programs that choose among the tools, language models among them.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

from latent_nas import plugins
from latent_nas.accelerator import AUTO
from latent_nas.firmware import Fault
from latent_nas.jobs import compare, deployed
from latent_nas.jobs import deploy as deploying
from latent_nas.jobs import query as asking
from latent_nas.jobs import runs as reading
from latent_nas.jobs.build import Build
from latent_nas.jobs.networks import open_source
from latent_nas.jobs.search.begin import begin
from latent_nas.jobs.search.config import new_config
from latent_nas.limits import Limits
from latent_nas.target import MAIN_TARGET, Target, open_target, with_space

Layout = Literal["demo", "library", "cubeide", "arduino", "platformio", "zephyr", "esp-idf"]
LOG = "search.log"  # of a search that was begun here, in its run folder


def list_choices(kind: Literal["devices", "runtimes", "tasks", "spaces", "strategies", "zoo"]) -> list[str]:
    """Return the names that the other tools take: of devices, runtimes, tasks, spaces, strategies or ready networks."""
    return plugins.names(kind)


def cost(
    network: str, devices: list[str], runtimes: list[str] | None = None, limits: dict[str, float] | None = None
) -> list[dict[str, Any]]:
    """Return what a network costs as int8 on microcontrollers: flash, RAM, time with error bars, and whether it fits.

    Nothing is trained or built; figures are computed. Takes about a second.

    Args:
        network: path of an .onnx, .tflite or .json file or of a run folder, or a ready network's name.
        devices: names, e.g. ["stm32f405", "nrf5340"].
        runtimes: what runs it there, e.g. ["native", "cmsis_nn", "x_cube_ai"]; default: native, the exported firmware.
        limits: any of flash_kb, ram_kb, latency_ms, beside the device's own.
    """
    source = open_source(network)
    source = source.bound(source.task or MAIN_TARGET.task)
    graph, front = source.deployed(), source.front_end()
    rows = compare.compare(graph, devices, runtimes or ["native"], _limits(limits), None, source.softmax(), front)
    return [row | {"as_int8": source.floats(), "notes": source.notes()} for row in rows]


def query(
    limits: dict[str, float], task: str = MAIN_TARGET.task, device: str = MAIN_TARGET.device, top: int = 5
) -> dict[str, Any]:
    """Return candidate networks within limits, best predicted first; accuracies are predictions, nothing is trained.

    For tasks and devices that surrogates are shipped or kept for: of the shipped ones task "digits" on "stm32f405".

    Args:
        limits: any of flash_kb, ram_kb, latency_ms.
    """
    setup = open_target(with_space(Target("", task, device, MAIN_TARGET.runtime)), anew=True).check()
    return asking.candidates(setup, _limits(limits).tighten(setup.device.limits), top, 2000, None, None, None, 0)


def begin_search(
    out: str,
    task: str,
    device: str,
    limits: dict[str, float] | None = None,
    trainings: int = 24,
    final_seeds: int = 3,
    seed: int = 0,
) -> dict[str, Any]:
    """Begin a search for a network that fits a device, in a process of its own; it takes minutes. See search_status.

    Args:
        out: a new folder for the run. task: a name, or the path of data (a folder of images or recordings by class, a
            .csv, .npz, .parquet). limits: any of flash_kb, ram_kb, latency_ms; without any: the task's own.
        trainings: networks that are trained for real. final_seeds: trainings of each final network.
    """
    bounds = _limits(limits) if limits else None
    target = Target("", task, device, "", accelerator=AUTO)
    config = new_config(target, trainings=trainings, limits=bounds, final_seeds=final_seeds, seed=seed)
    _, folder = begin(config, Path(out))
    command = [sys.executable, "-m", "latent_nas", "search", "--resume", str(folder.path)]
    with open(folder.path / LOG, "wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    return {"run": str(folder.path), "process": process.pid, "log": str(folder.path / LOG)}


def search_status(run: str) -> dict[str, Any]:
    """Return how far a search has come: trainings, the best measured network so far, what it costs, the last lines.

    Args:
        run: its folder, as begin_search gave it.
    """
    (line,) = reading.found([Path(run)])
    log = Path(run) / LOG
    last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:] if log.is_file() else []
    return {**line.to_json(), "last_lines": last}


def deploy_and_prove(
    source: str,
    out: str,
    device: str = "",
    layout: Layout = "library",
    prefix: str = "",
    rank: int = 1,
    inputs: int = 10,
) -> dict[str, Any]:
    """Write a network's C sources, compile them, and run them on the emulated device: does it fit, how fast, bit-exact?

    Takes some ten seconds; no board is needed. Sizes are the linker's, instructions are counted, times are computed of
    them.

    Args:
        source: a run folder, the folder of an int8 network, or an int8 .onnx or .tflite file.
        out: folder for the project. device: default: the run's, else stm32f405. layout: of which build system.
        prefix: begins every name in C; "" is the run's, else "model". rank: which of a run's networks. inputs: how many
            to compare.
    """
    how = Build(emulator="unicorn", prefix=prefix, layout=layout)
    try:
        report = deploying.deploy(Path(source), device, Path(out), how, inputs, rank, lambda line: None)
    except Fault as fault:
        raise ValueError(f"the firmware faults: {fault}") from None
    same, kept = deployed.same(report), deployed.keeps_limits(report)
    return {"bit_exact": same, "keeps_limits": kept, "in_words": deployed.summary(report), **report}


TOOLS = (list_choices, cost, query, begin_search, search_status, deploy_and_prove)


def _limits(given: dict[str, float] | None) -> Limits:
    return Limits.parse([f"{name}={value}" for name, value in (given or {}).items()])

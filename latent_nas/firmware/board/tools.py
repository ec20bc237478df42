"""Programs that reach a chip through a debug probe: what they are called, how each writes the flash and serves GDB."""

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from latent_nas.devices import Device
from latent_nas.firmware.board import NoAnswer
from latent_nas.firmware.board.remote import Remote

PROBE = "probe"  # asks for the first of them that is installed
PROGRAM_S, SERVE_S = 180, 30


@dataclass(frozen=True)
class Tool:
    """A program; chip and probe as it calls them, "" for its own choice of a probe.

    Attributes:
        program: (chip, probe, ELF file) -> the command's arguments. serve: (chip, probe, port) -> the same.
        chips: how it lists the names of chips.
    """

    name: str
    program: Callable[[str, str, Path], list[str]]
    serve: Callable[[str, str, int], list[str]]
    chips: str


def _pyocd(probe: str, chip: str) -> list[str]:
    return ["--no-wait", "--target", chip, *(["--uid", probe] if probe else [])]


def _probe_rs(probe: str, chip: str) -> list[str]:
    return ["--chip", chip, *(["--probe", probe] if probe else [])]


def _openocd(probe: str, chip: str) -> list[str]:
    files = [part for file in chip.split() for part in ("-f", file)]
    return [*files, *(["-c", f"adapter serial {probe}"] if probe else [])]


TOOLS = {
    "pyocd": Tool(
        "pyocd",
        lambda chip, probe, elf: ["load", *_pyocd(probe, chip), str(elf)],
        lambda chip, probe, port: ["gdbserver", *_pyocd(probe, chip), "--port", str(port), "--telnet-port", "0"],
        "pyocd list --targets, and pyocd pack find NAME",
    ),
    "probe-rs": Tool(
        "probe-rs",
        lambda chip, probe, elf: ["download", *_probe_rs(probe, chip), str(elf)],
        lambda chip, probe, port: ["gdb", *_probe_rs(probe, chip), "--gdb-connection-string", f"127.0.0.1:{port}"],
        "probe-rs chip list",
    ),
    "openocd": Tool(
        "openocd",
        lambda chip, probe, elf: [*_openocd(probe, chip), "-c", f"program {{{elf}}} verify reset exit"],
        lambda chip, probe, port: [
            *_openocd(probe, chip),
            *("-c", f"gdb_port {port}", "-c", "telnet_port disabled", "-c", "tcl_port disabled"),
        ],
        "its scripts: the files of interface and target, or of a board, as 'interface/stlink.cfg target/stm32f4x.cfg'",
    ),
}


def found(asked: str) -> Tool:
    """Return the tool of that name, or for ``PROBE`` the first that is installed.

    Raises:
        NoAnswer: it is not installed.
    """
    names = [asked] if asked in TOOLS else [*TOOLS]
    for name in names:
        if shutil.which(name):
            return TOOLS[name]
    listed = ", ".join(names)
    raise NoAnswer(
        f"none of {listed} is installed, which reach a chip through a debug probe; pip install pyocd, or give a serial"
        " port, or gdb:HOST:PORT of a GDB server"
        if len(names) > 1
        else f"{listed} is not installed, or not on the PATH"
    )


def chip_for(tool: Tool, device: Device, asked: str) -> str:
    """Return how a tool calls a device's chip: as asked, else as its file says.

    Raises:
        NoAnswer: nobody says.
    """
    if chip := asked or device.probe.get(tool.name, ""):
        return chip
    raise NoAnswer(f"{tool.name} wants to know the chip of {device.name}: --chip NAME, as listed by {tool.chips}")


def program(tool: Tool, chip: str, probe: str, elf: Path) -> None:
    """Write a firmware into a chip's flash.

    Raises:
        NoAnswer: the tool could not; the message has its last words.
    """
    try:
        done = subprocess.run(
            [tool.name, *tool.program(chip, probe, elf)],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PROGRAM_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise NoAnswer(f"{tool.name} has not programmed the board after {PROGRAM_S} s; reset it, try again") from None
    if done.returncode:
        said = _said(done.stdout + done.stderr)
        raise NoAnswer(f"{tool.name} could not program {chip}: {said}; are probe and board plugged in and powered?")


@contextlib.contextmanager
def served(tool: Tool, chip: str, probe: str) -> Iterator[Remote]:
    """Give the chip's core behind a GDB server of the tool's, which ends afterwards.

    Raises:
        NoAnswer: the server does not start.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        server = subprocess.Popen(
            [tool.name, *tool.serve(chip, probe, port)], stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        try:
            with _connected(tool, server, port, log) as remote:
                yield remote
        finally:
            server.terminate()
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _connected(tool: Tool, server: "subprocess.Popen[bytes]", port: int, log: TextIO) -> Remote:
    end = time.monotonic() + SERVE_S
    while True:
        try:
            return Remote("127.0.0.1", port, wait_s=0.2)
        except NoAnswer:
            if server.poll() is None and time.monotonic() < end:
                continue
            log.seek(0)
            raise NoAnswer(f"{tool.name} serves no GDB for this chip: {_said(log.read())}") from None


def _said(text: str) -> str:
    """Return the line that says most of a tool's output: the first with an error, else its last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    wrong = [line for line in lines if "error" in line.lower() or " E " in line or "no " in line.lower()]
    return (wrong or lines or ["it said nothing"])[0][:300]

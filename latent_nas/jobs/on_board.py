"""A network on the user's own board: programmed or only heard, and compared bit by bit; its figures are measured."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import artifacts
from latent_nas.costs import costs
from latent_nas.devices import Device
from latent_nas.firmware import bench, elf
from latent_nas.firmware.board import Answer, NoAnswer, line, program, tools
from latent_nas.firmware.board.measure import Board, answer
from latent_nas.firmware.board.remote import Remote
from latent_nas.firmware.boot import image
from latent_nas.firmware.export import RUNTIME, Project
from latent_nas.firmware.serial_report import drawn_input
from latent_nas.firmware.sources import MEASURED
from latent_nas.runtimes import open_runtime
from latent_nas.training.metadata import network_sha256
from latent_nas.units import significant

GDB = "gdb:"  # before HOST:PORT of a GDB server that runs already
BAUD, TIMEOUT_S = 115200, 30.0


@dataclass(frozen=True)
class OnBoard:
    """How a board is reached.

    Attributes:
        flash: "probe" or the name of one of ``tools.TOOLS``, with ":SERIAL" of a probe behind it where there are
            several; "gdb:HOST:PORT"; or a serial port, on which the board is heard only.
        chip: its name for the probe's program, "" for that of the device's file. baud, timeout_s: of a serial port.
    """

    flash: str
    chip: str = ""
    baud: int = BAUD
    timeout_s: float = TIMEOUT_S

    @property
    def listens(self) -> bool:
        """Whether it is a serial port."""
        return not self.flash.startswith(GDB) and self._asked[0] not in (tools.PROBE, *tools.TOOLS)

    @property
    def _asked(self) -> tuple[str, str]:
        """The tool asked for and the probe's serial number, or "" of it."""
        name, _, probe = self.flash.partition(":")
        return name, probe

    def check(self, device: Device) -> None:
        """Return if there is a way to the board, as far as can be known before anything is built.

        Raises:
            ValueError: no such port, no such tool; NoAnswer, which is one, has the next step.
        """
        if not self.timeout_s > 0:
            raise ValueError(f"--timeout {self.timeout_s:g}; wanted seconds above 0")
        if self.listens:
            line.Port(self.flash, self.baud).close()
        elif self.flash.startswith(GDB):
            self.server()
        else:
            self.tool(device)

    def server(self) -> tuple[str, int]:
        """Return host and port of the GDB server."""
        host, _, port = self.flash.removeprefix(GDB).rpartition(":")
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError(f"--flash {self.flash}; wanted gdb:HOST:PORT, e.g. gdb:localhost:3333")
        return host or "localhost", int(port)

    def tool(self, device: Device) -> tuple[tools.Tool, str, str]:
        """Return the probe's program, the chip's name for it, and the probe's serial number."""
        name, probe = self._asked
        installed = [one for one in tools.TOOLS if shutil.which(one) and (self.chip or one in device.probe)]
        tool = tools.found(installed[0] if name == tools.PROBE and installed else name)
        return tool, tools.chip_for(tool, device, self.chip), probe


def asked(
    how: OnBoard, project: Project, plain: bool, toolchain: str, x: np.ndarray, say: Callable[[str], None]
) -> Answer:
    """Return what a board gives for the int8 inputs (n, ...) of a project; of texts, for tokens (texts, tokens).

    Raises:
        NoAnswer: there is no board, or it can't be understood. Fault: the chip did what it can't.
    """
    if how.listens:
        say(f"listening to {how.flash}, {how.baud} baud, for {how.timeout_s:g} s at most")
        return _heard(how, project)
    with tempfile.TemporaryDirectory() as place:
        binary = program.built(project, Path(place), plain, toolchain)
        read = elf.read(binary)
        if how.flash.startswith(GDB):
            host, port = how.server()
            with Remote(host, port) as remote:
                say(f"programming what answers at {host}:{port}; what is in its flash is overwritten")
                remote.program(project.device.flash_address, image(read, project.device))
                return _measured(Board(remote, read, project), x, f"the GDB server at {host}:{port}")
        tool, chip, probe = how.tool(project.device)
        say(f"programming {chip} with {tool.name}; what is in its flash is overwritten")
        tools.program(tool, chip, probe, binary)
        with tools.served(tool, chip, probe) as remote:
            return _measured(Board(remote, read, project), x, tool.name)


def _measured(board: Board, x: np.ndarray, through: str) -> Answer:
    network = board.project.network
    board.start(reset=not board.remote.emulator)
    if not network.graph.input.vocabulary:
        return answer(board, list(x), network.from_integers(x).reshape(len(x), -1), 1, through)
    reference = network.tensors(x)  # a row per token; those of a text come one after another
    rows = reference[0].reshape(x.size, -1).astype(np.uint16)
    return answer(board, list(rows), reference[-1].reshape(x.size, -1), x.shape[1], through)


def _heard(how: OnBoard, project: Project) -> Answer:
    network, x = project.network, drawn_input(project.network)
    with line.Port(how.flash, how.baud) as port:
        said, pseudo = port.heard(how.timeout_s), port.pseudo
    if said.network != network_sha256(network):
        raise NoAnswer(
            f"{how.flash}: the board runs another network ({said.network[:12]}), this is"
            f" {network_sha256(network)[:12]}; flash the project of this one, or give the run that it is of"
        )
    wanted = network.tensors(x)[-1] if network.graph.input.vocabulary else network.from_integers(x)
    outputs = np.frombuffer(said.output, np.int8)
    if len(outputs) != prod(network.graph.output_shape):
        raise NoAnswer(f"{how.flash}: the board says {len(outputs)} outputs of {prod(network.graph.output_shape)}")
    return Answer(
        who=f"{'a program behind a pseudo terminal' if pseudo else 'a board'}, on {how.flash}",
        real=not pseudo,
        outputs=outputs[None],
        wanted=wanted.reshape(1, -1),
        self_test_wrong=said.self_test_wrong,
        cycles=said.ticks if any(said.ticks) else (),
        clock_hz=float(said.ticks_hz),
        clock_from="as the program says of its counter",
    )


def report(answer: Answer, project: Project, out: Path) -> dict[str, Any]:
    """Return what was found as plain values; cycles by operator of a chip go into ``out`` for ``calibrate``."""
    network, found = project.network, answer.to_json()
    if answer.real and answer.cycles:
        found["computed_cycles"] = costs(network.graph, project.device, open_runtime(RUNTIME)).cycles
    if answer.real and answer.by_operator:
        cycles = [answer.by_operator[name] for _, name in project.operators]
        artifacts.write(out / MEASURED, bench.csv(network.graph, project.device, project.operators, cycles))
        found["by_operator_in"] = MEASURED
    return found


def lines(found: dict[str, Any], out: object = "OUT") -> list[str]:
    """Return what a report says of the board, for people."""
    exact = "bit-exact" if found["bit_exact"] else f"NOT bit-exact: {found['equal_outputs']:.2%} of outputs equal"
    test = {None: "", 0: ", its self test right"}.get(
        found["self_test_wrong"], f", its SELF TEST WRONG in {found['self_test_wrong']} outputs"
    )
    said = [f"{found['inputs']} inputs on {found['answered_by']}: {exact}{test}"]
    if "measured_ms" in found:
        least, most = found["measured_ms"]
        clock = found["measured_clock_hz"] / 1e6
        span = significant(least) if least == most else f"{significant(least)} to {significant(most)}"
        of = found["measured_cycles"][1]
        said.append(
            f"measured {span} ms an inference, {of:,} cycles of {clock:.4g} MHz ({found['clock_from']});"
            f" computed {found['computed_cycles']:,.0f} cycles"
        )
        if "measured_stack_bytes" in found:
            said.append(f"measured stack {found['measured_stack_bytes']} B at most")
        if "by_operator_in" in found:
            said.append(
                f"a runtime of this board: latent-nas calibrate --measurements {out}/{found['by_operator_in']} --base"
                f" {RUNTIME} --runtime my_board --out runtimes"
            )
    elif not found["real_chip"]:
        said.append("that is no chip, so none of its figures is a measured one")
    else:
        said.append("its counter of cycles stands still, so no time was measured")
    return said

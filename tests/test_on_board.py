"""A board in the loop: the same path to a chip through GDB servers (unicorn's, QEMU's) and a pseudo terminal.

No chip is there: what is called one here is a server that answers as a chip's would, to hold what is said of it.
"""

import contextlib
import fcntl
import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("ziglang")
pytest.importorskip("unicorn")
from gdb_over_unicorn import Chip, Server
from test_component import BOARD, GREY, made, network, samples
from test_tiny_transformer import small

from latent_nas import cli
from latent_nas.calibration.measurements import read
from latent_nas.devices import open_device
from latent_nas.firmware import Fault, elf, qemu
from latent_nas.firmware.board import NoAnswer, line, measure, program
from latent_nas.firmware.compile import build
from latent_nas.firmware.draw import drawn
from latent_nas.firmware.emulate import Emulator
from latent_nas.firmware.export import project
from latent_nas.jobs import on_board
from latent_nas.jobs.deployed import summary
from latent_nas.jobs.on_board import OnBoard
from latent_nas.report.firmware import Firmware
from latent_nas.runs.folder import RunFolder
from latent_nas.runs.read import Run
from latent_nas.tasks import open_task
from latent_nas.training.metadata import metadata_of

COMPONENT_ID = (0x0D, 0x10, 0x05, 0xB1)
TALKS = """#include "model.h"
void uart(const char *text);
__attribute__((noinline)) void uart(const char *text) { __asm volatile("" : : "r"(text) : "memory"); }
static uint32_t ticks(void) { return *(volatile uint32_t *)0xE0001004u; }
int main(void) { for (;;) model_report(uart, ticks, 168000000u); }
"""


@contextlib.contextmanager
def served(device=BOARD, **chip):
    """A server over unicorn; with ``component_id`` it makes itself out to be a chip."""
    server = Server(Chip(device, **chip), "" if "component_id" in chip else "unicorn")
    server.start()
    yield f"gdb:127.0.0.1:{server.port}", server
    server.join(20)  # ends when the debugger has let go
    assert not server.is_alive()


@contextlib.contextmanager
def under_qemu(machine, folder):
    """QEMU's own server, with a flash that holds another program."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    idle = bytes.fromhex("0010002009000008fee7fee7")
    (folder / "idle.bin").write_bytes(idle if machine == "netduinoplus2" else idle[:7] + b"\0" + idle[8:])
    command = [qemu.PROGRAM, "-M", machine, "-display", "none", "-monitor", "none", "-serial", "none", "-S"]
    command += ["-gdb", f"tcp:127.0.0.1:{port}", "-icount", "shift=0", "-kernel", str(folder / "idle.bin")]
    with subprocess.Popen(command) as process:
        try:
            yield f"gdb:127.0.0.1:{port}"
        finally:
            process.kill()


def asked(flash, one, n=3):
    """Return what a board gives for n inputs."""
    x = GREY.integers(samples(GREY, n), one.network.quants[0])
    return on_board.asked(OnBoard(flash), one, False, "zig", x, lambda text: None)


@pytest.fixture(scope="module")
def one():
    return made(GREY)


@pytest.fixture(scope="module", autouse=True)
def built_once(tmp_path_factory):
    """Build a project once, as the same is asked for again and again."""
    kept, build_it = {}, program.built

    def built(project, folder, plain, toolchain):
        if id(project) not in kept:
            kept[id(project)] = project, build_it(project, tmp_path_factory.mktemp("built"), plain, toolchain)
        return kept[id(project)][1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(program, "built", built)
        yield


class TestGdb:
    def test_an_emulator_is_named_and_nothing_is_measured(self, one, tmp_path):
        with served() as (flash, _):
            answer = asked(flash, one)
        assert (answer.bit_exact, answer.self_test_wrong) == (True, 0)
        found = on_board.report(answer, one, tmp_path)
        assert found["answered_by"].startswith("unicorn, an emulator, through the GDB server at")
        assert not [name for name in found if "measured" in name]
        assert not list(tmp_path.iterdir())
        assert 100 < found["emulated_stack_bytes"] < 1000
        assert sum(found["emulated_ticks_by_operator"].values()) == pytest.approx(found["emulated_ticks"][0], rel=0.01)

    def test_what_answers_as_a_chip_is_measured_and_calibrate_reads_it(self, one, tmp_path):
        with served(component_id=COMPONENT_ID) as (flash, _):
            answer = asked(flash, one)
        found = on_board.report(answer, one, tmp_path)
        assert found["real_chip"]
        cycles = found["measured_cycles"][1]
        assert found["measured_ms"][1] == pytest.approx(cycles * 1e3 / found["measured_clock_hz"])
        rows = read(tmp_path / "measured_cycles.csv")
        assert [row.operator for row in rows] == [one.network.graph.nodes[i].operator for i, _ in one.operators]
        assert sum(row.cycles for row in rows) == pytest.approx(cycles, rel=0.01)
        assert "latent-nas calibrate --measurements fw/measured_cycles.csv" in "\n".join(on_board.lines(found, "fw"))

    def test_wrong_bits_are_seen(self, one, tmp_path):
        biased = {**one.library, "model.c": one.library["model.c"].replace("    operator_3_dense();", "    ;", 1)}
        with served() as (flash, _):
            answer = asked(flash, replace(one, library=biased))
        assert not answer.bit_exact
        assert answer.self_test_wrong > 0
        said = on_board.lines(on_board.report(answer, one, tmp_path))[0]
        assert "NOT bit-exact" in said
        assert "SELF TEST WRONG in" in said

    def test_texts_are_told_token_by_token(self):
        text, tokens = project(drawn(small(tokens=40), 3)[0], BOARD), np.array([[3, 1, 39, 2, 2], [4, 4, 0, 1, 2]])
        with served() as (flash, _):
            answer = on_board.asked(OnBoard(flash), text, False, "zig", tokens, lambda said: None)
        assert answer.outputs.shape == (10, 40)
        assert answer.bit_exact

    def test_a_program_that_hangs_is_halted_and_told_with_its_place(self, one, monkeypatch):
        monkeypatch.setattr(measure, "RUN_S", 0.5)
        endless = one.library["model.c"].replace(
            "void model_run(void)\n{", "void model_run(void)\n{\n    for (;;)\n        ;", 1
        )
        with served() as (flash, _):
            wrong = replace(one, library={**one.library, "model.c": endless})
            with pytest.raises(Fault, match=r"the chip is not done after 0\.5 s, at 0x08[0-9a-f]+ in model_run"):
                asked(flash, wrong)

    def test_another_core_is_told_before_anything_is_measured(self, one):
        with served(cpuid=0x410CC601) as (flash, _), pytest.raises(NoAnswer, match="part 0xc60, a cortex-m4 is 0xc24"):
            asked(flash, one)

    def test_a_flash_that_did_not_take_the_program_is_told(self, one):
        with served() as (flash, server):
            server.chip.uc.mem_protect(BOARD.flash_address, BOARD.flash_bytes, 5)
            keep, server._answer = server._answer, lambda body: b"OK" if body[:6] == b"vFlash" else keep(body)
            with pytest.raises(NoAnswer, match="flash holds another program from 0x08000000 on: is it a stm32f405"):
                asked(flash, one)

    def test_nobody_is_there_or_speaks_something_else(self, one):
        with pytest.raises(ValueError, match="wanted gdb:HOST:PORT"):
            OnBoard("gdb:localhost").check(BOARD)
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]

            def http():
                with listening.accept()[0] as other:
                    other.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    other.recv(100)

            threading.Thread(target=http, daemon=True).start()
            with pytest.raises(NoAnswer, match=r"closed the connection|is gone"):
                asked(f"gdb:127.0.0.1:{port}", one)
        with pytest.raises(NoAnswer, match=f"no GDB server at 127.0.0.1:{port}: .*; start one"):
            asked(f"gdb:127.0.0.1:{port}", one)

    @pytest.mark.skipif(not shutil.which(qemu.PROGRAM), reason=f"{qemu.PROGRAM} is not installed")
    def test_qemus_chips_give_the_same_bits_and_a_fault_is_told_with_its_place(self, one, tmp_path):
        with under_qemu("netduinoplus2", tmp_path) as flash:
            answer = asked(flash, one)
        assert (answer.bit_exact, answer.self_test_wrong, answer.real) == (True, 0, False)
        assert answer.who.startswith("QEMU, an emulator")
        bad = "void model_run(void)\n{\n    *(volatile int *)0x30000000u = 1;"
        broken = {**one.library, "model.c": one.library["model.c"].replace("void model_run(void)\n{", bad)}
        with under_qemu("netduinoplus2", tmp_path) as flash:
            wrong = replace(one, library=broken)
            with pytest.raises(Fault, match=r"the chip faulted: bus fault, at 0x08[0-9a-f]+ in model_run"):
                asked(flash, wrong)

    @pytest.mark.skipif(not shutil.which(qemu.PROGRAM), reason=f"{qemu.PROGRAM} is not installed")
    def test_a_core_without_a_cycle_counter_has_its_timer(self, tmp_path, monkeypatch):
        (tmp_path / "nrf51.toml").write_text(
            'core = "cortex-m0+"\nclock_mhz = 16\nflash_kb = 256\nflash_address = 0\n'
            'regions = [{ name = "sram", kb = 16, address = 0x20000000 }]\n'
        )
        monkeypatch.setattr("test_component.BOARD", open_device(str(tmp_path / "nrf51.toml")))
        with under_qemu("microbit", tmp_path) as flash:
            answer = asked(flash, made(GREY), 2)
        assert answer.bit_exact
        assert min(answer.cycles) > 0


@contextlib.contextmanager
def terminal():
    """A pseudo terminal: the program's end, and the path of the other one."""
    ours, theirs = pty.openpty()
    try:
        yield ours, os.ttyname(theirs)
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.fixture(scope="module")
def spoken(one, tmp_path_factory):
    """What a firmware that calls its _report() says on the emulated device, as it comes out of a UART."""
    folder = tmp_path_factory.mktemp("talks")
    for name, text in {**one.files, "main.c": TALKS}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    binary = elf.read(build(folder, BOARD.core, raw=True))
    machine = Emulator(binary, BOARD, [])  # without an ``exchange``, so that nothing has run
    said, at, uart = b"", machine.start[1], binary.address("uart")
    machine.uc.reg_write(machine.arm.UC_ARM_REG_SP, machine.start[0])
    while b"# end" not in said or not said.endswith(b"\n"):
        machine.go(at, uart)
        at = machine.uc.reg_read(machine.arm.UC_ARM_REG_LR) & ~1
        said += bytes(machine.uc.mem_read(machine.uc.reg_read(machine.arm.UC_ARM_REG_R0), 128)).split(b"\0")[0]
    return said


def heard(text, one, wait_s=5.0, **given):
    """Return what is made of bytes that come out of a terminal, in pieces."""
    with terminal() as (ours, path):

        def speak():
            time.sleep(0.1)
            with contextlib.suppress(OSError):
                for i in range(0, len(text), 100):
                    os.write(ours, text[i : i + 100])

        speaker = threading.Thread(target=speak)
        speaker.start()
        try:
            return on_board.asked(OnBoard(path, timeout_s=wait_s, **given), one, False, "zig", None, lambda said: None)
        finally:
            speaker.join()


class TestSerialPort:
    def test_a_report_is_compared_bit_by_bit(self, one, spoken):
        answer = heard(b"boot v1.2\r\n\xff\x00" + spoken.replace(b"\n", b"\r\n"), one)
        assert (answer.bit_exact, answer.self_test_wrong, len(answer.cycles)) == (True, 0, 3)
        assert answer.clock_hz == 168e6
        assert not answer.real
        assert "a program behind a pseudo terminal" in on_board.lines(answer.to_json())[0]
        chip = replace(answer, real=True).to_json()
        assert chip["measured_ms"][1] == pytest.approx(answer.cycles[0] / 168e3)

    def test_what_begins_in_the_middle_or_is_garbled_waits_for_the_next(self, one, spoken):
        assert heard(spoken[40:] + spoken, one).bit_exact
        flipped = spoken.replace(b"# ticks ", b"# ticks 1", 1)
        assert heard(flipped + spoken, one).bit_exact

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda said: b"", "nothing in 0.6 s; look at the cable, --baud, and that the program calls"),
            (lambda said: b"\xf8\x00hello\n" * 9, r"72 B in 0.6 s that are no report, as b'\\xf8"),
            (lambda said: said.replace(b"# ticks ", b"# ticks 1"), "1 reports came garbled"),
            (lambda said: said[:-20], "a report began and did not end"),
        ],
    )
    def test_what_is_no_report_is_told_in_a_line(self, one, spoken, change, words):
        with pytest.raises(NoAnswer, match=words) as error:
            heard(change(spoken), one, wait_s=0.6)
        assert "\n" not in str(error.value)

    def test_another_network_is_told_by_its_hash(self, spoken):
        with pytest.raises(NoAnswer, match=r"runs another network \([0-9a-f]{12}\), this is [0-9a-f]{12}; flash the"):
            heard(spoken, made(GREY, classes=tuple("abcd")))

    def test_a_report_of_another_release_is_told(self, one):
        body = b"# network abc\n"
        with pytest.raises(NoAnswer, match="of another release"):
            heard(line.BEGINS + body + f"# end {line.fnv1a(body):08x}\n".encode(), one)

    def test_ports_that_are_none(self, tmp_path):
        with pytest.raises(NoAnswer, match="there is no port /dev/ttyNONE; there are:"):
            OnBoard("/dev/ttyNONE").check(BOARD)
        (tmp_path / "file").write_text("")
        with pytest.raises(NoAnswer, match="is no serial port"):
            OnBoard(str(tmp_path / "file")).check(BOARD)
        with terminal() as (_, path):
            OnBoard(path).check(BOARD)
            with pytest.raises(NoAnswer, match="--baud 12345: no speed of a serial port here"):
                OnBoard(path, baud=12345).check(BOARD)
            with pytest.raises(ValueError, match="--timeout 0; wanted"):
                OnBoard(path, timeout_s=0).check(BOARD)
            with open(path, "rb") as other:
                fcntl.flock(other, fcntl.LOCK_EX)
                with pytest.raises(NoAnswer, match="is in use by another program; close its serial monitor"):
                    OnBoard(path).check(BOARD)


class TestTools:
    def test_none_is_installed(self, monkeypatch):
        monkeypatch.setenv("PATH", "")
        with pytest.raises(NoAnswer, match=r"none of pyocd, probe-rs, openocd is installed.*gdb:HOST:PORT"):
            OnBoard("probe").check(BOARD)
        with pytest.raises(NoAnswer, match="openocd is not installed, or not on the PATH"):
            OnBoard("openocd:0123").check(BOARD)

    def tool(self, folder, monkeypatch, script):
        """Put a program called openocd on the PATH, which does as it would: writes the flash, serves GDB."""
        path = folder / "openocd"
        path.write_text(f"#!{sys.executable}\n{script}")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def test_its_last_words_are_told_where_there_is_no_probe(self, one, tmp_path, monkeypatch):
        self.tool(tmp_path, monkeypatch, "import sys; sys.exit('Open On-Chip Debugger\\nError: open failed')")
        with pytest.raises(NoAnswer, match=r"openocd could not program interface/stlink.cfg .*: Error: open failed"):
            asked("openocd", one)
        with pytest.raises(NoAnswer, match="openocd wants to know the chip of odd: --chip NAME"):
            OnBoard("openocd").check(replace(BOARD, name="odd", probe={}))

    def test_it_programs_the_chip_and_serves_it(self, one, tmp_path, monkeypatch):
        script = f"""import sys, time
sys.path[:0] = {[p for p in sys.path if p]!r}
from pathlib import Path
said, here = " ".join(sys.argv[1:]), Path({str(tmp_path)!r})
assert "-f interface/stlink.cfg -f target/stm32f4x.cfg -c adapter serial 0123" in said, said
if "program {{" in said:
    (here / "flashed").write_bytes(Path(said.split("program {{")[1].split("}}")[0]).read_bytes())
else:
    from gdb_over_unicorn import Chip, Server
    from latent_nas.devices import open_device
    from latent_nas.firmware import elf
    from latent_nas.firmware.boot import image
    chip, device = Chip(open_device("stm32f405")), open_device("stm32f405")
    chip.uc.mem_write(device.flash_address, image(elf.read(here / "flashed"), device))
    server = Server(chip, port=int(said.split("gdb_port ")[1].split()[0]))
    (here / "served").touch()
    server.run()
    time.sleep(60)
"""
        self.tool(tmp_path, monkeypatch, script)
        began = time.monotonic()
        answer = asked("openocd:0123", one)
        assert answer.bit_exact
        assert (tmp_path / "served").exists()
        assert time.monotonic() - began < 50  # the server is ended, not waited for


class TestRun:
    def run(self, place):
        RunFolder.create(place, {"strategy": "random", "limits": {"flash_bytes": 20_000}})
        net = network((8, 8, 1), 10)
        made_by = {"genes": [0], "space": "mcu_cnn", "task": "digits", "device": "stm32f405", "runtime": "native"}
        net.save(place / "networks/1", made_by, metadata_of(open_task("digits"), net).files())
        return place

    def test_a_run_and_its_report_hold_what_was_measured(self, tmp_path, capsys):
        run = self.run(tmp_path / "run")
        with served(component_id=COMPONENT_ID) as (flash, _), pytest.raises(SystemExit) as stopped:
            cli.main(["deploy", str(run), "--out", str(tmp_path / "fw"), "--flash", flash, "--inputs", "2", "--json"])
        assert stopped.value.code == 0
        report = json.loads(capsys.readouterr().out)
        assert report["board"]["bit_exact"]
        assert "measured" in summary(report)
        (kept,) = Run.read(run).firmware
        assert kept.board.measured_cycles == tuple(report["board"]["measured_cycles"])
        assert "a chip with cortex-m4" in str(Firmware().show(Run.read(run)))
        assert f"MEASURED_CYCLES {kept.board.measured_cycles[1]}" in (tmp_path / "fw/model/model.h").read_text()
        assert (tmp_path / "fw/measured_cycles.csv").is_file()

    def test_trouble_and_ctrl_c_leave_run_and_folder_as_they_were(self, tmp_path, capsys, request):
        ignored = signal.signal(signal.SIGINT, signal.SIG_DFL)  # as it is for what runs in the background
        request.addfinalizer(lambda: signal.signal(signal.SIGINT, ignored))
        run = self.run(tmp_path / "run")
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        arguments = ["deploy", str(run), "--out", str(tmp_path / "fw"), "--flash"]
        with pytest.raises(SystemExit) as stopped:
            cli.main([*arguments, "/dev/ttyNONE"])
        assert stopped.value.code == 2
        assert "error: there is no port /dev/ttyNONE" in capsys.readouterr().err
        with terminal() as (_, path):
            command = [sys.executable, "-m", "latent_nas", *arguments, path, "--timeout", "60"]
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
                said = ""
                while "listening to" not in said and (row := process.stdout.readline()):
                    said += row
                process.send_signal(signal.SIGINT)
                said += process.communicate()[0]
        assert process.returncode == 130, said
        assert "Traceback" not in said
        assert not (tmp_path / "fw").exists()
        assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

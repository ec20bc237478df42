"""Firmware with a real compiler and on a real emulator: same bits as the reference, and honest refusals."""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from latent_nas import cli
from latent_nas.cores import open_core
from latent_nas.costs import costs
from latent_nas.devices import Region, open_device
from latent_nas.extras import need
from latent_nas.firmware import Fault, elf
from latent_nas.firmware.check import emulate
from latent_nas.firmware.compile import build
from latent_nas.firmware.draw import drawn
from latent_nas.firmware.emulate import Emulator
from latent_nas.firmware.export import Project, project
from latent_nas.firmware.linker import STACK_BYTES, arena_region
from latent_nas.firmware.machine import model_of
from latent_nas.graph import Builder, Graph
from latent_nas.operators.add import Add
from latent_nas.operators.avg_pool import AvgPool
from latent_nas.operators.concat import Concat
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.flatten import Flatten
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.hard_swish import HardSwish
from latent_nas.operators.max_pool import MaxPool
from latent_nas.operators.relu import Relu
from latent_nas.operators.relu6 import Relu6
from latent_nas.operators.zero import Zero
from latent_nas.runtimes import open_runtime
from latent_nas.sealed import unseal
from latent_nas.spaces import open_space

DEVICE = open_device("stm32f405")
missing = [name for name in ("ziglang", "unicorn") if importlib.util.find_spec(name) is None]
tools = pytest.mark.skipif(bool(missing), reason=f"extra mcu: {', '.join(missing)} not installed")


def every_operator() -> Graph:
    b = Builder((11, 9, 3))
    x = b.add(Relu(), b.add(Conv2d(8), 0))
    y = b.add(HardSwish(), b.add(Conv2d(8, (5, 3), (1, 1), groups=8), x))
    y = b.add(Relu6(), b.add(Add(), x, y))
    z = b.add(Conv2d(7, (1, 1)), y)  # odd channels: no kernel may count on four
    z = b.add(Conv2d(7, (3, 3), groups=7), b.add(Relu(), z))
    y = b.add(Concat(), y, z, b.add(Zero(), x))
    y = b.add(MaxPool((3, 3), (2, 2), "same"), y)
    y = b.add(Conv2d(6, (3, 3), (2, 2), (1, 0, 1, 0), groups=1), b.add(AvgPool((2, 2), (1, 1), "same"), y))
    y = b.add(Conv2d(6, (1, 1), (1, 1), groups=2), y)
    pooled = b.add(Concat(), b.add(GlobalPool("avg"), y), b.add(GlobalPool("max"), y))
    y = b.add(Concat(), pooled, b.add(Flatten(), y))
    b.add(Dense(5), b.add(Relu(), b.add(Dense(9), y)))
    return b.build()


def small() -> Graph:
    b = Builder((8, 8, 4))
    b.add(Dense(3), b.add(GlobalPool(), b.add(Conv2d(8), 0)))
    return b.build()


def write(graph: Graph, folder: Path, seed: int = 0) -> tuple[Project, np.ndarray]:
    network, x = drawn(graph, seed, 4)
    made = project(network, DEVICE)
    made.write(folder)
    return made, x


@tools
class TestParity:
    @pytest.mark.parametrize("plain", [False, True])
    def test_every_operator(self, tmp_path: Path, plain: bool):
        made, x = write(every_operator(), tmp_path)
        checked, report, _ = emulate(made, build(tmp_path, DEVICE.core, plain), x, tensors=2)
        assert checked.tensors > 1000
        assert report["bit_exact"], report
        assert report["arena_high_water_bytes"] <= made.plan.peak
        assert 0 < report["peak_stack_bytes"] < STACK_BYTES

    @pytest.mark.parametrize("seed", [0, 1])
    def test_networks_of_the_space(self, tmp_path: Path, seed: int):
        space = open_space("mcu_cnn", (16, 16, 3), 10)
        genes = space.sample(np.random.default_rng(seed), 20)
        graph = min((space.graph(g) for g in genes.tolist()), key=lambda g: abs(g.macs - 1_000_000))
        made, x = write(graph, tmp_path, seed)
        reference = made.network.integers(x)
        assert len(np.unique(reference)) > 10
        counts = []
        for plain in (False, True):
            _, report, _ = emulate(made, build(tmp_path, DEVICE.core, plain), x)
            assert report["bit_exact"]
            counts.append(report["instructions"])
        assert counts[0] < counts[1] / 2
        assert report["arena_planned_bytes"] == made.plan.peak

    def test_factors_of_a_half_and_more(self, tmp_path: Path):
        network, x = drawn(small(), 3, 2)
        constants = [dict(c) for c in network.constants]
        for c in constants:
            if "shift" in c:
                c["shift"] = np.where(np.arange(len(c["shift"])) % 2, c["shift"] - 9, c["shift"] + 5)
                c["multiplier"][0], c["shift"][0] = 0, 1
        network = replace(network, constants=tuple(constants))
        made = project(network, DEVICE)
        made.write(tmp_path)
        assert min(c["shift"].min() for c in constants if "shift" in c) < 33
        assert emulate(made, build(tmp_path, DEVICE.core), x)[1]["bit_exact"]


@tools
def test_unicorn_refuses_what_a_core_has_not(tmp_path: Path):
    made, x = write(small(), tmp_path)
    firmware = build(tmp_path, DEVICE.core)
    other = replace(made, device=replace(DEVICE, core=open_core("cortex-m3")))
    with pytest.raises(Fault, match="instruction"):  # SMLAD
        emulate(other, firmware, x[:1])
    with pytest.raises(ValueError, match=r"unicorn has no model 'CORTEX_M9', .* there are: .*CORTEX_M33"):
        model_of(replace(DEVICE.core, unicorn="CORTEX_M9"))


@tools
class TestCounts:
    def test_a_block_counts_as_its_instructions(self, tmp_path: Path):
        from unicorn import UC_HOOK_CODE

        made, x = write(small(), tmp_path)
        emulator = Emulator(elf.read(build(tmp_path, DEVICE.core)), DEVICE, [n for _, n in made.operators])
        one, stepped = made.network.quants[0].quantise(x)[0], [0]
        emulator.run(one, 3)
        blocks = emulator.count()
        emulator.uc.ctl_flush_tb()
        emulator.uc.hook_add(UC_HOOK_CODE, lambda *_: stepped.__setitem__(0, stepped[0] + 1))
        emulator.run(one, 3)
        # the step hook leaves out instructions that an IT skips; the core fetches them, and blocks count them
        assert 0.99 * blocks.instructions < stepped[0] <= blocks.instructions == sum(blocks.by_function.values())
        assert set(blocks.by_operator) == {name for _, name in made.operators}


@tools
class TestFits:
    def test_the_last_byte(self, tmp_path: Path):
        made, _ = write(small(), tmp_path)
        room = STACK_BYTES + -(-made.plan.peak // 8) * 8
        for bytes_, fits in ((room, True), (room - 8, False)):
            device = replace(DEVICE, regions=(Region("sram", bytes_, 0x20000000),))
            project(made.network, device, device.regions[0]).write(tmp_path)
            if fits:
                build(tmp_path, DEVICE.core)
            else:
                with pytest.raises(ValueError, match=r"region sram overflows by [1-8] B"):
                    build(tmp_path, DEVICE.core)

    def test_one_byte_of_flash(self, tmp_path: Path):
        made, _ = write(small(), tmp_path)
        flash = elf.read(build(tmp_path, DEVICE.core)).flash_bytes
        for bytes_ in (flash, flash - 1):
            project(made.network, replace(DEVICE, flash_bytes=bytes_)).write(tmp_path)
            if bytes_ == flash:
                build(tmp_path, DEVICE.core)
            else:
                with pytest.raises(ValueError, match="region flash overflows by 1 B"):
                    build(tmp_path, DEVICE.core)
                assert not (tmp_path / "firmware.elf").exists()  # nor one that lay where it was compiled

    @pytest.mark.parametrize("kernels", [[(1, 1)], [(3, 3), (1, 1)]])
    def test_native_counts_the_code_that_kernels_share(self, tmp_path: Path, kernels: list):
        """1x1 convolutions run the loops of others, also where there are no others."""
        b, x = Builder((12, 12, 8)), 0
        for size in kernels:
            x = b.add(Conv2d(16, size, padding=(size[0] // 2,) * 4), x)
        b.add(Dense(4), b.add(GlobalPool(), x))
        graph = b.build()
        project(drawn(graph, 0, 1)[0], DEVICE).write(tmp_path)
        linked = elf.read(build(tmp_path, DEVICE.core)).flash_bytes
        assert costs(graph, DEVICE, open_runtime("native")).flash_bytes == pytest.approx(linked, rel=0.02)

    def test_the_arena_goes_where_there_is_room(self):
        assert arena_region(DEVICE, 100 * 1024, "3:add").name == "sram"
        small_first = replace(DEVICE, regions=(DEVICE.regions[1], DEVICE.regions[0]))
        assert arena_region(small_first, 64 * 1024, "3:add").name == "sram"  # the stack is in the CCM already
        with pytest.raises(ValueError, match=r"exceeds sram, .* by 2048 B .* at layer 3:add"):
            arena_region(DEVICE, 128 * 1024, "3:add")


@tools
class TestFaults:
    def run(self, folder: Path, body: str) -> None:
        made, x = write(small(), folder)
        source = (
            (folder / "model/model.c")
            .read_text()
            .replace("void model_run(void)\n{", f"{body}\nvoid model_run(void)\n{{ bad();")
        )
        (folder / "model/model.c").write_text(source)
        emulate(made, build(folder, DEVICE.core), x)

    def test_unmapped_memory(self, tmp_path: Path):
        body = "__attribute__((noinline)) static void bad(void) { *(volatile int *)0x30000000 = 1; }"
        with pytest.raises(Fault, match=r"write .* 0x30000000, .* in bad"):
            self.run(tmp_path, body)

    def test_stack_overflow(self, tmp_path: Path):
        body = """static volatile int depth = 1000;
__attribute__((noinline)) static int bad(void)
{ volatile int a[64]; a[0] = --depth; return a[0] ? bad() + a[0] : 0; }"""
        with pytest.raises(Fault, match=r"unmapped or protected memory at 0x1fff.*in bad"):
            self.run(tmp_path, body)

    @pytest.mark.parametrize(
        ("statement", "words"),
        [
            ("*(volatile char *)0x2001fff0 = 1", "write to 0x2001fff0, which belongs to nobody, .* in bad"),
            ("*(volatile char *)0x2001fff0 = (char)0xa5", "write to 0x2001fff0, which belongs to nobody, .* in bad"),
            ("*(volatile int *)0x20000010 = 1", "0x20000010, in the stack's reserve .* B below .* in bad"),
            ("*(volatile int *)0xe000ed08 = 1", "0xe000ed08, one of the system's own registers, .* in bad"),
            (
                '__asm("ldmia %0, {r1, r2}" :: "r"(0x08000002) : "r1", "r2")',
                "at 0x08000002, not a multiple of 4, .* in bad",
            ),
            (
                '__asm("ldrd r2, r3, [%0]" :: "r"(0x08000001) : "r2", "r3")',
                "at 0x08000001, not a multiple of 4, .* in bad",
            ),
        ],
    )
    def test_touching_what_is_not_its_own(self, tmp_path: Path, statement: str, words: str):
        body = f"__attribute__((noinline)) static void bad(void) {{ {statement}; }}"
        with pytest.raises(Fault, match=words):
            self.run(tmp_path, body)

    def test_a_callers_frame(self, tmp_path: Path):
        """No operator has to touch it; the firmware would crash only after the operator's end."""
        made, x = write(small(), tmp_path)
        source = (tmp_path / "model" / "model.c").read_text()
        begin = f"void {made.operators[1][1]}(void)\n{{\n"
        assert begin in source
        body = "__attribute__((noinline)) static void bad(volatile char *at) { at[0] ^= 1; }\nextern char stack_top[];"
        source = source.replace(begin, f"{begin}    bad(stack_top - 1);\n")
        (tmp_path / "model" / "model.c").write_text(f"{body}\n{source}")
        with pytest.raises(Fault, match=r"write to 0x.*, in the stack frame of a caller, .* in bad"):
            emulate(made, build(tmp_path, DEVICE.core), x)


@tools
class TestCommand:
    def test_deploys_a_saved_network(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        made = {"by": "a test", "genes": [0], "device": "stm32f446"}  # the run's device is the firmware's
        drawn(small(), 0)[0].save(tmp_path / "run/networks/1", made)
        arguments = [
            "deploy",
            str(tmp_path / "run"),
            "--out",
            str(tmp_path / "fw"),
            "--emulate",
            "--inputs",
            "3",
            "--json",
        ]
        with pytest.raises(SystemExit) as stopped:
            cli.main(arguments)
        report = json.loads(capsys.readouterr().out)
        assert stopped.value.code == 0
        assert report["emulated"]["bit_exact"]
        assert report["device"] == "stm32f446"
        assert report == unseal(json.loads((tmp_path / "fw/report.json").read_text()), "report.json")
        assert report["sections"][".arena"] == report["arena_bytes"]
        assert report["emulated"]["emulated_ms"][0] < report["emulated"]["emulated_ms"][1]

    def test_says_what_a_core_lacks(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        drawn(small(), 0)[0].save(tmp_path / "one", {})
        arguments = ["deploy", str(tmp_path / "one"), "--out", str(tmp_path / "fw"), "--device"]
        with pytest.raises(SystemExit):
            cli.main([*arguments, "nrf5340_net"])
        said = capsys.readouterr().out
        assert "core cortex-m33-nodsp: no DSP extension, so plain C kernels; soft float" in said
        assert "to run on nrf5340_net: the network core stands still" in said
        assert "cortex-m33-nodsp: no DSP extension" in (tmp_path / "fw/README.md").read_text()
        report = json.loads((tmp_path / "fw/report.json").read_text())
        assert report["kernels"] == "plain"
        assert report["core"]["name"] == "cortex-m33-nodsp"
        with pytest.raises(SystemExit):
            cli.main([*arguments, "stm32f405"])
        assert "core cortex-m4" not in capsys.readouterr().out
        assert json.loads((tmp_path / "fw/report.json").read_text())["core"]["lacks"] == []

    def test_a_fault_is_exit_code_3(self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch):
        def faults(*_: object, **__: object) -> None:
            raise Fault("write at 0x0 in nn_add")

        monkeypatch.setattr("latent_nas.jobs.trial.emulate", faults)
        drawn(small(), 0)[0].save(tmp_path / "one", {})
        with pytest.raises(SystemExit) as stopped:
            cli.main(["deploy", str(tmp_path / "one"), "--out", str(tmp_path / "fw"), "--emulate"])
        assert stopped.value.code == 3
        assert "write at 0x0 in nn_add" in capsys.readouterr().err


def test_what_is_missing_is_named():
    with pytest.raises(ValueError, match=r"latent_nas\[mcu\]"):
        need("no_such_package_of_the_extra", "mcu")


def test_no_network_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["deploy", str(tmp_path), "--out", str(tmp_path / "fw")])
    assert stopped.value.code == 2
    assert "holds no int8 network" in capsys.readouterr().err
    assert not (tmp_path / "fw").exists()

"""Cycles of a firmware: instructions by class against a disassembler, branches against a trace, the cores' models."""

import re
from dataclasses import replace

import capstone
import numpy as np
import pytest

from latent_nas import plugins
from latent_nas.cores import CLASSES, CycleModel, open_core
from latent_nas.devices import open_device
from latent_nas.firmware import compile as compiler
from latent_nas.firmware import elf
from latent_nas.firmware.draw import drawn
from latent_nas.firmware.emulate import Emulator
from latent_nas.firmware.export import project
from latent_nas.firmware.instructions import decode
from latent_nas.graph import Builder
from latent_nas.operators.add import Add
from latent_nas.operators.avg_pool import AvgPool
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.flatten import Flatten

DEVICE = open_device("stm32f405")
THUMB = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
CONDITIONS = ["eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le"]
KINDS = {  # by how mnemonics begin, the first that does
    "load_double": "ldrd",
    "store_double": "strd",
    "load_words": "ldm pop",
    "store_words": "stm push",
    "load": "ldr pld vldr vldm vpop tb",
    "store": "str vstr vstm vpush",
    "divide": "sdiv udiv",
    "multiply": "mul mla mls smul smla smls smmul smua smus umul umla umaa",
}


def disassembled(code: bytes) -> tuple[str, str, int, int]:
    """Return what capstone says of an instruction: class, how it goes on, registers that it moves, bytes."""
    one = next(THUMB.disasm(code, 0))
    name = one.mnemonic.split(".")[0]
    if re.fullmatch("it[te]*", name):
        return "it", "", 0, one.size
    if name in ("b", "bl", "bx", "blx"):
        return "branch_taken", "always", 0, one.size
    if name in ("cbz", "cbnz") or (name[0] == "b" and name[1:] in CONDITIONS):
        return "branch_taken", "perhaps", 0, one.size
    kind = next((kind for kind, starts in KINDS.items() if name.startswith(tuple(starts.split()))), "alu")
    listed = one.op_str.partition("{")[2] if kind.endswith("_words") else ""
    goes = "always" if ("pc" in listed and kind == "load_words") or name.startswith("tb") else ""
    return kind, goes, len(listed.split(",")) if listed else 0, one.size


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    """A firmware of several kernels, loaded."""
    b = Builder((9, 8, 3))
    x = b.add(Conv2d(6, (3, 3), (2, 2)), 0)
    x = b.add(Add(), x, b.add(Conv2d(6, (3, 3), groups=6), x))
    b.add(Dense(5), b.add(Flatten(), b.add(AvgPool((2, 2), (2, 2)), b.add(Conv2d(9, (1, 1)), x))))
    network, x = drawn(b.build(), 0, 2)
    folder = tmp_path_factory.mktemp("firmware")
    made = project(network, DEVICE)
    made.write(folder)
    made_by = elf.read(compiler.build(folder, DEVICE.core))
    return Emulator(made_by, DEVICE, [name for _, name in made.operators]), network.quants[0].quantise(x)[0]


def halfwords(emulator: Emulator) -> tuple[int, np.ndarray]:
    text = next(s for s in emulator.elf.sections if s.name == ".text")
    return text.address, np.frombuffer(bytes(emulator.uc.mem_read(text.address, text.bytes & ~1)), np.uint16)


def traced(emulator: Emulator, x: np.ndarray) -> list[int]:
    """Return the addresses of an inference that is not the first, in the order in which they ran.

    Code is translated once, with the hooks of that time, so that what was translated is thrown away before and after.
    """
    trace: list[int] = []
    emulator.run(x, 5)
    hook = emulator.uc.hook_add(emulator.lib.UC_HOOK_CODE, lambda uc, address, size, data: trace.append(address))
    emulator.uc.ctl_flush_tb()
    emulator.run(x, 5)
    emulator.uc.hook_del(hook)
    emulator.uc.ctl_flush_tb()
    return trace


def test_every_instruction_that_ran_is_of_the_class_that_a_disassembler_says(emulator):
    machine, x = emulator
    base, code = halfwords(machine)
    seen = set(traced(machine, x))
    assert len(seen) > 500
    for address in seen:
        at = (address - base) // 2
        ours = decode(int(code[at]), int(code[at + 1]))
        theirs = disassembled(code[at : at + 2].tobytes())
        assert (ours.kind, ours.branch, ours.words, 2 * ours.halfwords) == theirs, hex(address)


def test_counts_are_those_of_a_trace(emulator):
    machine, x = emulator
    base, code = halfwords(machine)
    trace = traced(machine, x)
    machine.run(x, 5)
    count, wanted, before = machine.count(), dict.fromkeys(CLASSES, 0), ""
    for address, follows in zip(trace, [*trace[1:], 0], strict=True):
        at = (address - base) // 2
        kind, goes, words, size = disassembled(code[at : at + 2].tobytes())
        wanted["wide"] += size == 4
        if goes:
            wanted["branch_passed" if goes == "perhaps" and follows == address + size else "branch_taken"] += 1
        if kind != "branch_taken":
            wanted["load_next" if kind == before == "load" else kind] += words or 1
        wanted["sequences"] += words > 0
        before = kind
    got = dict(zip(CLASSES, count.mix.tolist(), strict=True))
    skipped = count.instructions - len(trace)  # what an IT skips is counted and not traced
    assert 0 <= skipped < 0.01 * len(trace)
    for name in ("branch_passed", "it", "store_words"):
        assert got[name] == wanted[name], name
    assert got["load"] + got["load_next"] == pytest.approx(wanted["load"] + wanted["load_next"], abs=skipped)
    assert got["load_next"] == pytest.approx(wanted["load_next"], rel=0.02)  # two in a row may stand in two blocks
    more = {name: got[name] - wanted[name] for name in CLASSES if not name.startswith(("load", "wide"))}
    assert min(more.values()) >= 0
    assert sum(more.values()) <= skipped
    assert sum(count.mix_by_operator.values()).sum() == pytest.approx(count.mix.sum(), rel=0.1)


def test_cycles_are_those_of_the_board_with_the_nearest_clock():
    one = dict.fromkeys(CLASSES, 1.0)
    models = (CycleModel(180, one, 0.1, "fast"), CycleModel(80, {**one, "alu": 3.0}, 0.2, "slow"))
    core, mix = replace(open_core("cortex-m4"), cycle_model=models), dict.fromkeys(CLASSES, 0) | {"alu": 10}
    assert core.cycles(10, mix, 168e6)[:2] == (10, 0.1)
    assert core.cycles(10, mix, 100e6)[:2] == (30, 0.2)
    assert core.cycles(10, None, 168e6)[:2] == pytest.approx((15.5, 0.45 / 1.55))  # not told apart: the wide range


def test_time_on_a_core_that_was_measured_has_a_narrower_bar(emulator):
    machine, x = emulator
    machine.run(x, 5)
    count = machine.count()
    mix = dict(zip(CLASSES, count.mix.tolist(), strict=True))
    cycles, error, why = DEVICE.core.cycles(count.instructions, mix, DEVICE.clock_hz)
    assert 1.0 < cycles / count.instructions < 2.0
    assert error < 0.2
    assert "layers of CMSIS-NN" in why
    other = open_core("cortex-m7")
    assert other.cycles(count.instructions, mix, 216e6)[1] > error


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("clock_mhz = 80", "cycle_model: 'error' is missing"),
        ('clock_mhz = 0\nerror = 0.1\nsource = "s"\ncycles = {CYCLES}', "wanted a clock_mhz above 0"),
        ('clock_mhz = 80\nerror = 0.1\nsource = "s"\ncycles = { alu = 1 }', "cycle_model: 'multiply' is missing"),
    ],
)
def test_a_wrong_model_is_one_line(tmp_path, line, said):
    text = (plugins.PACKAGE / "cores" / "cortex-m3.toml").read_text(encoding="utf-8")
    each = "{ " + ", ".join(f"{name} = 1" for name in CLASSES) + " }"
    (tmp_path / "mine.toml").write_text(f"{text}\n[[cycle_model]]\n{line.replace('{CYCLES}', each)}\n")
    with pytest.raises(ValueError, match=said):
        open_core(str(tmp_path / "mine.toml"))

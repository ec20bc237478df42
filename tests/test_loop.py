"""The microcontroller in the loop: emulated records, what they teach, builds that measure themselves, other tools."""

import csv
import importlib.util
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from latent_nas import plugins
from latent_nas.calibration.measurements import read
from latent_nas.costs import costs
from latent_nas.devices import Region, open_device
from latent_nas.evaluators import Job, work
from latent_nas.evaluators.emulate import emulated_record
from latent_nas.firmware import Fault, bench, elf, qemu
from latent_nas.firmware.check import emulate, run_on_qemu
from latent_nas.firmware.compile import build
from latent_nas.firmware.draw import drawn
from latent_nas.firmware.emulate import Emulator
from latent_nas.firmware.export import project
from latent_nas.firmware.linker import STACK_BYTES
from latent_nas.graph import Builder
from latent_nas.jobs.build import Build, linked
from latent_nas.jobs.calibrate import calibrate
from latent_nas.jobs.proof import above, counted_by_limits, fits, tools_missing
from latent_nas.jobs.search.config import SearchConfig
from latent_nas.jobs.search.prepare import prepare
from latent_nas.jobs.search.run import over
from latent_nas.jobs.summary import summary
from latent_nas.judge.recalibrate import excess
from latent_nas.limits import Limits
from latent_nas.operators._rim import Rim
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.records import Record
from latent_nas.runs.schema import VERSION, read_result
from latent_nas.runtimes import open_runtime
from latent_nas.target import Setup, Target

DEVICE, NATIVE = open_device("stm32f405"), open_runtime("native")
TARGET = Target("mcu_cnn", "digits", "stm32f405", "native")
missing = [name for name in ("ziglang", "unicorn") if importlib.util.find_spec(name) is None]
tools = pytest.mark.skipif(bool(missing), reason=f"extra mcu: {', '.join(missing)} not installed")


def small():
    b = Builder((8, 8, 4))
    x = b.add(Conv2d(8, padding=(1, 0, 1, 0)), 0)
    b.add(Dense(3), b.add(GlobalPool(), x))
    return b.build()


def firmware(folder, defines=(), toolchain="zig"):
    network, x = drawn(small(), 0, 3)
    made = project(network, DEVICE)
    made.write(folder)
    return made, build(folder, DEVICE.core, toolchain=toolchain, defines=defines), x


@pytest.fixture(scope="module")
def pair():
    """One training without and with the device."""
    genes = tuple(Setup(TARGET).space.sample(np.random.default_rng(3), 1)[0].tolist())
    return work.record_of(TARGET, Job(genes, 5)), emulated_record(TARGET, Job(genes, 5))


@tools
class TestEvaluator:
    def test_the_device_adds_figures_and_changes_nothing_else(self, pair):
        plain, emulated = pair
        assert emulated.ok, emulated.reason
        blank = {name: None for name in vars(plain) if name.startswith("emulated_")}
        assert replace(emulated, **blank, wall_s=0.0) == replace(plain, wall_s=0.0)
        assert Record.from_json(emulated.to_json()) == emulated

    def test_computed_and_emulated_mean_the_same(self, pair):
        record = pair[1]
        assert record.emulated_ram_bytes == pytest.approx(record.ram_bytes, abs=8)
        assert record.emulated_flash_bytes == pytest.approx(record.flash_bytes, rel=0.05)
        assert record.emulated_latency_ms == pytest.approx(record.latency_ms, rel=0.05)


class TestRecalibration:
    record = Record((0,), "s", "t", 0, flash_bytes=100, ram_bytes=50, latency_ms=2.0)
    emulated = replace(
        record, emulated_flash_bytes=110, emulated_ram_bytes=50, emulated_instructions=1, emulated_latency_ms=3.0
    )

    def test_records_teach_the_costs_a_little_at_a_time(self):
        assert (excess([self.record]) == 0).all()
        one, many = (np.exp(excess([self.emulated] * n)) for n in (1, 50))
        assert one == pytest.approx([1.1**0.5, 1, 1.5**0.5])
        assert many == pytest.approx([1.1, 1, 1.5], rel=0.02)

    def test_the_scorer_takes_it_up(self):
        from latent_nas.judge.scorer import Scorer
        from latent_nas.surrogates import design
        from latent_nas.surrogates.mlp import Mlp

        setup = Setup(TARGET)
        genes = setup.space.sample(np.random.default_rng(0), 40)
        surrogate = Mlp.for_costs(0).fit(design(setup.space, genes), np.log(setup.exact(genes)))
        scorer = Scorer(setup.space, Limits(), surrogate)
        before = scorer(genes).predicted_latency_ms
        records = [
            replace(self.emulated, genes=tuple(row), status="failed", reason="only its costs count here")
            for row in genes[:30].tolist()
        ]
        scorer.refit(records)
        assert scorer(genes).predicted_latency_ms / before == pytest.approx(np.exp(excess(records))[2])

    def test_limits_hold_on_the_device(self):
        assert not over(self.record, Limits(latency_ms=2.5))
        assert over(self.emulated, Limits(latency_ms=2.5))
        assert Limits(100, None, 2.0).scaled([0.5, 1, 2]) == Limits(50, None, 4.0)


class TestRefusals:
    def config(self, **other):
        return SearchConfig(Target(**{**vars(TARGET), **other}), measure="emulate", limits=Limits(latency_ms=5))

    def test_another_runtime_is_not_what_is_emulated(self):
        with pytest.raises(ValueError, match="--runtime native"):
            prepare(self.config(runtime="cmsis_nn"))

    def test_without_the_extra_a_line_names_it(self, monkeypatch):
        find = importlib.import_module

        def none(name, *more):
            if name == "unicorn":
                raise ModuleNotFoundError(name)
            return find(name, *more)

        monkeypatch.setattr(importlib, "import_module", none)
        with pytest.raises(ValueError, match=r"unicorn is not installed; .*latent_nas\[mcu\]"):
            prepare(self.config())
        assert "latent_nas[mcu]" in tools_missing(Setup(TARGET))  # final validation says so and goes on

    def test_a_table_is_no_measurement(self):
        with pytest.raises(ValueError, match="latent-nas bench"):
            plugins.load("evaluators", "table").check(TARGET)

    def test_qemu_is_named(self, monkeypatch):
        monkeypatch.setattr(shutil, "which", lambda name: None)
        with pytest.raises(ValueError, match="qemu-system-arm is not installed"):
            qemu.machine(DEVICE)


class TestWholeImage:
    def test_limits_count_code_and_stack(self):
        cost = costs(small(), DEVICE, NATIVE)
        model = cost.weights_bytes + cost.bias_bytes + cost.quantisation_bytes
        assert cost.flash_bytes == model + cost.code_bytes
        assert cost.ram_bytes == cost.arena_bytes + STACK_BYTES

    def test_one_byte_too_large_is_refused_by_cost_as_the_linker_does(self):
        arena = costs(small(), DEVICE, NATIVE).arena_bytes
        for spare, fit in ((0, True), (-1, False)):
            device = replace(DEVICE, regions=(Region("sram", arena + STACK_BYTES + spare, 0x20000000),))
            cost = costs(small(), device, NATIVE)
            assert (cost.region is not None) == fit
            assert fits(cost, Limits(), None) == fit
        with pytest.raises(ValueError, match=r"exceeds sram, .* by 1 B .* at layer 1:conv2d"):
            project(drawn(small(), 0)[0], device)

    @tools
    def test_too_little_flash_names_the_layer(self, tmp_path: Path):
        made = project(drawn(small(), 0)[0], replace(DEVICE, flash_bytes=1024))
        made.write(tmp_path)
        with pytest.raises(ValueError, match=r"region flash overflows by \d+ B .* layer 1:conv2d"):
            linked(made, tmp_path, Build())

    def test_a_proof_decides(self):
        cost = costs(small(), DEVICE, NATIVE)
        proof = {"refused": None, "emulated_flash_bytes": 9000, "emulated_ram_bytes": 4000, "emulated_ms": [1.0, 2.0]}
        assert fits(cost, Limits(9000, 4000, 1.5), proof)  # the middle of the bar, as costs are
        assert not fits(cost, Limits(8999, 4000, 1.5), proof)
        assert not fits(cost, Limits(latency_ms=1.4), proof)
        assert not fits(cost, Limits(), {"refused": "2 % of outputs differ"})
        other = costs(small(), DEVICE, open_runtime("cmsis_nn"))
        assert counted_by_limits(cost, proof) == {"flash_bytes": 9000, "ram_bytes": 4000, "latency_ms": 1.5}
        assert (
            counted_by_limits(other, proof)
            == counted_by_limits(cost, None)
            == counted_by_limits(cost, {"refused": "no firmware"})
            == {}
        )
        assert fits(other, Limits(latency_ms=1.4), proof)  # limits count the model there, the link proves the image

    def test_an_image_above_the_limits_is_said_where_they_count_the_model(self):
        proof = {"refused": None, "emulated_flash_bytes": 9216, "emulated_ram_bytes": 4000, "emulated_ms": [1.0, 2.0]}
        assert above(Limits(9216, 4000, 2.0), proof) == above(Limits(), proof) == above(Limits(1), None) == {}
        assert above(Limits(8192, 4001), proof) == {"flash_bytes": 1024}
        assert above(Limits(9215, 3999), proof) == {"flash_bytes": 1, "ram_bytes": 1}
        assert above(Limits(1), {"refused": "no compiler"}) == {}
        found = {
            "networks": [
                {
                    "genes": [0],
                    "architecture": {},
                    "measured_on": "test",
                    "measured_int8_by_seed": {},
                    "measured_valid_int8": {},
                    "measured_search_int8": {},
                    "epochs": 1,
                    "macs": 1,
                    "parameters": 1,
                    "code_bytes": 1000,
                    "runtime_ram_bytes": 0,
                    "binding": None,
                    "seeds": 1,
                    "ram_bytes": {"sram": 4000},
                    "flash_bytes": 8000,
                    "latency_ms": 1.0,
                    "latency_error_ms": 0.1,
                    **{f"measured_{kind}": {"accuracy": 0.9} for kind in ("int8", "float")},
                    **{f"measured_{kind}_std": {"accuracy": 0.0} for kind in ("int8", "float")},
                    "measured_beside": {},
                    "measured_beside_std": {},
                    "firmware": None,
                    "fits": True,
                    "emulated_above_bytes": over,
                    "emulated_limited": took,
                }
                for over, took in (
                    ({"flash_bytes": 1536}, {}),
                    ({}, {}),
                    ({}, {"flash_bytes": 9216, "ram_bytes": 4000, "latency_ms": 1.4}),
                )
            ],
            "trainings": 1,
            "search_s": 1.0,
            "wall_s": 1.0,
            "objective": "accuracy",
            "limits": {"latency_ms": 1.2},
            "version": VERSION,
        }
        text = summary(read_result(found, "result.json"), Path("run"))
        assert text.count("With code and stack") == text.count("1.5\u00a0KB above the limit of flash.") == 1
        assert text.replace("\u00a0", " ").count("The emulated time, 1.40 ms, is above the limit of 1.20 ms;") == 1


class TestRim:
    @pytest.mark.parametrize(
        ("size", "kernel", "stride", "padding"),
        [
            ((5, 7), (3, 3), (1, 1), "same"),
            ((4, 4), (7, 7), (1, 1), "same"),
            ((6, 5), (2, 3), (2, 2), "valid"),
            ((3, 3), (1, 2), (3, 1), (2, 0, 0, 4)),
        ],
    )
    def test_counts_are_those_of_a_walk_over_all_windows(self, size, kernel, stride, padding):
        from latent_nas.operators.window import output_size, pads

        rim, (top, _, left, _) = Rim.of(*size, kernel, stride, padding), pads(*size, kernel, stride, padding)
        inside = rows = words = 0
        down, right = output_size(*size, kernel, stride, padding)
        for oy, ox in np.ndindex(down, right):
            for ky in range(kernel[0]):
                y = oy * stride[0] - top + ky
                real = [0 <= ox * stride[1] - left + kx < size[1] and 0 <= y < size[0] for kx in range(kernel[1])]
                inside, rows = inside + sum(real), rows + any(real)
                words += sum(real) * 4 // 4 + (kernel[1] - sum(real)) * 4 // 4
        assert (rim.inside, rim.inside_rows) == (inside, rows)
        assert rim.runs(4)[1:] == (words, 0)


@tools
class TestBench:
    def test_the_device_measures_itself_and_calibrate_reads_it(self, tmp_path: Path):
        made, binary, x = firmware(tmp_path, ["BENCH"])
        emulator = Emulator(elf.read(binary), DEVICE, [name for _, name in made.operators])
        said = emulator.bench(made.network.quants[0].quantise(x)[0], made.plan.offsets[0])
        table, output = bench.split(said)
        assert output == made.network.integers(x)[0].tolist()
        (tmp_path / "cycles.csv").write_text(said)
        measured = read(tmp_path / "cycles.csv")
        assert [m.operator for m in measured] == [made.network.graph.nodes[i].operator for i, _ in made.operators]
        assert measured[0].operator.padding == (1, 0, 1, 0)
        _, report, _ = emulate(made, build(tmp_path, DEVICE.core), x[:1])
        for one, counted in zip(measured, report["instructions_by_operator"].values(), strict=True):
            assert one.cycles == pytest.approx(counted, abs=20)  # an instruction is a cycle there
        calibrate(tmp_path / "cycles.csv", "mine", "native", None, tmp_path)
        mine = open_runtime(str(tmp_path / "mine.toml"))
        assert mine.counts_image
        assert costs(small(), DEVICE, mine).cycles == pytest.approx(report["instructions"], rel=0.05)
        with pytest.raises(ValueError, match="stopped before its last line"):
            bench.split(table)

    def test_a_machine_that_faulted_listens_no_more(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        _, binary, _ = firmware(tmp_path, ["BENCH"])
        machine = Emulator(elf.read(binary), DEVICE, [])
        removed, remove = [], machine.uc.hook_del

        def fault(*args: object, **more: object) -> None:
            raise Fault("wild")

        monkeypatch.setattr(machine, "go", fault)
        monkeypatch.setattr(machine.uc, "hook_del", lambda hook: (removed.append(hook), remove(hook)))
        with pytest.raises(Fault, match="wild"):
            machine.bench(np.zeros(1), 0)
        assert len(removed) == 1

    @pytest.mark.skipif(not shutil.which(qemu.PROGRAM), reason=f"{qemu.PROGRAM} is not installed")
    def test_qemu_counts_the_same_instructions(self, tmp_path: Path):
        made, binary, x = firmware(tmp_path, qemu.defines(DEVICE))
        found, _ = run_on_qemu(made, binary, x[:2])
        assert found["bit_exact"]
        emulator = Emulator(elf.read(build(tmp_path, DEVICE.core, defines=["BENCH"])), DEVICE, [])
        table = bench.split(emulator.bench(made.network.quants[0].quantise(x)[1], made.plan.offsets[0]))[0]
        ours = [int(line.rsplit(",", 1)[1]) for line in table.splitlines()[1:]]
        for one, other in zip(ours, found["instructions_by_operator"].values(), strict=True):
            assert abs(one - other) <= 4  # of reading the counter

    @pytest.mark.skipif(not shutil.which("arm-none-eabi-gcc"), reason="arm-none-eabi-gcc is not installed")
    def test_gcc_builds_the_same_bits(self, tmp_path: Path):
        made, binary, x = firmware(tmp_path, toolchain="gcc")
        assert emulate(made, binary, x, tensors=2)[1]["bit_exact"]
        project(made.network, replace(DEVICE, flash_bytes=1024)).write(tmp_path)
        with pytest.raises(ValueError, match=r"region flash overflows by \d+ B"):
            build(tmp_path, DEVICE.core, toolchain="gcc")


def test_a_device_stopped_by_its_own_doing_is_a_fault(tmp_path: Path):
    if missing:
        pytest.skip(f"extra mcu: {', '.join(missing)} not installed")
    made, _, x = firmware(tmp_path)
    model = tmp_path / "model" / "model.c"
    model.write_text(model.read_text().replace("void model_run(void)\n{", 'void model_run(void)\n{ __asm("bkpt #0");'))
    with pytest.raises(Fault, match="in m"):
        emulate(made, build(tmp_path, DEVICE.core), x[:1])


@tools
def test_a_search_with_the_device_in_its_loop(tmp_path: Path, command: Any):
    limits = ["--limit", "flash_kb=12", "--limit", "ram_kb=5", "--limit", "latency_ms=0.5"]
    asked = ["--measure", "emulate", "--strategy", "random", "--trainings", "2", "--batch", "1", "--top", "0", *limits]
    done = command("search", *asked, "--out", tmp_path / "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with open(tmp_path / "run/history.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    for row in rows:
        assert row["status"] == "ok", row["reason"]
        assert 0 < int(row["emulated_flash_bytes"]) <= 12 * 1024
        assert int(row["emulated_ram_bytes"]) <= 5 * 1024
        assert int(row["emulated_instructions"]) > 1000
        assert float(row["emulated_latency_ms"]) == pytest.approx(float(row["latency_ms"]), rel=0.1)

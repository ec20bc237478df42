"""Cores are data: one file each, whole and true; what a runtime has not measured is scaled, and said."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from latent_nas import cli, plugins
from latent_nas.cores import open_core
from latent_nas.costs import costs
from latent_nas.devices import open_device
from latent_nas.jobs.search.about import about_core
from latent_nas.runtimes import open_runtime
from latent_nas.spaces import open_space
from latent_nas.target import Setup, Target

CORES = plugins.names("cores")
FOLDER = Path(plugins.PACKAGE) / "cores"
M3 = (FOLDER / "cortex-m3.toml").read_text(encoding="utf-8")
BOARD = """core = "mine.toml"
clock_mhz = 50
flash_kb = 128
regions = [{ name = "sram", kb = 32, address = 0x20000000 }]
"""


def own_board(folder: Path, core: str = M3) -> str:
    """Write a board and its core beside each other; return the board's path."""
    (folder / "mine.toml").write_text(core, encoding="utf-8")
    (folder / "board.toml").write_text(BOARD, encoding="utf-8")
    return str(folder / "board.toml")


def test_those_that_ship():
    assert {"cortex-m0+", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m33-nodsp"} <= set(CORES)
    assert {open_device(name).core.name for name in plugins.names("devices")} == set(CORES)  # each has a device


@pytest.mark.parametrize("name", CORES)
class TestEveryCore:
    def test_says_what_it_is_and_where_that_is_from(self, name: str):
        core = open_core(name)
        assert core.description
        assert core.source
        assert core.cycles_per_instruction.why
        assert core.near is None or core.near.source

    def test_stands_in_its_file_alone(self, name: str):
        """No line of code knows a core: adding one is adding a file.

        But for operators that bring their own cycles, which name the core that these were counted on.
        """
        code = [path for path in plugins.PACKAGE.rglob("*.py") if path.parent.name not in ("cores", "operators")]
        wrong = [path for path in code if re.search(r"[\"']cortex-m", path.read_text(encoding="utf-8"))]
        assert not wrong, f"{wrong[0]} names a core; its facts belong in latent_nas/cores/{name}.toml"

    def test_has_cycles_under_every_runtime(self, name: str):
        core = open_core(name)
        for runtime in map(open_runtime, plugins.names("runtimes")):
            assert runtime.row(core).factor > 0
            assert bool(runtime.borrowed(core)) == (name not in runtime.cores)


class TestBorrowed:
    def test_the_nearest_core_scaled_with_a_wider_error(self):
        runtime, m3, m4 = open_runtime("cmsis_nn"), open_core("cortex-m3"), open_core("cortex-m4")
        assert m3.near is not None
        (known, error), (scaled, wider) = runtime.cycles("conv2d", m4), runtime.cycles("conv2d", m3)
        assert scaled == pytest.approx({term: m3.near.scale * value for term, value in known.items()})
        assert wider.p90 == pytest.approx(error.p90 + m3.near.error)
        assert "no cycles of cortex-m3: those of cortex-m4 times 4" in runtime.borrowed(m3)
        assert not runtime.borrowed(m4)

    def test_the_nearest_may_have_a_nearest_itself(self):
        runtime, core = open_runtime("cmsis_nn"), open_core("cortex-m33-nodsp")
        assert "cortex-m3" not in runtime.cores
        assert runtime.row(core).factor == pytest.approx(runtime.row(open_core("cortex-m3")).factor)
        assert runtime.row(core).error > runtime.row(open_core("cortex-m3")).error

    def test_cores_that_name_each_other_end_in_a_line(self):
        runtime = open_runtime("cmsis_nn")
        lonely = replace(runtime, cores={"other": runtime.cores["cortex-m4"]})
        with pytest.raises(ValueError, match=r"no row for core 'cortex-m7', .* there are: other"):
            lonely.row(open_core("cortex-m7"))

    def test_search_says_so(self):
        target = Target("mcu_cnn", "digits", "stm32f103", "cmsis_nn")
        assert [line[:53] for line in about_core(Setup(target))] == [
            "computed times: runtime cmsis_nn has no cycles of cor"
        ]
        ours = about_core(Setup(replace(target, runtime="native")))
        assert ours == ["core cortex-m3: no DSP extension, so plain C kernels; soft float"]
        assert not about_core(Setup(replace(target, device="stm32f405")))

    def test_cost_says_so(self, capsys: pytest.CaptureFixture[str]):
        with pytest.raises(SystemExit):
            cli.main(["cost", "mlperf_resnet8", "--device", "stm32f103", "--runtime", "cmsis_nn"])
        assert "runtime cmsis_nn has no cycles of cortex-m3: those of cortex-m4" in capsys.readouterr().out
        with pytest.raises(SystemExit):
            cli.main(["cost", "mlperf_resnet8", "--device", "stm32f405", "--json"])
        assert json.loads(capsys.readouterr().out)["cycles_borrowed"] == ""


class TestOwn:
    @pytest.fixture(autouse=True)
    def forgotten(self):
        yield
        plugins.forget()

    def test_goes_along_to_processes_that_have_no_such_file(self, tmp_path: Path):
        board = own_board(tmp_path)
        before = open_device(board)
        luggage = plugins.packed()
        plugins.forget()
        (tmp_path / "mine.toml").unlink()
        plugins.unpacked(luggage)
        assert open_device(board) == before

    def test_a_core_beside_its_board(self, tmp_path: Path):
        device = open_device(own_board(tmp_path))
        assert device.core.name == "mine"
        assert device.core.gcc_flags == ("-mcpu=cortex-m3", "-mfloat-abi=soft")
        graph = open_space("mcu_cnn", (8, 8, 1), 10).graph([0] * 35)
        assert costs(graph, device, open_runtime("native")).latency_ms > 0

    def test_its_nearest_may_be_one_of_ones_own(self, tmp_path: Path):
        (tmp_path / "other.toml").write_text(M3, encoding="utf-8")
        near = M3.replace('core = "cortex-m4"', 'core = "other.toml"').replace("scale = 4.0", "scale = 2.0")
        core = open_device(own_board(tmp_path, near)).core
        runtime = open_runtime("cmsis_nn")
        assert runtime.row(core).factor == pytest.approx(2 * runtime.row(open_core("cortex-m3")).factor)

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("dsp = false", "", "'dsp' is missing"),
            ("dsp = false", "dsp = 0", "'dsp' is true or false, got 0"),
            ("mve = false", "mve = false\nfpu = true", "it has no field 'fpu'; there are: name"),
            ('float_abi = "soft"', 'float_abi = "hard"', "'zig_target' ends in 'eabihf'"),
            ("low = 1.1", "low = 3", "wanted 0 < low <= high, got 3 and 2.0"),
            (re.search(r"^fft = [\d.]+$", M3, re.MULTILINE)[0], "", "front_end: 'fft' is missing"),
            ("scale = 4.0", "scale = 0", "near: wanted a scale above 0"),
        ],
    )
    def test_a_wrong_file_is_said_in_a_line(self, tmp_path: Path, old: str, new: str, said: str):
        assert old in M3
        with pytest.raises(ValueError, match=re.escape(said)):
            open_device(own_board(tmp_path, M3.replace(old, new)))

    def test_an_unknown_core_names_those_there_are(self, tmp_path: Path):
        (tmp_path / "board.toml").write_text(BOARD.replace("mine.toml", "cortex-m55"), encoding="utf-8")
        with pytest.raises(ValueError, match=r"no core 'cortex-m55'; did you mean 'cortex-m7' or"):
            open_device(str(tmp_path / "board.toml"))
        (tmp_path / "board.toml").write_text(BOARD, encoding="utf-8")
        with pytest.raises(ValueError, match=r"there is no file .*mine\.toml"):
            open_device(str(tmp_path / "board.toml"))

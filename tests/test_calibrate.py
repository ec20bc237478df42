"""`latent-nas calibrate`: known coefficients are found again, and a wrong table is named by line and column."""

import json

import numpy as np
import pytest

from latent_nas import cli
from latent_nas.calibration.calibrated import calibrate
from latent_nas.calibration.fit import counts, fit, left_out
from latent_nas.calibration.measurements import Measured, read
from latent_nas.cores import open_core
from latent_nas.costs import costs
from latent_nas.costs.layer import layer
from latent_nas.devices import open_device
from latent_nas.graph import Builder
from latent_nas.operators.conv2d import Conv2d
from latent_nas.runtimes import open_runtime

M4 = open_core("cortex-m4")

TRUE = {"macs": 2.0, "tail4_macs": 3.0, "outputs": 50.0, "pixels": 100.0}
HEADER = "board,core,operator,input,filters,kernel_size,stride,padding,cycles"


def convolutions(n: int = 40):
    """Return (operator, input) of drawn convolutions, channels of all remainders."""
    rng = np.random.default_rng(0)
    for _ in range(n):
        side, channels, filters = (int(v) for v in rng.integers([4, 1, 2], [20, 33, 40]))
        yield Conv2d(filters, (3, 3), (1, 1) if rng.integers(2) else (2, 2)), (side, side, channels)


def table(boards=(("nucleo", 1.0),), noise: float = 0.0) -> str:
    """Return a CSV whose cycles are ``TRUE``'s times each board's factor, with relative noise."""
    rng, lines = np.random.default_rng(1), [HEADER]
    for board, factor in boards:
        for operator, shape in convolutions():
            cycles = factor * layer(operator, (shape,)).total(TRUE) * (1 + noise * rng.normal())
            stride = "x".join(map(str, operator.stride))
            image = "x".join(map(str, shape))
            lines.append(f"{board},cortex-m4,conv2d,{image},{operator.filters},3x3,{stride},same,{cycles}")
        lines.append(f"{board},cortex-m4,add,8x8x16+8x8x16,,,,,{factor * 70_000}")
    return "\n".join(lines) + "\n"


def command(capsys, *arguments):
    """Return (exit code, standard output, standard error) of a command."""
    with pytest.raises(SystemExit) as stopped:
        cli.main(["calibrate", *map(str, arguments)])
    printed = capsys.readouterr()
    return stopped.value.code, printed.out, printed.err


def test_known_coefficients_come_back():
    figures = [layer(operator, (shape,)) for operator, shape in convolutions()]
    cycles = np.array([one.total(TRUE) for one in figures])
    terms, counted = counts(figures)
    found = dict(zip(terms, fit(counted, cycles), strict=True))
    np.testing.assert_allclose(counted @ fit(counted, cycles), cycles, rtol=1e-6)
    assert found["macs"] == pytest.approx(2.0, rel=0.05)
    assert found["tail4_macs"] == pytest.approx(3.0, rel=0.05)
    assert left_out(counted, cycles, [str(f) for f in figures]).max() < 1e-3


def test_a_layer_is_judged_by_a_fit_that_has_not_seen_its_shape():
    x, y = np.ones((10, 1)), np.array([1.0] * 9 + [5.0])
    errors = left_out(x, y, ["a"] * 9 + ["b"])
    assert errors[9] == pytest.approx(0.8)
    assert np.isnan(left_out(x, y, ["a"] * 10)).all()


def test_a_runtime_is_made_and_used(tmp_path, capsys):
    (tmp_path / "m.csv").write_text(table([("nucleo", 1.0), ("disco", 1.1)], noise=0.01))
    code, text, _ = command(
        capsys,
        *("--measurements", tmp_path / "m.csv", "--runtime", "mine", "--out", tmp_path / "out", "--json"),
        *("--board", "nucleo"),
    )
    assert code == 0
    found = json.loads(text)
    conv = next(one for one in found["kernels"] if one["kernel"] == "conv2d")
    assert (conv["board"], conv["layers"], conv["fitted"]) == ("nucleo", 40, True)
    assert conv["median"] < 0.02
    assert conv["p90"] < 0.05 < conv["trivial_p90"]
    assert "depthwise" in found["not_measured"]
    base, made = open_runtime("cmsis_nn"), open_runtime(found["runtime"])
    assert set(made.kernels) == set(base.kernels)
    assert made.kernels["conv2d"].scratch_bytes == {"column": 4}
    operator, shape = next(iter(convolutions()))
    each, error = made.cycles("conv2d", M4)
    figures = layer(operator, (shape,))
    assert figures.total(each) == pytest.approx(figures.total(TRUE), rel=0.05)
    assert error.p90 < 0.05
    add, _ = made.cycles("add", M4)  # one layer: the base's proportions, scaled to it
    assert 2142 * add["outputs"] == pytest.approx(136.7 * add["call"], rel=1e-3)
    assert add["call"] + 1024 * add["outputs"] == pytest.approx(70_000, rel=1e-3)
    known, own = base.cycles("dense", M4), made.cycles("dense", M4)
    assert own[0].keys() == known[0].keys()
    assert own[1].p90 > known[1].p90  # not measured, so less is known of it than before
    assert made.cycles("conv2d", open_core("cortex-m7"))[0]["macs"] == pytest.approx(0.54 * each["macs"])


def test_what_a_slow_board_takes_is_not_made_less_once_more():
    """Cycles of native are fewer below 130 MHz, and so are those measured there."""
    native, nrf52840 = open_runtime("native"), open_device("nrf52840")
    truth = native.cycles("conv2d", M4, nrf52840.clock_hz)[0]
    rows = [
        Measured("nrf", "cortex-m4", operator, (shape,), layer(operator, (shape,)).total(truth))
        for operator, shape in convolutions()
    ]
    made, _ = calibrate("mine", native, rows, "here")
    b = Builder((12, 12, 8))
    b.add(Conv2d(16), 0)
    there, before = (costs(b.build(), nrf52840, runtime).latency_ms for runtime in (made, native))
    assert there == pytest.approx(before, rel=0.01)


def test_errors_are_reported_per_board(tmp_path, capsys):
    (tmp_path / "m.csv").write_text(table([("nucleo", 1.0), ("disco", 1.3)]))
    code, text, _ = command(capsys, "--measurements", tmp_path / "m.csv", "--runtime", "two", "--out", tmp_path)
    assert code == 0
    assert sum("conv2d" in line and "%" in line for line in text.splitlines()) == 2
    assert "--board makes a runtime of one board" in text
    code, _, err = command(
        capsys, "--measurements", tmp_path / "m.csv", "--runtime", "x", "--out", tmp_path, "--board", "z"
    )
    assert code == 2
    assert "has no board 'z'; there are: disco, nucleo" in err


def test_latency_and_clock_make_cycles(tmp_path):
    lines = "board,core,operator,input,units,latency_us,clock_mhz\nb,cortex-m4,dense,64,10,50,168\n"
    (tmp_path / "m.csv").write_text(lines)
    (one,) = read(tmp_path / "m.csv")
    assert one.cycles == pytest.approx(50 * 168)
    (tmp_path / "m.csv").write_text(lines.replace("_us", "_ms"))
    assert read(tmp_path / "m.csv")[0].cycles == pytest.approx(50_000 * 168)


ROW = "b,cortex-m4,conv2d,8x8x4,8,3x3,1x1,same,1000"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER.replace("core,", ""), "line 1: no column 'core'"),
        (HEADER.replace("cycles", "latency"), "line 1, column 'latency': no unit; name it latency_ms or latency_us"),
        (HEADER.replace("cycles", "latency_ms,clock"), "line 1, column 'clock': no unit; name it clock_mhz"),
        (HEADER.replace("cycles", "latency_ms"), "no column 'clock_mhz'"),
        (HEADER.replace(",cycles", ""), "no column of time"),
        (HEADER, "no measurements"),
        (f"{HEADER}\n{ROW}\n{ROW[:-4]}3 ms", "line 3, column 'cycles': wanted a positive number without a unit"),
        (f"{HEADER}\n{ROW[:-4]}", "line 2, column 'cycles': wanted a positive number"),
        (f"{HEADER}\n{ROW},1", "line 2: 10 cells, the header has 9"),
        (f"{HEADER}\n{ROW.replace('conv2d', 'conv3d')}", "line 2, column 'operator': no operator 'conv3d'"),
        (f"{HEADER}\n{ROW.replace('8x8x4', '8 by 8')}", "line 2, column 'input': wanted a shape such as 32x32x16"),
        (f"{HEADER}\n{ROW.replace('8x8x4', '64')}", "line 2, column 'input': conv2d wants"),
        (f"{HEADER}\n{ROW.replace(',8,3x3', ',,3x3')}", "line 2, column 'filters': conv2d needs it"),
        ("\0", "zero bytes"),
    ],
)
def test_a_wrong_table_is_named_by_line_and_column(text, message, tmp_path, capsys):
    (tmp_path / "m.csv").write_text(text)
    code, out, err = command(capsys, "--measurements", tmp_path / "m.csv", "--runtime", "x", "--out", tmp_path / "out")
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_wrong_name_and_base_and_file(tmp_path, capsys):
    (tmp_path / "m.csv").write_text(table())
    for wrong, message in (
        (("--runtime", "../x"), "a runtime's name has letters"),
        (("--runtime", "x", "--base", "none"), "no runtime 'none'; there are:"),
    ):
        code, _, err = command(capsys, "--measurements", tmp_path / "m.csv", *wrong, "--out", tmp_path / "out")
        assert code == 2
        assert message in err
    with pytest.raises(ValueError, match="there is no file"):
        read(tmp_path / "no.csv")
    (tmp_path / "m.csv.gz").write_bytes(b"no gzip")
    with pytest.raises(ValueError, match="is not CSV"):
        read(tmp_path / "m.csv.gz")

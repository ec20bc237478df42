"""`latent-nas calibrate --network`: a runtime scaled to whole networks, and measurements of others refused."""

import json

import pytest

from latent_nas import cli
from latent_nas.costs import costs
from latent_nas.devices import open_device
from latent_nas.runtimes import open_runtime
from latent_nas.zoo import open_network

DEVICE, BASE = open_device("stm32u585"), open_runtime("x_cube_ai")
CNN, FC = "edgemark_cnn_4", "edgemark_fc_10"
MS = {name: costs(open_network(name), DEVICE, BASE).latency_ms for name in (CNN, FC)}


def command(capsys, tmp_path, *arguments):
    """Return (exit code, standard output, standard error) of `latent-nas calibrate` on the device."""
    fixed = ("--device", "stm32u585", "--runtime", "x_cube_ai", "--out", tmp_path)
    with pytest.raises(SystemExit) as stopped:
        cli.main(["calibrate", *map(str, (*arguments, *fixed))])
    printed = capsys.readouterr()
    return stopped.value.code, printed.out, printed.err


def test_one_network_scales_all_others(tmp_path, capsys):
    code, text, _ = command(capsys, tmp_path, "--network", CNN, "--measured", f"latency_ms={2 * MS[CNN]}", "--json")
    found = json.loads(text)
    assert code == 0
    assert found["factor"] == pytest.approx(2)
    assert found["errors_before"] == pytest.approx([-0.5])
    assert found["errors_left_out"] == []
    scaled = open_runtime(found["runtime"])
    assert scaled.name == "x_cube_ai_stm32u585"
    for name, ms in MS.items():
        assert costs(open_network(name), DEVICE, scaled).latency_ms == pytest.approx(2 * ms, rel=1e-3)
    assert costs(open_network(FC), open_device("stm32f446"), scaled).latency_ms == pytest.approx(
        costs(open_network(FC), open_device("stm32f446"), BASE).latency_ms, rel=1e-3
    )


@pytest.mark.parametrize(("factor", "within"), [(1.1, True), (3, False)])
def test_one_within_the_error_bar_may_harm(tmp_path, capsys, factor, within):
    _, text, _ = command(capsys, tmp_path, "--network", CNN, "--measured", f"latency_ms={factor * MS[CNN]}")
    assert "not known from one: measure a second one" in text
    assert ("scaling can harm" in text) == within


@pytest.mark.parametrize(("second", "says"), [(2.2, "falls from 52.3% to 9.5%"), (0.9, "GROWS")])
def test_of_two_each_is_left_out_in_turn(tmp_path, capsys, second, says):
    pairs = [("--network", name, "--measured", f"latency_ms={f * MS[name]}") for name, f in ((CNN, 2), (FC, second))]
    code, text, _ = command(capsys, tmp_path, *pairs[0], *pairs[1])
    assert code == 0
    assert says in text


@pytest.mark.parametrize(
    ("measured", "says"),
    [
        ("latency_ms=0", "edgemark_cnn_4: wanted a time above 0, got latency_ms=0"),
        ("latency_ms=nan", "wanted a time above 0"),
        (f"latency_ms={11 * MS[CNN]}", "more than 10 times off: another network"),
        (f"latency_ms={MS[CNN] / 11}", "With --force it is taken as it is"),
        (f"latency_ms={MS[CNN]},macs=9999999", "measured macs=9,999,999, but it has 737,056: another network?"),
        ("macs=737056", "no latency_ms; wanted latency_ms=53"),
        ("latency=5", "no figure 'latency'"),
        ("latency_ms=5 s", "'latency_ms' is not a number"),
    ],
)
def test_what_can_t_be_of_this_network_is_refused(tmp_path, capsys, measured, says):
    code, _, said = command(capsys, tmp_path, "--network", CNN, "--measured", measured)
    assert code == 2
    assert says in said
    assert not list(tmp_path.iterdir())


def test_force_takes_what_is_far_off(tmp_path, capsys):
    far = ("--network", CNN, "--measured", f"latency_ms={11 * MS[CNN]}")
    assert command(capsys, tmp_path, *far, "--force")[0] == 0


def test_a_network_that_the_others_contradict_is_refused(tmp_path, capsys):
    pairs = [("--network", name, "--measured", f"latency_ms={f * MS[name]}") for name, f in ((CNN, 1), (FC, 4))]
    code, _, said = command(capsys, tmp_path, *pairs[0], *pairs[1])
    assert code == 2
    assert "of another network?" in said


def test_what_is_missing_is_said(tmp_path, capsys):
    assert "one --measured for each --network, got 0 for 1" in command(capsys, tmp_path, "--network", CNN)[2]
    assert "either --measurements LAYERS.csv, or --network" in command(capsys, tmp_path)[2]

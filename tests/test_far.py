"""Own data with a number so far outside that a network, or its int8 form, takes all others for one."""

import numpy as np
import pytest

from latent_nas.tasks import open_task


def table(place, temperatures, targets):
    lines = ["temperature,humidity,target"]
    rng = np.random.default_rng(0)
    lines += [f"{t},{h},{y}" for t, h, y in zip(temperatures, rng.normal(50, 5, len(targets)), targets, strict=True)]
    place.write_text("\n".join(lines) + "\n")
    return place


def said(place):
    return [line for line in open_task(str(place)).about() if "far outside" in line]


@pytest.mark.parametrize("factor", [1.0, 1e-6])
def test_one_slip_is_said_with_its_line_whatever_the_unit(tmp_path, factor):
    rng = np.random.default_rng(1)
    values, targets = rng.normal(20, 3, 200) * factor, rng.normal(0, 2, 200)
    assert said(table(tmp_path / "clean.csv", values, targets)) == []
    values[17] = 1e6 * factor
    (line,) = said(table(tmp_path / "slip.csv", values, targets))
    assert line.startswith(f"column 'temperature': {values[17]:g} (line 19) is so far outside that the middle half")
    targets[40] = -1e9
    line = said(table(tmp_path / "both.csv", values, targets))[1]
    assert line.startswith("target 'target': -1e+09 (line 42) is so far outside")


def test_what_is_nearly_always_the_same_is_not_far_outside(tmp_path):
    rng = np.random.default_rng(2)
    rare = np.where(rng.random(300) < 0.05, 500.0, 0.0)
    assert said(table(tmp_path / "rare.csv", rare, rng.normal(0, 1, 300))) == []


def test_a_glitch_of_a_recording_is_said_by_its_window(tmp_path):
    x = np.random.default_rng(3).normal(0, 1, (120, 50, 3)).astype(np.float32)
    x[60, 30, 1] = 30_000
    np.savez(tmp_path / "series.npz", x=x, y=np.arange(120) % 3)
    (line,) = said(tmp_path / "series.npz")
    assert line.startswith("channel 2: 30000 (row 60) is so far outside")

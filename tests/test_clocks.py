"""Clocks of tables: windows end where one leaps, and several rates are said, as nothing is resampled."""

import numpy as np
import pytest

from latent_nas.readers._counting import rates
from latent_nas.tasks import open_task

STEPS = 100


def seconds(step):
    return f"{step:.3f}"


def dates(step):
    return f"2024-03-01T00:00:{step:06.3f}Z"


def recording(path, k, i, clock, written=seconds):
    values = np.random.default_rng(10 * k + i).normal(size=(len(clock), 2)) + k
    rows = (f"{written(t)},{a:.5f},{b:.5f}\n" for t, (a, b) in zip(clock, values, strict=True))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("time,ax,ay\n" + "".join(rows))


def folder(root, clock, written=seconds):
    for k, name in enumerate(("walk", "run")):
        for i in range(6):
            recording(root / name / f"{i}.csv", k, i, clock(k, i), written)
    return open_task(f"{root}?window=20&hop=20")


@pytest.mark.parametrize("written", [seconds, dates])
def test_no_window_reaches_over_a_leap_of_the_clock(tmp_path, written):
    """Rows 30 to 69 are missing of one recording: what is left are windows 0 to 19 and 70 to 89."""
    whole = np.arange(STEPS) * 0.02
    holed = np.delete(whole, np.arange(30, 70))
    task = folder(tmp_path / "r", lambda k, i: holed if (k, i) == (1, 3) else whole, written)
    said = "\n".join(task.about())
    assert "windows end where the clock leaps ahead: 1 time\n" in said
    data = task.data()
    assert sum(map(len, (data.train, data.valid, data.test))) == 11 * 5 + 2
    assert "12 groups, none in two parts" in said  # both pieces are of one recording
    assert "12 recordings are cut into 57 windows" in said


def test_recordings_of_several_rates_are_said(tmp_path):
    task = folder(tmp_path / "r", lambda k, i: np.arange(STEPS) * (0.02, 0.04)[k])
    said = "\n".join(task.about())
    assert "the clock goes on by 0.02 in recording walk/0 and by 0.04 in recording run/0" in said
    assert "leaps" not in said


@pytest.mark.parametrize("steps", [4, 12, 40])
@pytest.mark.parametrize("jitter", ["even", "normal", "rounded", "exponential", "interrupted"])
def test_short_windows_whose_clocks_jitter_have_one_rate(steps, jitter):
    rng = np.random.default_rng(1)

    def clock(rate):
        normal = np.maximum(rng.normal(10, 3, steps), 0.1)
        gaps = {
            "even": np.full(steps, 10.0),
            "normal": normal,
            "exponential": rng.exponential(10, steps),
            "interrupted": np.where(rng.random(steps) < 0.02, 1000, normal),
        }.get(jitter, normal)
        found = np.cumsum(gaps) / rate
        return np.round(found / 7) * 7 if jitter == "rounded" else found

    one = {f"a{i}": clock(1) for i in range(60)}
    assert rates(one) == []
    if jitter == "even" or (steps > 12 and jitter != "exponential"):
        (line,) = rates(one | {f"b{i}": clock(2) for i in range(60)})
        assert "in b" in line.partition(" and by ")[0]


def test_a_clock_that_jitters_says_nothing(tmp_path):
    rng = np.random.default_rng(0)
    task = folder(tmp_path / "r", lambda k, i: np.cumsum(rng.uniform(0.01, 0.03, STEPS)))
    said = "\n".join(task.about())
    assert "clock" not in said
    assert sum(map(len, (task.data().train, task.data().valid, task.data().test))) == 12 * 5


def test_rows_with_the_newest_first_are_to_be_sorted(tmp_path):
    with pytest.raises(ValueError, match=r"goes back in 1188 of 1200 rows; .* sort them by it, oldest first"):
        folder(tmp_path / "r", lambda k, i: np.arange(STEPS)[::-1] * 0.02, dates)

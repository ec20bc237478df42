"""Clocks of tables: windows end where one leaps, and several rates are said, as nothing is resampled."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from latent_nas.readers._counting import rates
from latent_nas.readers._dates import seconds as read
from latent_nas.tasks import open_task

STEPS = 100


def seconds(step):
    return f"{step:.3f}"


def dates(step):
    return f"2024-03-01T00:00:{step:06.3f}Z"


def written_as(form):
    """Return how a logger writes a step, half a second before a new year begins."""
    begin = datetime(2024, 12, 31, 23, 59, 59, 500_000)
    return lambda step: f'"{(begin + timedelta(seconds=float(step))).strftime(form)}"'


FORMS = ["%d.%m.%Y %H:%M:%S,%f", "%m/%d/%Y %I:%M:%S.%f %p", "%Y/%m/%d %H:%M:%S.%f", "%Y%m%dT%H%M%S.%f+01:00"]


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


@pytest.mark.parametrize("written", [seconds, dates, *map(written_as, FORMS)])
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


def test_a_clock_that_is_not_read_is_said(tmp_path):
    task = folder(tmp_path / "r", lambda k, i: np.arange(STEPS) * 0.02, written_as("%d-%b-%y %H:%M:%S.%f"))
    assert "the clock is not read, as '31-Dec-24 23:59:59.500000'" in "\n".join(task.about())


def test_dates_are_read_as_they_can_only_be_meant():
    assert read(["31/03/2024", "01/04/2024"]).tolist() == [0, 86400]  # no month 31
    assert read(["03/04/2024", "03/05/2024"]).tolist() == [0, 86400]
    assert read(["03.04.2024", "03.05.2024"]).tolist() == [0, 30 * 86400]
    assert read(["2024-03-31T01:59:59+01:00", "2024-03-31T03:00:00+02:00"]).tolist() == [0, 1]
    assert read(["12:30 AM", "1:00 am", "12:15 pm"]).tolist() == [0, 1800, 42300]
    assert [read([cell]) for cell in ("2024-13-01", "31.02.2024", "25:00", "31.03.", "", "a")] == [None] * 6


def test_years_of_two_digits_stand_last():
    assert read(["31.12.99 23:59", "01.01.00 00:00"]).tolist() == [0, 60]
    assert read(["12/31/68", "01/01/69"]) is not None  # 2068 and 1969, as C reads them
    assert read(["03/04/24", "03/05/24"]).tolist() == [0, 86400]
    assert read(["31/03/24", "01/04/24"]).tolist() == [0, 86400]
    assert read(["24/03/30", "24/03/31"]) is None  # the first may be the year
    assert read(["24-03-30", "24-03-31", "24-04-01"]) is None


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

"""What is said of a user's data is true of it: names, shares, numbers that are not there."""

import numpy as np
import pytest

from latent_nas.tasks import open_task
from latent_nas.training.aware import lost

ROWS = 60


def table(path, label, value=lambda i: (i * 7) % 11 + i / 100):
    rows = (f"{value(i)},{(i * 5) % 13},{label(i)}\n" for i in range(ROWS))
    path.write_text("temp,hum,label\n" + "".join(rows))
    return open_task(str(path))


def test_the_class_that_is_always_answered_is_called_by_its_name(tmp_path):
    task = table(tmp_path / "t.csv", lambda i: 5 if i % 3 else 1)
    assert task.classes == ("1", "5")
    found = task.baseline()
    assert found.text().startswith("without a network (always the largest class (5)):")
    assert found.to_json()["words"] == "always the largest class (5)"


def test_what_one_sample_makes_is_said_of_accuracies_only(tmp_path):
    classes = "\n".join(table(tmp_path / "c.csv", lambda i: "ab"[i % 2]).about())
    numbers = "\n".join(open_task(str(tmp_path / "c.csv?label=hum&kind=regress&omit=label&folds=1")).about())
    assert "validation has 12 samples" in numbers
    assert "of the accuracy" not in numbers
    few = "\n".join(open_task(str(tmp_path / "c.csv?folds=1")).about())
    assert "validation has 12 samples, each of them 8.3% of the accuracy: trainings run" in few
    assert "too few to choose a network" in classes


def test_classes_that_differ_in_capitals_or_spaces_only_are_said(tmp_path):
    said = "\n".join(table(tmp_path / "t.csv", lambda i: ("hot", "Hot", "cold")[i % 3]).about())
    assert "'Hot' and 'hot' are classes of their own, though spelt alike" in said
    numbers = "\n".join(table(tmp_path / "n.csv", lambda i: ("1", "1.0", "2")[i % 3]).about())
    assert "'1' and '1.0' are classes of their own" in numbers
    missing = "\n".join(table(tmp_path / "m.csv", lambda i: ("NaN", "ok")[i % 2]).about())
    assert "class 'NaN' is called as a missing label is" in missing
    assert "called as" not in numbers
    assert "spelt alike" not in "\n".join(table(tmp_path / "u.csv", lambda i: ("hot", "cold")[i % 2]).about())


def test_a_number_beyond_float32_is_refused_without_a_warning(tmp_path):
    with pytest.raises(ValueError, match=r"line 2, column 'temp' holds 1e\+39, beyond float32"):
        table(tmp_path / "t.csv", lambda i: "ab"[i % 2], lambda i: "1e+39")
    with pytest.raises(ValueError, match="line 3, column 'temp' holds infinity"):
        table(tmp_path / "u.csv", lambda i: "ab"[i % 2], lambda i: "inf" if i == 1 else i)


@pytest.mark.parametrize("options", ["", "?kind=regress"])
def test_targets_that_are_nan_or_infinite_are_named_by_row(tmp_path, options):
    for value in (np.nan, np.inf):
        y = np.linspace(0, 1, ROWS)
        y[3] = value
        np.savez(tmp_path / "t.npz", x=np.random.default_rng(0).random((ROWS, 8, 8)), y=y)
        with pytest.raises(ValueError, match=rf"a finite number or a class in every row; row 4 has {value}"):
            open_task(f"{tmp_path / 't.npz'}{options}")


def test_targets_of_several_units_are_compared_by_what_has_none(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.random((ROWS, 8, 8))
    small = x.mean(axis=(1, 2))
    np.savez(tmp_path / "uneven.npz", x=x, y=np.stack([small, 1000 * rng.random(ROWS)], axis=1))
    np.savez(tmp_path / "even.npz", x=x, y=np.stack([small, small[::-1]], axis=1))
    uneven, even = (open_task(str(tmp_path / f"{name}.npz")) for name in ("uneven", "even"))
    assert [metric.name for metric in uneven.kind.metrics] == ["r2", "rmse", "mae"]
    assert even.kind.metric.name == "rmse"
    assert "networks are chosen by R2" in "\n".join(uneven.about())
    assert "networks are chosen by R2" not in "\n".join(even.about())
    y = uneven.data().valid.y
    right, wrong = ((y - uneven.kind.shift) * uneven.kind.gain for _ in range(2))
    wrong[:, 0] = 0  # the mean of the small target
    assert uneven.kind.score(right, y) > uneven.kind.score(wrong, y) + 0.4
    measured = [uneven.kind.measure(outputs, y) for outputs in (right, wrong)]
    assert lost(uneven, *measured) == pytest.approx(measured[0]["r2"] - measured[1]["r2"])

"""What is said of a user's data is true of it: names, shares, numbers that are not there."""

import numpy as np
import pytest

from latent_nas.tasks import open_task
from latent_nas.tasks._sentinels import suspects
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
    cafe = ("caf\u00e9", "cafe\u0301", "tea")  # as Linux and a Mac write it: they look the same
    composed = "\n".join(table(tmp_path / "c.csv", lambda i: cafe[i % 3]).about())
    assert f"{cafe[1]!r} and {cafe[0]!r} are classes of their own" in composed
    numbers = "\n".join(table(tmp_path / "n.csv", lambda i: ("1", "1.0", "2")[i % 3]).about())
    assert "'1' and '1.0' are classes of their own" in numbers
    missing = "\n".join(table(tmp_path / "m.csv", lambda i: ("NaN", "ok")[i % 2]).about())
    assert "class 'NaN' is called as a missing label is" in missing
    assert "called as" not in numbers
    assert "class 'None' is called as" in "\n".join(table(tmp_path / "o.csv", lambda i: ("None", "a")[i % 2]).about())
    assert "called as" not in "\n".join(table(tmp_path / "p.csv", lambda i: ("none", "a")[i % 2]).about())
    assert "spelt alike" not in "\n".join(table(tmp_path / "u.csv", lambda i: ("hot", "cold")[i % 2]).about())


def test_a_number_beyond_float32_is_refused_without_a_warning(tmp_path):
    with pytest.raises(ValueError, match=r"line 2, column 'temp' holds 1e\+39, beyond float32"):
        table(tmp_path / "t.csv", lambda i: "ab"[i % 2], lambda i: "1e+39")
    with pytest.raises(ValueError, match="line 3, column 'temp' holds infinity"):
        table(tmp_path / "u.csv", lambda i: "ab"[i % 2], lambda i: "inf" if i == 1 else i)


def column(kind, rng, n=600):
    """A column as devices write it; none of its values stands for a missing one."""
    day = np.sin(np.arange(n) * 2 * np.pi / 144)
    return {
        "temperatures around -9": np.round(-8 + 3 * day + rng.normal(0, 1, n)),
        "tenths of degrees": np.round(-5 + 6 * day + rng.normal(0, 1, n), 1),
        "a converter of 12 bits at its end": np.clip(np.round(2600 + 1800 * day + rng.normal(0, 80, n)), 0, 4095),
        "one of 16 bits": np.clip(np.round(52_000 + 18_000 * day + rng.normal(0, 800, n)), 0, 65_535),
        "an accelerometer that clips": np.clip(np.round(37_000 * day + rng.normal(0, 300, n)), -32_768, 32_767),
        "counts": rng.negative_binomial(0.5, 0.02, n).astype(float),
        "a counter of two digits": np.minimum(rng.negative_binomial(1, 0.02, n), 99).astype(float),
        "ages up to 99": np.clip(np.round(rng.normal(45, 18, n)), 0, 99),
        "rain": np.where(rng.random(n) < 0.05, np.round(rng.gamma(1, 8, n), 1), 0),
        "a register of two values": np.where(rng.random(n) < 0.2, 65_535.0, 0),
        "longitudes": np.round(-99 + rng.normal(0, 0.01, n), 3),
        "carbon dioxide": np.round(600 + 300 * day + rng.normal(0, 40, n)),
    }[kind]


CLEAN = (
    *("temperatures around -9", "tenths of degrees", "a converter of 12 bits at its end", "one of 16 bits"),
    *("an accelerometer that clips", "counts", "a counter of two digits", "ages up to 99", "rain"),
    *("a register of two values", "longitudes", "carbon dioxide"),
)


@pytest.mark.parametrize("kind", CLEAN)
def test_numbers_that_only_look_like_a_missing_one_are_left_in_peace(kind):
    for seed in range(5):
        assert suspects(column(kind, np.random.default_rng(seed)).astype(np.float32)) == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("temperatures around -9", -999),
        ("tenths of degrees", -99.9),
        ("tenths of degrees", -127),
        ("a converter of 12 bits at its end", 65_535),
        ("rain", -9999),
        ("ages up to 99", 999),
        ("carbon dioxide", -999),
        ("carbon dioxide", 1e38),
        ("counts", -32_768),
    ],
)
def test_a_number_that_stands_for_a_missing_one_is_found_however_many_there_are(kind, value):
    rng = np.random.default_rng(0)
    plain = column(kind, rng).astype(np.float32)
    for share in (0.01, 0.2, 0.7):
        held = np.where(rng.random(len(plain)) < share, np.float32(value), plain)
        (found,) = suspects(held)
        rest = plain[held == plain]
        assert found == (pytest.approx(value), (held != plain).sum(), rest.min(), rest.max())
    assert suspects(np.append(plain, np.float32(value))) == []  # once is an outlier


def test_what_may_stand_for_a_missing_number_is_said_with_what_to_do_and_taken_as_it_is(tmp_path):
    rng = np.random.default_rng(0)
    rows = [f"{-999 if i % 9 == 4 else 20 + i % 7 + i / 100},{i * 5 % 13},{'ab'[i % 2]}\n" for i in range(ROWS)]
    (tmp_path / "t.csv").write_text("temp,hum,label\n" + "".join(rows))
    task = open_task(str(tmp_path / "t.csv"))
    (line,) = [line for line in task.about() if "-999" in line]
    assert line == (
        "column 'temp': -999 stands 7 times, far outside of all others (20 to 26.55), and is taken as a number; if it"
        " means a missing one, leave such cells empty, and --missing says what becomes of them"
    )
    assert len(task.data().train) + len(task.data().valid) + len(task.data().test) == ROWS
    assert min(part.x.min() for part in vars(task.data()).values()) < -2
    x, y = rng.random((ROWS, 20)).astype(np.float32), rng.random(ROWS)
    x[::7, 3], y[::9] = -9999, -999
    np.savez(tmp_path / "t.npz", x=x, y=y)
    said = "\n".join(open_task(f"{tmp_path / 't.npz'}?layout=nf").about())
    assert "channel 4: -9999 stands 9 times" in said
    assert "target 'target': -999 stands 7 times" in said
    assert said.count("leave such samples out") == 2


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


@pytest.mark.parametrize("unit", [1e-12, 1e-9, 1e-6, 1.0, 1e9])
def test_values_of_any_unit_are_seen_alike(tmp_path, unit):
    task = table(tmp_path / "t.csv", lambda i: "ab"[i % 2], lambda i: ((i * 7) % 11 + i / 100) * unit)
    x = task.data().train.x
    assert np.allclose(x.std(axis=0), 1, atol=1e-3)
    assert np.allclose(x.mean(axis=0), 0, atol=1e-3)
    assert len(np.unique(x[:, 0, 0])) == len(x)


@pytest.mark.parametrize(("most", "images"), [(1.0, True), (1 / 128, True), (1e-3, False), (1e-9, False)])
def test_values_below_a_grey_level_are_no_pictures(tmp_path, most, images):
    """Amperes or farads, all of them between 0 and 1; a dark picture holds a grey level at least."""
    x = np.random.default_rng(0).random((60, 20, 12)) * most
    np.savez(tmp_path / "x.npz", x=x, y=np.arange(60) % 2)
    task = open_task(str(tmp_path / "x.npz"))
    assert ("is read as grey images" in "\n".join(task.about())) == images
    assert task.input_shape == ((20, 12, 1) if images else (20, 1, 12))
    assert (task.data().train.x.std() > 0.9) != images  # each channel with its own scale


def test_what_float32_rounds_together_is_said(tmp_path):
    def said(name, value):
        return "\n".join(table(tmp_path / f"{name}.csv", lambda i: "ab"[i % 2], value).about())

    with pytest.raises(ValueError, match=r"class 'a' has 0 samples.*'temp' lies at 1.7e\+09"):  # all look like one
        said("clock", lambda i: 1.7e9 + (i * 7) % 11)
    coarse = said("coarse", lambda i: 1.7e9 + 128 * i)
    assert "has steps of 128: at most 60 different values are left of it; subtract a constant" in coarse
    assert "steps of 0.0078125" in said("pressure", lambda i: 101325 + i / 1000)
    assert "float32" not in said("plain", lambda i: 101325 + i)
    (tmp_path / "s.csv").write_text("a,b,label\n" + "".join(f"{i},4,{i % 2}\n" for i in range(ROWS)))
    assert "nothing can be learnt from it: 'b'" in "\n".join(open_task(str(tmp_path / "s.csv?layout=nf")).about())
    rows = "".join(f"{i % 7},{(i * i) % 13 / 3},{1.7e9 + i * 100}\n" for i in range(ROWS))
    (tmp_path / "r.csv").write_text("a,b,target\n" + rows)
    assert "'target' lies at 1.70001e+09" in "\n".join(open_task(str(tmp_path / "r.csv")).about())


def test_names_with_underscores_are_no_numbers(tmp_path):
    """Python reads 1_2 as 12."""
    assert open_task(str(_names(tmp_path, lambda i: i, lambda i: f"{1 + i % 2}_{i % 3}"))).classes[:2] == ("1_0", "1_1")
    assert open_task(f"{_names(tmp_path, lambda i: i, lambda i: f'{i // 3}_1')}").kind.name == "classify"
    with pytest.raises(ValueError, match="column 'b': '1_0' is not a number"):
        open_task(f"{_names(tmp_path, lambda i: f'1_{i}', lambda i: i % 2)}?layout=nf")


def _names(folder, value, label):
    (folder / "t.csv").write_text("a,b,label\n" + "".join(f"{i},{value(i)},{label(i)}\n" for i in range(ROWS)))
    return folder / "t.csv"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (lambda i: f"{1000 + i * 7.1:.1f} mV", "with a unit \\('1000.0 mV'\\)"),
        (lambda i: f"{i * 0.7:.1f}%", "with a unit \\('0.0%'\\)"),
        (lambda i: f"{1000 + i * 7.1:,.1f}", "with a comma for thousands \\('1,000.0'\\)"),
    ],
)
def test_numbers_that_no_program_reads_are_no_classes(tmp_path, target, said):
    """Of 300 rows of percent, 260 were left out, as classes of one or two samples."""
    rows = "".join(f'{i},{(i * i) % 13 / 3},"{target(i)}"\n' for i in range(ROWS))
    (tmp_path / "t.csv").write_text("a,b,target\n" + rows)
    with pytest.raises(ValueError, match=f"column 'target' holds numbers {said}; write them as 1234.5"):
        open_task(str(tmp_path / "t.csv"))


def test_few_numbers_with_a_unit_are_classes(tmp_path):
    assert table(tmp_path / "t.csv", lambda i: ("0.5 mm", "1.0 mm", "1.5 mm")[i % 3]).kind.name == "classify"
    assert table(tmp_path / "u.csv", lambda i: f"M{i % 3}").classes == ("M0", "M1", "M2")


def test_a_column_of_names_may_say_where_rows_come_from(tmp_path):
    def refused(name):
        rows = "".join(f"{i % 7},{name(i)},{(i * i) % 13 / 3},{i % 2}\n" for i in range(ROWS))
        (tmp_path / "t.csv").write_text("a,machine,b,label\n" + rows)
        with pytest.raises(ValueError, match=r"column 'machine': .* is not a number; ") as error:
            open_task(f"{tmp_path / 't.csv'}?layout=nf")
        return str(error.value)

    assert "'--group machine' keeps rows of one in one part; else" in refused(lambda i: f"M{i // 6}")
    assert "--group" not in refused(lambda i: "yes" if i % 3 else "no")  # two can't fill three parts
    assert "--group" not in refused(lambda i: f"serial {i}")
    assert "--group" not in refused(lambda i: "4 A" if i == 9 else i % 5)  # a slip
    assert "none in two parts" in "\n".join(open_task(f"{_machines(tmp_path)}?layout=nf&group=machine").about())


def _machines(folder):
    rows = "".join(f"{i % 7},M{i // 6},{(i * i) % 13 / 3},{i % 2}\n" for i in range(ROWS))
    (folder / "m.csv").write_text("a,machine,b,label\n" + rows)
    return folder / "m.csv"


@pytest.mark.parametrize("name", ["millis", "Milliseconds", "micros", "uptime", "ticks", "ms"])
def test_a_counter_of_time_that_begins_anew_is_no_value(tmp_path, name):
    """A microcontroller's millis() starts at 0 with every recording, and would give its classes away."""
    rows = "".join(f"{i % 30 * 20},{(i * i) % 97 / 3 + i},{i // 15 % 2}\n" for i in range(ROWS * 4))
    (tmp_path / "t.csv").write_text(f"{name},a,label\n" + rows)
    with pytest.raises(ValueError, match=f"column '{name}' tells the time"):
        open_task(str(tmp_path / "t.csv"))
    task = open_task(f"{tmp_path / 't.csv'}?window=5")
    assert task.input_shape == (5, 1, 1)
    assert f"column '{name}' is left out" in "\n".join(task.about())


def test_dates_are_a_clock_whatever_their_column_is_called(tmp_path):
    rows = "".join(f"2024-03-{1 + i // 24:02} {i % 24:02}:00,{(i * i) % 13 / 3},{i // 30}\n" for i in range(ROWS))
    (tmp_path / "t.csv").write_text("when,a,label\n" + rows)
    said = "\n".join(open_task(f"{tmp_path / 't.csv'}?window=5").about())
    assert "column 'when' is left out, as it tells when a row was taken" in said


def test_lengths_of_time_that_go_up_and_down_are_no_clock(tmp_path):
    rows = "".join(f"00:{i * 37 % 60:02}:{i % 60:02},{(i * i) % 13 / 3},{i % 2}\n" for i in range(ROWS))
    (tmp_path / "t.csv").write_text("duration,a,label\n" + rows)
    with pytest.raises(ValueError, match="column 'duration': '00:00:00' is not a number"):
        open_task(str(tmp_path / "t.csv"))
    with pytest.raises(ValueError, match=r"t\.csv: there is no column 'Label'"):
        open_task(f"{tmp_path / 't.csv'}?label=Label")


def test_a_test_part_without_the_classes_of_train_is_refused(tmp_path):
    """Its samples were left out, and others drawn from train in their place."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 9)), np.arange(40) % 2
    names = np.array(["bolt", "nut"])
    np.savez(
        tmp_path / "d.npz",
        x_train=x[:30],
        y_train=names[y[:30]],
        x_test=x[30:],
        y_test=np.array(["Bolt", "Nut"])[y[30:]],
    )
    with pytest.raises(
        ValueError, match=r"part 'test' has none of the classes of train .*'Bolt', 'Nut'; where they are"
    ):
        open_task(str(tmp_path / "d.npz"))


def test_folders_without_a_sample_are_said(tmp_path):
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    for name in ("bolt", "nut", "washer"):
        (tmp_path / name).mkdir()
        for i in range(5 if name != "washer" else 0):
            image.fromarray(rng.integers(0, 255, (8, 8), np.uint8)).save(tmp_path / name / f"{i}.png")
    said = "\n".join(open_task(str(tmp_path)).about())
    assert "folders without a sample are no classes: washer/" in said
    (tmp_path / "washer").rmdir()
    assert "folders without" not in "\n".join(open_task(str(tmp_path)).about())


def test_values_far_below_a_grey_level_get_a_scale_of_their_own(tmp_path):
    """Amperes around 1e-9 lie between 0 and 1 too, and went into the network as they were."""
    rng, y = np.random.default_rng(0), np.arange(60) % 2

    def spread(x):
        np.savez(tmp_path / "d.npz", x=x, y=y)
        return float(open_task(str(tmp_path / "d.npz")).data().train.x.std())

    x = rng.random((60, 8, 8, 1))
    assert spread(x * 1e-9) == pytest.approx(1, abs=0.01)
    assert spread(x) < 0.4  # pictures stay as they are
    assert spread((x * 255).astype(np.uint8)) < 0.4
    assert spread((x > 0.5).astype(np.uint8)) == pytest.approx(0.5, abs=0.01)  # black and white, not 0 and 1 of 255


def test_files_that_changed_are_read_again(tmp_path):
    """In one process, as in a notebook: the data of the first time were kept for a path."""
    task = table(tmp_path / "t.csv", lambda i: "ab"[i % 2])
    assert task.classes == ("a", "b")
    assert open_task(str(tmp_path / "t.csv"))._data is task._data  # read once while it stays as it is
    assert table(tmp_path / "t.csv", lambda i: "xyz"[i % 3]).classes == ("x", "y", "z")
    folder = tmp_path / "d"
    folder.mkdir()
    np.save(folder / "x.npy", np.random.default_rng(0).normal(size=(40, 9)))
    np.save(folder / "y.npy", np.arange(40) % 2)
    assert open_task(str(folder)).outputs == 2
    np.save(folder / "y.npy", np.arange(40) % 4)
    assert open_task(str(folder)).outputs == 4

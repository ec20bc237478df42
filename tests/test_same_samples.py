"""The same 42 recordings in every layout that tools write: the same parts and arrays, or one question."""

import json
from itertools import product

import numpy as np
import pandas as pd
import pytest

from latent_nas.readers import PARTS
from latent_nas.tasks import open_task

STEPS, EACH, CLASSES = 60, 14, ("circle", "rest", "shake")
CHANNELS = ("aX", "aY", "aZ", "gX", "gY", "gZ")
RNG = np.random.default_rng(7)


def recordings():
    """(42, 60, 6): two sensors, one of large numbers, rounded as a text holds them; classes in turn."""
    time = np.arange(STEPS) / 50
    x = np.empty((EACH * 3, STEPS, 6), np.float32)
    for i in range(len(x)):
        wave = np.sin(2 * np.pi * (1 + 2 * (i % 3)) * time[:, None] + RNG.uniform(0, 6, 6))
        x[i] = wave * [1, 1, 1, 200, 200, 200] * (i % 3 + 0.2) + RNG.normal(size=(STEPS, 6)) * [0.1] * 3 + [10] * 6
    return np.round(x, 3)


X = recordings()
Y = np.arange(len(X)) % 3
NAMES = np.array(CLASSES)[Y]
PART = np.array([2 if i >= 33 else 1 if i >= 24 else 0 for i in range(len(X))])


def rows(select=None, **more):
    """A row per step, with a window, a label and further columns."""
    frames = []
    for i in range(len(X)) if select is None else select:
        frame = pd.DataFrame(X[i], columns=CHANNELS)
        for name, value in {"label": NAMES[i], "window": f"w{i}", **{k: v(i) for k, v in more.items()}}.items():
            frame.insert(0, name, value)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def wide():
    """A row per window: aX_0 to gZ_59."""
    names = [f"{channel}_{step}" for channel, step in product(CHANNELS, range(STEPS))]
    frame = pd.DataFrame(X.transpose(0, 2, 1).reshape(len(X), -1), columns=names)
    frame.insert(0, "label", NAMES)
    return frame


def csv_long(to):
    rows().to_csv(to / "a.csv", index=False)
    return to / "a.csv"


def csv_with_index_and_time(to):
    rows(time=lambda _: 20 * np.arange(STEPS)).to_csv(to / "a.csv")
    return to / "a.csv"


def csv_semicolons(to):
    rows().to_csv(to / "a.csv", index=False, sep=";", decimal=",")
    return to / "a.csv"


def csv_activity(to):
    rows().rename(columns={"label": "Activity", "window": "segment_id"}).to_csv(to / "a.csv", index=False)
    return to / "a.csv"


def csv_shuffled(to):
    frame = rows(RNG.permutation(len(X)))
    frame.to_csv(to / "a.csv", index=False)
    return to / "a.csv"


def csv_wide(to):
    wide().to_csv(to / "a.csv", index=False)
    return to / "a.csv"


def csv_steps_to_cut(to):
    rows().drop(columns="window").to_csv(to / "a.csv", index=False)
    return f"{to / 'a.csv'}?window=60"


def folder_of_classes(to):
    for label in CLASSES:
        frame = rows(np.flatnonzero(label == NAMES)).drop(columns=["label", "window"])
        frame.insert(0, "time", 20 * np.arange(len(frame)))
        frame.to_csv(to / f"{label}.csv", index=False)
    return f"{to}?window=60&hop=60"


def folder_of_recordings(to):
    for i, label in enumerate(NAMES):
        (to / label).mkdir(exist_ok=True)
        pd.DataFrame(X[i], columns=CHANNELS).to_csv(to / label / f"{i:02}.csv", index=False)
    return to


def files_by_class_and_number(to):
    for i, label in enumerate(NAMES):
        pd.DataFrame(X[i], columns=CHANNELS).to_csv(to / f"{label}_{i:02}.csv", index=False)
    return to


def parquet_long(to):
    rows().astype({"label": "category"}).to_parquet(to / "a.parquet")
    return to / "a.parquet"


def parquet_of_lists(to):
    frame = pd.DataFrame({channel: [X[i, :, c] for i in range(len(X))] for c, channel in enumerate(CHANNELS)})
    frame["label"] = NAMES
    frame.to_parquet(to / "a.parquet")
    return to / "a.parquet"


def npz(to):
    np.savez(to / "a.npz", x=X, y=NAMES)
    return to / "a.npz"


def npz_channels_first_one_hot(to):
    np.savez(to / "a.npz", X=X.transpose(0, 2, 1), Y=np.eye(3)[Y], classes=np.array(CLASSES))
    return to / "a.npz"


def npy_pair(to):
    np.save(to / "x.npy", X)
    np.save(to / "y.npy", NAMES[:, None])
    return to


def ts(to):
    lines = [f"@classLabel true {' '.join(CLASSES)}", "@data"]
    lines += [":".join(",".join(map(str, c)) for c in X[i].T) + f":{NAMES[i]}" for i in range(len(X))]
    (to / "a.ts").write_text("@problemName a\n@timeStamps false\n@univariate false\n" + "\n".join(lines) + "\n")
    return to / "a.ts"


def arff(to):
    head = ["@relation a", "@attribute series relational"]
    head += [f"  @attribute att{s} numeric" for s in range(STEPS)]
    head += ["@end series", f"@attribute class {{{','.join(CLASSES)}}}", "@data"]
    data = ["'" + "\\n".join(",".join(map(str, c)) for c in X[i].T) + f"',{NAMES[i]}" for i in range(len(X))]
    (to / "a.arff").write_text("\n".join([*head, *data]))
    return to / "a.arff"


def raw_wav(to):
    from scipy.io import wavfile

    for i, label in enumerate(NAMES):
        (to / label).mkdir(exist_ok=True)
        wavfile.write(to / label / f"{i}.wav", 50, X[i])
    return f"{to}?front=raw"


def edge_impulse(to):
    for i, label in enumerate(NAMES):
        payload = {
            "interval_ms": 20,
            "sensors": [{"name": c} for c in CHANNELS],
            "values": X[i].astype(float).round(3).tolist(),
        }
        (to / f"{label}.{i}.json").write_text(json.dumps({"protected": {}, "payload": payload}))
    return to


WHOLE = [csv_long, csv_with_index_and_time, csv_semicolons, csv_activity, csv_shuffled, csv_wide, csv_steps_to_cut]
WHOLE += [folder_of_classes, folder_of_recordings, files_by_class_and_number, parquet_long, parquet_of_lists, npz]
WHOLE += [npz_channels_first_one_hot, npy_pair, ts, arff, raw_wav, edge_impulse]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return open_task(str(csv_long(tmp_path_factory.mktemp("plain"))))


@pytest.mark.parametrize("write", WHOLE, ids=lambda f: f.__name__)
def test_every_layout_gives_the_same_parts_and_arrays(tmp_path, plain, write):
    task = open_task(str(write(tmp_path)))
    assert task.input_shape == (STEPS, 1, 6)
    assert task.classes == CLASSES
    assert task.space == "mcu_cnn1d"
    for part in PARTS:
        wanted, found = getattr(plain.data(), part), getattr(task.data(), part)
        assert np.array_equal(found.x, wanted.x), part
        assert np.array_equal(found.y, wanted.y), part
    assert task.fingerprint == plain.fingerprint
    assert np.allclose(task.data().train.x.std(axis=(0, 1, 2)), 1, atol=1e-3)


def test_every_sample_is_there_once(plain):
    shift, gain = np.array(plain.findings.shift), np.array(plain.findings.gain)
    found = np.concatenate([getattr(plain.data(), part).x for part in PARTS])[:, :, 0] / gain + shift
    order = [int(np.abs(X - row).max(axis=(1, 2)).argmin()) for row in found]
    assert sorted(order) == list(range(len(X)))
    assert [CLASSES[y] for part in PARTS for y in getattr(plain.data(), part).y] == NAMES[order].tolist()


def split_column(to):
    rows(split=lambda i: ("train", "val", "test")[PART[i]]).to_csv(to / "a.csv", index=False)
    return to / "a.csv"


def split_files(to):
    for part, name in enumerate(("train", "val", "test")):
        rows(np.flatnonzero(part == PART)).to_csv(to / f"{name}.csv", index=False)
    return to


def split_folders(to):
    for i, label in enumerate(NAMES):
        folder = to / ("Training", "Validation", "Testing")[PART[i]] / label
        folder.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(X[i], columns=CHANNELS).to_csv(folder / f"{i}.csv", index=False)
    return to


def split_npz(to):
    arrays = {f"X_{n}": X[p == PART] for p, n in enumerate(("train", "val", "test"))}
    np.savez(to / "a.npz", **arrays, **{f"y_{n}": NAMES[p == PART] for p, n in enumerate(("train", "val", "test"))})
    return to / "a.npz"


def test_parts_that_the_data_bring_are_the_same_too(tmp_path):
    found = []
    for write in (split_column, split_files, split_folders, split_npz):
        (tmp_path / write.__name__).mkdir()
        found.append(open_task(str(write(tmp_path / write.__name__))))
    assert {task.fingerprint for task in found} == {found[0].fingerprint}
    assert [len(getattr(found[0].data(), part)) for part in PARTS] == [24, 9, 9]


def said(task, words):
    return [line for line in task.about() if words in line]


class TestWindows:
    def test_steps_without_a_window_are_asked_about(self, tmp_path):
        path = str(csv_steps_to_cut(tmp_path)).split("?")[0]
        with pytest.raises(ValueError, match=r"look like steps.*--window STEPS"):
            open_task(path)
        assert open_task(f"{path}?layout=nf").input_shape == (1, 6, 1)

    def test_long_files_of_a_class_are_asked_about(self, tmp_path):
        path = str(folder_of_classes(tmp_path)).split("?")[0]
        with pytest.raises(ValueError, match=r"3 recordings of up to 840 steps.*--window STEPS"):
            open_task(path)

    def test_steps_without_names_of_axes_are_known_by_being_alike(self, tmp_path):
        slow = np.cumsum(RNG.normal(size=(400, 3)), axis=0)
        frame = pd.DataFrame(slow, columns=["heat", "flow", "level"])
        frame["state"] = frame["label"] = np.repeat(["a", "b"], 200)
        frame.drop(columns="state").to_csv(tmp_path / "a.csv", index=False)
        with pytest.raises(ValueError, match="neighbouring rows are alike"):
            open_task(str(tmp_path / "a.csv"))
        frame.drop(columns="state").sample(frac=1, random_state=1).to_csv(tmp_path / "b.csv", index=False)
        assert open_task(str(tmp_path / "b.csv")).input_shape == (1, 3, 1)

    def test_overlapping_windows_stand_in_one_part_by_recording(self, tmp_path):
        task = open_task(f"{folder_of_recordings(tmp_path)}?window=30&hop=10")
        assert said(task, "whole groups of recordings: 42 groups")
        assert not shared_steps(task)
        every = open_task(f"{tmp_path}?window=30&hop=10&group=none")
        assert not shared_steps(every)
        gaps = open_task(f"{tmp_path}?window=20&hop=25")  # recordings of 60 steps
        assert said(gaps, "one every 25: 5 steps between them are in none; 630 steps at their ends are left over")

    def test_overlapping_windows_of_few_recordings_follow_in_time(self, tmp_path):
        path = str(folder_of_classes(tmp_path)).split("?")[0]
        task = open_task(f"{path}?window=60&hop=15")
        assert said(task, "the parts follow each other in time")
        assert said(task, "they overlap with windows of the next part")
        assert not shared_steps(task)

    def test_windows_that_somebody_else_cut_with_overlap_are_found(self, tmp_path):
        long = X.reshape(-1, 6)
        cut = np.stack([long[i : i + 60] for i in range(0, len(long) - 60, 20)])
        y = np.repeat([0, 1], [60, len(cut) - 60])
        order = RNG.permutation(len(cut))
        np.savez(tmp_path / "a.npz", x=cut[order], y=y[order])
        task = open_task(str(tmp_path / "a.npz"))
        assert not shared_steps(task)
        assert said(task, "overlap")

    def test_given_parts_that_overlap_lose_the_earlier_windows(self, tmp_path):
        cut = np.stack([X.reshape(-1, 6)[i : i + 60] for i in range(0, 2400, 30)])
        spans = {"train": slice(0, 40), "valid": slice(40, 60), "test": slice(60, None)}
        arrays = {f"x_{n}": cut[span] for n, span in spans.items()}
        arrays |= {f"y_{n}": np.arange(len(cut))[span] % 2 for n, span in spans.items()}
        np.savez(tmp_path / "a.npz", **arrays)
        task = open_task(str(tmp_path / "a.npz"))
        assert said(task, "are left out of the rows, as they overlap with windows of a part")
        assert [len(getattr(task.data(), part)) for part in PARTS] == [39, 19, 20]
        assert not shared_steps(task)

    def test_given_parts_that_overlap_everywhere_are_refused(self, tmp_path):
        cut = np.stack([X.reshape(-1, 6)[i : i + 60] for i in range(0, 2400, 30)])
        spans = {"train": slice(0, None, 4), "valid": slice(2, None, 4), "test": slice(3, None, 4)}
        arrays = {f"x_{n}": cut[span] for n, span in spans.items()}
        arrays |= {f"y_{n}": np.arange(len(cut))[span] // 4 % 2 for n, span in spans.items()}
        np.savez(tmp_path / "b.npz", **arrays)
        with pytest.raises(ValueError, match="every one of the rows in part 'valid' overlaps"):
            open_task(str(tmp_path / "b.npz"))

    def test_an_option_outside_its_range_is_one_line(self, tmp_path):
        csv_long(tmp_path)
        for option, words in (("window=0", "number of steps"), ("hop=5", "--window STEPS"), ("window=61", "no window")):
            with pytest.raises(ValueError, match=words):
                open_task(f"{tmp_path / 'a.csv'}?{option}")


def shared_steps(task):
    """Steps that stand in two parts."""
    steps = [{row.tobytes() for row in getattr(task.data(), part).x.reshape(-1, 6)} for part in PARTS]
    return (steps[0] & steps[1]) | (steps[0] & steps[2]) | (steps[1] & steps[2])


class TestGroups:
    def subjects(self, to, each=3):
        rows(subject=lambda i: f"s{i // 3 % (EACH // each)}").to_csv(to / "a.csv", index=False)
        return to / "a.csv"

    def test_a_subject_is_no_value_and_stands_in_one_part(self, tmp_path):
        task = open_task(str(self.subjects(tmp_path)))
        assert task.input_shape == (STEPS, 1, 6)
        assert said(task, "'subject' is left out, as it tells where samples come from")
        assert said(task, "whole groups of column 'subject': 4 groups, none in two parts")
        shift, gain = np.array(task.findings.shift), np.array(task.findings.gain)
        where = []
        for part in PARTS:
            x = getattr(task.data(), part).x[:, :, 0] / gain + shift
            where.append({int(np.abs(X - row).max(axis=(1, 2)).argmin()) // 3 % 4 for row in x})
        assert sum(map(len, where)) == 4
        assert open_task(f"{tmp_path / 'a.csv'}?group=none").fingerprint != task.fingerprint

    @pytest.mark.parametrize("name", ["Subject_Nr", "subject no.", "patient_name", "subj", "UserNumber"])
    def test_whatever_a_subject_is_called(self, tmp_path, name):
        wanted = open_task(str(self.subjects(tmp_path))).fingerprint
        text = (tmp_path / "a.csv").read_text().replace("subject", name, 1)
        (tmp_path / "b.csv").write_text(text)
        assert open_task(str(tmp_path / "b.csv")).fingerprint == wanted

    def test_groups_that_cannot_be_kept_whole_are_said_or_refused(self, tmp_path):
        path = self.subjects(tmp_path, each=7)
        assert said(open_task(str(path)), "can't be kept within one part each")
        with pytest.raises(ValueError, match="every class needs 3 or more of them, there are 2 for all"):
            open_task(f"{path}?group=subject")
        with pytest.raises(ValueError, match="no column 'user' for --group"):
            open_task(f"{path}?group=user")

    def test_any_column_can_be_a_group(self, tmp_path):
        rows(**{"Rig & bay": lambda i: i // 6}).to_csv(tmp_path / "a.csv", index=False)
        task = open_task(f"{tmp_path / 'a.csv'}?group=Rig %26 bay")
        assert said(task, "whole groups of column 'Rig & bay': 7 groups")
        assert open_task(str(task.source)).fingerprint == task.fingerprint

    @pytest.mark.parametrize("write", [csv_long, npz, ts, edge_impulse, folder_of_recordings])
    def test_a_group_that_is_not_there_is_one_line(self, tmp_path, write):
        with pytest.raises(ValueError, match=r"'rig'.*for --group"):
            open_task(f"{write(tmp_path)}?group=rig")

    def test_files_can_be_the_group(self, tmp_path):
        task = open_task(f"{folder_of_recordings(tmp_path)}?window=30&group=file")
        assert said(task, "whole groups of column 'file': 42 groups")

    def test_subjects_beside_arrays(self, tmp_path):
        np.savez(tmp_path / "a.npz", x=X, y=NAMES, subject=np.arange(len(X)) // 6)
        assert said(open_task(str(tmp_path / "a.npz")), "whole groups of array 'subject': 7 groups")

    def test_a_column_that_spells_the_class_is_no_value(self, tmp_path, plain):
        rows(code=lambda i: 10 * (i % 3)).to_csv(tmp_path / "a.csv", index=False)
        task = open_task(str(tmp_path / "a.csv"))
        assert task.fingerprint == plain.fingerprint
        assert said(task, "'code' is left out, as it says the class in another way")


class TestMissing:
    def table(self, to, holes=12):
        frame = rows()
        for i in range(holes):
            frame.loc[61 * i + 5, CHANNELS[i % 6]] = np.nan
        frame.to_csv(to / "a.csv", index=False)
        return to / "a.csv"

    def test_they_are_named_and_dropped_or_filled_by_option(self, tmp_path):
        path = self.table(tmp_path)
        with pytest.raises(
            ValueError, match=r"12 numbers are missing in 12 of 42 windows.*line 7, column 'aX'.*--missing"
        ):
            open_task(str(path))
        dropped = open_task(f"{path}?missing=drop")
        assert sum(len(getattr(dropped.data(), part)) for part in PARTS) == 30
        assert len(dropped.findings.skipped) == 12
        filled = open_task(f"{path}?missing=interpolate")
        assert sum(len(getattr(filled.data(), part)) for part in PARTS) == 42
        assert said(filled, "12 missing numbers are interpolated")
        shift, gain = np.array(filled.findings.shift), np.array(filled.findings.gain)
        found = np.concatenate([getattr(filled.data(), part).x for part in PARTS])[:, :, 0] / gain + shift
        mine = found[np.abs(found[:, 6:] - X[0, 6:]).max(axis=(1, 2)).argmin()]
        assert mine[5, 0] == pytest.approx((X[0, 4, 0] + X[0, 6, 0]) / 2, abs=1e-3)

    def test_a_row_of_features_can_only_be_dropped(self, tmp_path):
        frame = pd.DataFrame(RNG.normal(size=(30, 3)), columns=["heat", "flow", "level"])
        frame["label"] = np.arange(30) % 2
        frame.loc[3, "flow"] = np.nan
        frame.to_csv(tmp_path / "a.csv", index=False, na_rep="NA")
        with pytest.raises(ValueError, match=r"line 5: a number is missing.*--missing drop"):
            open_task(f"{tmp_path / 'a.csv'}?missing=interpolate")
        assert said(open_task(f"{tmp_path / 'a.csv'}?missing=drop"), "line 5 (a number is missing)")


class TestLengths:
    def folder(self, to):
        for i, label in enumerate(NAMES):
            (to / label).mkdir(exist_ok=True)
            pd.DataFrame(X[i, : 40 + i % 7], columns=CHANNELS).to_csv(to / label / f"{i}.csv", index=False)
        return to

    def test_several_lengths_are_asked_about_and_padded_or_cut(self, tmp_path):
        path = self.folder(tmp_path)
        with pytest.raises(ValueError, match=r"from 40 to 46 steps; say --length 46 .*--length 40 .*--window"):
            open_task(str(path))
        for length, steps in (("shortest", 40), ("longest", 46), ("43", 43)):
            task = open_task(f"{path}?length={length}")
            assert task.input_shape == (steps, 1, 6)
            assert said(task, f"brought to {steps} steps")
        assert open_task(f"{path}?window=20").input_shape == (20, 1, 6)


class TestKinds:
    def test_one_class_is_an_anomaly_task_and_said(self, tmp_path):
        np.savez(tmp_path / "a.npz", x=X, y=np.zeros(42, int))
        task = open_task(str(tmp_path / "a.npz"))
        assert task.findings.kind == "anomaly"
        assert said(task, "only class '0': its samples are taken as normal")
        with pytest.raises(ValueError, match="only class '0'"):
            open_task(f"{tmp_path / 'a.npz'}?kind=classify")

    def test_samples_without_labels_are_normal_where_that_is_asked(self, tmp_path):
        np.savez(tmp_path / "a.npz", x=X)
        with pytest.raises(ValueError, match="--kind anomaly"):
            open_task(str(tmp_path / "a.npz"))
        assert open_task(f"{tmp_path / 'a.npz'}?kind=anomaly").findings.kind == "anomaly"

    @pytest.mark.parametrize(("name", "kind"), [("label", "regress"), ("target", "regress"), ("class", "regress")])
    def test_a_quantity_is_a_regression_under_any_name(self, tmp_path, name, kind):
        quantity = lambda i: round(100 + i * 1.7, 3)  # noqa: E731
        rows(**{name: quantity}).pipe(lambda f: f if name == "label" else f.drop(columns="label")).to_csv(
            tmp_path / "a.csv", index=False
        )
        assert open_task(str(tmp_path / "a.csv")).findings.kind == kind

    def test_a_target_of_few_whole_numbers_is_classes_and_said(self, tmp_path):
        wide().assign(target=Y).drop(columns="label").to_csv(tmp_path / "a.csv", index=False)
        task = open_task(str(tmp_path / "a.csv"))
        assert task.classes == ("0", "1", "2")
        assert said(task, "column 'target' holds 3 different whole numbers, taken as classes ('--kind regress'")

    def test_a_class_of_two_samples_is_left_out_and_said(self, tmp_path):
        np.savez(tmp_path / "a.npz", x=X, y=np.where(np.arange(42) < 2, "rare", NAMES))
        task = open_task(str(tmp_path / "a.npz"))
        assert task.classes == CLASSES
        assert said(task, "class 'rare' is left out: it has 2 samples, every class needs 3 or more")

    def test_features_get_a_scale_each(self, tmp_path):
        frame = pd.DataFrame(RNG.normal(size=(60, 3)) * [1, 1000, 0.01], columns=["ph", "proline", "ash"])
        frame["Species"] = np.array(["a", "b"])[np.arange(60) % 2]
        frame.to_csv(tmp_path / "a.csv", index=False)
        task = open_task(str(tmp_path / "a.csv"))
        assert (task.input_shape, task.space) == ((1, 3, 1), "mcu_cnn1d")
        assert np.allclose(task.data().train.x.std(axis=0).ravel(), 1, atol=1e-3)
        assert said(task, "every row is a sample of 3 values")
        assert task.findings.sizes == {"3 values": 60}
        np.savez(
            tmp_path / "b.npz", x=frame[["ph", "proline", "ash"]].to_numpy(np.float32), y=frame["Species"].to_numpy(str)
        )
        assert open_task(str(tmp_path / "b.npz")).fingerprint == task.fingerprint


def test_a_table_without_a_known_name_of_answers_tells_the_likely_one(tmp_path):
    rows().rename(columns={"label": "Zustand"}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(ValueError, match="'--label Zustand' takes it"):
        open_task(str(tmp_path / "a.csv"))
    assert open_task(f"{tmp_path / 'a.csv'}?label=Zustand").classes == CLASSES


@pytest.mark.parametrize("n", [9, 24, 100, 400, 3000])
def test_few_samples_get_as_many_steps_as_many(n):
    from latent_nas.tasks._own import recipes

    for name, steps in (("search", 300), ("full", 1200)):
        recipe = recipes(n, "classify", False)[name]
        assert recipe.epochs * -(-n // recipe.batch) >= steps
        assert recipe.epochs * n <= 200_000


@pytest.mark.parametrize("n", [24, 400, 3000, 50_000])
def test_a_short_training_of_classes_learns_from_its_first_tenth_on(n):
    from latent_nas.tasks._own import recipes

    short = recipes(n, "classify", False)["search"]
    assert short.optimiser == "muon"
    assert short.warmup <= short.epochs / 10
    for recipe in recipes(n, "regress", False).values():
        assert recipe.optimiser == "adamw"


def test_a_search_keeps_the_options_and_takes_the_space_that_suits(tmp_path):
    from latent_nas.jobs.search.config import SearchConfig, new_config
    from latent_nas.target import Target

    name = f"{csv_steps_to_cut(tmp_path)}&hop=30&group=none"
    config = new_config(Target("", name, "stm32f405", ""), strategy="random")
    resumed = SearchConfig.from_json(json.loads(json.dumps(config.to_json())))
    assert resumed.target.space == "mcu_cnn1d"
    assert open_task(resumed.target.task).fingerprint == config.data == open_task(name).fingerprint
    assert open_task(name).source.wanted.hop == 30
    assert new_config(Target("mcu_cnn", name, "stm32f405", ""), strategy="random").target.space == "mcu_cnn"


def test_the_options_of_the_command_line_are_part_of_the_tasks_name(tmp_path):
    from latent_nas.cli.own_data import named

    path = str(csv_long(tmp_path))
    task = open_task(named(path, window=20, hop=10, group="window", missing="drop", label="label"))
    wanted = task.source.wanted
    assert (wanted.window, wanted.hop, wanted.group, wanted.missing) == (20, 10, "window", "drop")
    assert wanted.label == ("label",)
    assert open_task(str(task.source)).fingerprint == task.fingerprint

"""Data of your own: read whole, everything odd named, split once, refused where it changed."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile

from latent_nas.tasks import open_task
from latent_nas.tasks._names import full_name, is_path, with_options

CLASSES = "abcd"


def draw(folder, each=8, size=(12, 12), seed=0):
    """A folder of images by class: a bright bar, elsewhere for each class."""
    rng = np.random.default_rng(seed)
    for k, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for i in range(each):
            pixels = rng.integers(0, 60, size).astype(np.uint8)
            pixels[3 * k : 3 * k + 3] += 150
            Image.fromarray(pixels).save(folder / name / f"{i}.png")
    return folder


def tone(path, hertz, rate, seconds=0.3, seed=0):
    at = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(seed).normal(size=len(at)) * 0.01
    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, rate, ((0.4 * np.sin(2 * np.pi * hertz * at) + noise) * 32767).astype(np.int16))


def task_of(path, **options):
    return open_task(with_options(str(path), **options) if options else str(path))


def parts(task):
    data = task.data()
    return data.train, data.valid, data.test


class TestImages:
    def test_every_image_is_in_one_part_and_every_class_in_all(self, tmp_path):
        task = task_of(draw(tmp_path / "p"))
        assert task.classes == tuple(CLASSES)
        assert task.input_shape == (12, 12, 1)
        assert [np.bincount(p.y).tolist() for p in parts(task)] == [[4] * 4, [2] * 4, [2] * 4]
        rows = [set(map(bytes, p.x)) for p in parts(task)]
        assert len(set.union(*rows)) == sum(map(len, rows)) == 32
        assert all(p.x.min() >= 0 and p.x.max() <= 1 for p in parts(task))

    def test_the_split_follows_its_seed_and_nothing_else(self, tmp_path):
        folder = draw(tmp_path / "p")
        other = task_of(folder, split_seed=1)
        assert task_of(folder).fingerprint == task_of(folder, split_seed=0).fingerprint != other.fingerprint
        assert other.source.split_seed == 1
        assert open_task(str(other.source)).fingerprint == other.fingerprint

    def test_any_size_and_colour_is_brought_to_the_one_asked_for(self, tmp_path):
        folder = draw(tmp_path / "p")
        Image.new("RGB", (40, 20), (255, 0, 0)).save(folder / "a" / "wide.png")
        assert task_of(folder).input_shape == (48, 48, 3)
        task = task_of(folder, input="16x8x1")
        assert task.input_shape == (16, 8, 1)
        assert any("scaled to 16x8" in line for line in task.about())
        assert any("grey" in line for line in task.about())

    def test_a_corrupt_image_is_named_skipped_and_counted_and_strict_stops(self, tmp_path):
        folder = draw(tmp_path / "p")
        (folder / "b" / "broken.png").write_bytes((folder / "b" / "0.png").read_bytes()[:40])
        (folder / "b" / "text.jpg").write_text("hello")
        task = task_of(folder)
        assert set(task.findings.to_json()["skipped"]) == {"b/broken.png", "b/text.jpg"}
        assert any("2 of the images" in line and "b/broken.png" in line for line in task.about())
        assert sum(map(len, parts(task))) == 32
        with pytest.raises(ValueError, match=r"b/broken\.png.*strict"):
            task_of(folder, strict=True)

    def test_given_parts_are_kept_and_no_image_leaks_from_one_to_another(self, tmp_path):
        draw(tmp_path / "p" / "train", 6, seed=1)
        draw(tmp_path / "p" / "test", 3, seed=2)
        for copy in ("train/c/leak.png", "train/c/leak again.png"):
            (tmp_path / "p" / copy).write_bytes((tmp_path / "p" / "test/c/0.png").read_bytes())
        (tmp_path / "p" / "train/a/double.png").write_bytes((tmp_path / "p" / "train/a/0.png").read_bytes())
        found = task_of(tmp_path / "p").findings
        assert found.counts["test"] == (3, 3, 3, 3)
        assert found.counts["train"] == (5, 5, 5, 5)
        assert set(found.leaked) == {"train/c/leak.png", "train/c/leak again.png"}
        assert found.duplicates == ("train/a/double.png",)

    def test_one_content_in_two_classes_is_dropped_and_said(self, tmp_path):
        folder = draw(tmp_path / "p")
        (folder / "b" / "same.png").write_bytes((folder / "a" / "0.png").read_bytes())
        found = task_of(folder).findings
        assert set(found.contradictions) == {"a/0.png", "b/same.png"}
        assert sum(map(sum, found.counts.values())) == 31

    @pytest.mark.parametrize(
        ("harm", "words"),
        [
            (lambda p: [f.unlink() for c in "bcd" for f in sorted((p / c).iterdir())[1:]], "'b' has 1 sample"),
            (lambda p: [f.unlink() for c in "bcd" for f in (p / c).iterdir()], "4 normal samples"),
            (lambda p: [f.unlink() for c in CLASSES for f in (p / c).iterdir()], "holds no data"),
            (lambda p: (p / "a" / "0.png").rename(p / "0.png"), "no class folder"),
            (lambda p: (p / "train" / "a").mkdir(parents=True), "parts only, or classes only"),
        ],
    )
    def test_what_cannot_be_a_task_is_one_line(self, tmp_path, harm, words):
        folder = draw(tmp_path / "p", 4)
        harm(folder)
        with pytest.raises(ValueError, match=words) as error:
            task_of(folder)
        assert "\n" not in str(error.value)

    def test_an_empty_folder_is_said(self, tmp_path):
        with pytest.raises(ValueError, match="empty folder"):
            task_of(tmp_path)


class TestArrays:
    def arrays(self, n=20):
        y = np.arange(n) % 2
        return np.random.default_rng(0).integers(0, 255, (n, 9, 9)).astype(np.uint8), y

    def save(self, path, **arrays):
        np.savez(path, **arrays)
        return path

    def test_images_as_npz(self, tmp_path):
        x, y = self.arrays()
        task = task_of(self.save(tmp_path / "a.npz", x=x, y=np.array(["no", "yes"])[y]))
        assert (task.input_shape, task.classes) == ((9, 9, 1), ("no", "yes"))
        assert max(p.x.max() for p in parts(task)) <= 1

    def test_numbers_of_no_range_get_a_scale_from_the_training_part_alone(self, tmp_path):
        x, y = self.arrays(40)
        x = x[..., None] * np.array([1.0, 1e-3]) + [500, -2]
        task = task_of(self.save(tmp_path / "a.npz", x_train=x[:20], y_train=y[:20], x_test=x[20:] * 2, y_test=y[20:]))
        train, _, test = parts(task)
        assert np.allclose(train.x.std(axis=(0, 1, 2)), 1, atol=1e-3)
        assert abs(test.x.mean()) > 1
        shift, gain = np.array(task.findings.shift), np.array(task.findings.gain)
        wanted = (x[20:] * 2 - shift) * gain
        assert all(np.isclose(row, test.x, rtol=1e-4).all(axis=(1, 2, 3)).any() for row in wanted)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda x, y: {"x": np.where(np.arange(20)[:, None, None] == 7, np.nan, x), "y": y}, "NaN.*first is 7"),
            (lambda x, y: {"x": x, "y": y[:-1]}, r"wants \(20,\) classes"),
            (lambda x, y: {"x": x, "y": np.stack([y, y], 1)}, "wants"),
            (lambda x, y: {"x": x.reshape(20, 3, 3, 3, 3), "y": y}, r"shape \(20, 3, 3, 3, 3\)"),
            (lambda x, y: {"pixels": x, "y": y}, "no array x.*it has: pixels, y"),
            (lambda x, y: {"x": np.float32(1), "y": y}, "x is a single number"),
            (lambda x, y: {"x": x[:0], "y": y[:0]}, r"shape \(0, .*no sample"),
            (lambda x, y: {"x": x.astype(str), "y": y}, "wanted numbers"),
            (lambda x, y: {"x": x.astype(object), "y": y}, "plain arrays"),
            (lambda x, y: {"x_train": x, "y_train": y, "x_test": x[:, :5], "y_test": y}, "differ in shape"),
        ],
    )
    def test_bad_arrays_are_one_line(self, tmp_path, change, words):
        with pytest.raises(ValueError, match=words):
            task_of(self.save(tmp_path / "a.npz", **change(*self.arrays())))

    def test_a_cut_file_is_said(self, tmp_path):
        x, y = self.arrays()
        path = self.save(tmp_path / "a.npz", x=x, y=y)
        path.write_bytes(path.read_bytes()[:-30])
        with pytest.raises(ValueError, match=r"is not a whole \.npz"):
            task_of(path)

    def test_rows_that_are_not_of_the_shape_asked_for(self, tmp_path):
        x, y = self.arrays()
        path = self.save(tmp_path / "a.npz", x=x, y=y)
        assert task_of(path, input="27x1x3").input_shape == (27, 1, 3)
        with pytest.raises(ValueError, match="can't be read as"):
            task_of(path, input="9x8x1")


class TestRecordings:
    def folder(self, tmp_path, rate=8000):
        for k, name in enumerate(("low", "high")):
            for i in range(6):
                tone(tmp_path / "w" / name / f"{i}.wav", (400, 1500)[k] + 10 * i, rate, seed=i)
        return tmp_path / "w"

    def test_recordings_become_spectra_with_a_front_end(self, tmp_path):
        task = task_of(self.folder(tmp_path))
        assert task.input_shape == task.front_end.shape == (14, 20, 1)
        means = {name: np.mean([p.x[p.y == k].mean(axis=(0, 1, 3)) for p in parts(task)], axis=0)
                 for k, name in enumerate(task.classes)}  # fmt: skip
        assert means["high"].argmax() > means["low"].argmax()
        assert task_of(tmp_path / "w", front="mfcc").input_shape == (14, 10, 1)

    def test_another_rate_is_resampled_and_said(self, tmp_path):
        folder = self.folder(tmp_path)
        before = task_of(folder).findings
        tone(folder / "low" / "0.wav", 400, 22050)
        after = task_of(folder, seconds=0.3)
        assert any("1 recordings of 22050 Hz were resampled to 8000 Hz" in line for line in after.about())
        assert after.front_end.rate == before.front_end.rate == 8000

    def test_broken_and_silent_recordings_are_named(self, tmp_path):
        folder = self.folder(tmp_path)
        (folder / "low" / "cut.wav").write_bytes((folder / "low" / "0.wav").read_bytes()[:20])
        (folder / "low" / "text.wav").write_text("hello")
        wavfile.write(folder / "low" / "none.wav", 8000, np.zeros(0, np.int16))
        skipped = task_of(folder).findings.to_json()["skipped"]
        assert set(skipped) == {"low/cut.wav", "low/text.wav", "low/none.wav"}


class TestWindows:
    HEAD = "label,window,x,y\n"

    def long(self, windows=8, steps=5):
        rows = [f"{'ab'[w % 2]},{w},{w + s / 7:.3f},{-w * s}" for w in range(windows) for s in range(steps)]
        return self.HEAD + "\n".join(rows) + "\n"

    def test_a_row_per_step_and_a_row_per_window(self, tmp_path):
        (tmp_path / "long.csv").write_text(self.long())
        assert task_of(tmp_path / "long.csv").input_shape == (5, 1, 2)
        rows = [f"{'ab'[w % 2]}," + ",".join(str(w * s) for s in range(6)) for w in range(10)]
        (tmp_path / "wide.csv").write_text("label," + ",".join(f"t{s}" for s in range(6)) + "\n" + "\n".join(rows))
        wide = task_of(tmp_path / "wide.csv")
        assert (wide.input_shape, wide.classes) == ((6, 1, 1), ("a", "b"))

    def test_a_column_says_the_part(self, tmp_path):
        rows = [f"{'ab'[w % 2]},{'test' if w > 9 else 'train'},{w},{w * w}" for w in range(14)]
        (tmp_path / "a.csv").write_text("label,part,u,v\n" + "\n".join(rows))
        assert task_of(tmp_path / "a.csv").findings.counts["test"] == (2, 2)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda t: t.replace("3.143", "three"), "line 18, column 'x': 'three'"),
            (
                lambda t: t.replace("3.143", "nan"),
                "1 numbers are missing in 1 of 8 windows, the first in window 3, line 18.*--missing",
            ),
            (lambda t: t.replace("a,2,2.143,-2\n", ""), "windows have from 4 to 5 steps; say --length 5"),
            (lambda t: t.replace("a,2,2.143,-2\n", "b,2,2.143,-2\n"), "more than one label"),
            (lambda t: t.replace("a,2,2.143,-2\n", "a,2,2.143\n"), "line 13: 3 cells"),
            (lambda t: t.replace("label,", "kind,"), "column 'label'.*--label kind"),
            (lambda t: "label,window\na,0\nb,1\n", "no column of values"),
            (lambda t: t.replace("a,2,2.143,-2\n", ",2,2.143,-2\n"), "line 13: its label is empty"),
            (lambda t: "label,x,x\na,0,1\nb,1,2\n", "line 1: two columns 'x'"),
        ],
    )
    def test_bad_tables_are_one_line(self, tmp_path, change, words):
        text = change(self.long())
        assert text != self.long()
        (tmp_path / "a.csv").write_text(text)
        with pytest.raises(ValueError, match=words):
            task_of(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no/such/folder", "there is no file or folder"),
        ("a.npz?size=3", "data option 'size'"),
        ("a.npz?input=3x3", "HEIGHTxWIDTHxCHANNELS"),
        ("digitz", "digits.*path"),
    ],
)
def test_wrong_names_are_one_line(name, words):
    with pytest.raises(ValueError, match=words):
        open_task(name)


def test_options_are_for_own_data_and_stay_in_its_name(tmp_path, monkeypatch):
    draw(tmp_path / "p")
    monkeypatch.chdir(tmp_path)
    name = with_options("p", input="8x8x1", strict=False)
    assert name == full_name("p?input=8x8x1") == f"{tmp_path / 'p'}?input=8x8x1"
    with pytest.raises(ValueError, match="your own data"):
        with_options("digits", input="8x8x1")
    (tmp_path / "a.csv").write_text("label,x\na,1\n")
    for option in ("window", "hop", "rate", "frame_hop"):
        with pytest.raises(ValueError, match=f"^{option}='0'; wanted a .*from 1 to "):
            with_options("a.csv", **{option: 0})
        with pytest.raises(ValueError, match=f"^{option} is for your own data"):
            with_options("digits", **{option: 0})
    with pytest.raises(ValueError, match=r"^folds='0'; wanted a whole number from 1 to 20$"):
        open_task("a.csv?folds=0")
    with pytest.raises(ValueError, match="does not apply to"):
        open_task("a.csv?rate=8000")


def test_import_gives_the_same_task_and_overwrites_nothing(tmp_path, command):
    for k, name in enumerate(("low", "high")):
        for i in range(5):
            tone(tmp_path / "w" / name / f"{i}.wav", (400, 1500)[k] + 10 * i, 8000)
    done = command("dataset", "import", "w", "--front", "mfcc", "--out", "w.npz", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said, task = json.loads(done.stdout), open_task(str(tmp_path / "w.npz"))
    assert task.fingerprint == said["sha256"] == open_task(f"{tmp_path / 'w'}?front=mfcc").fingerprint
    assert task.front_end.kind == "mfcc"
    assert list(task.findings.gain) == said["gain"]
    assert said["front_end_cost"]["computed_cycles"] > 0
    again = command("dataset", "import", "w", "--out", "w.npz", cwd=tmp_path)
    assert again.returncode == 2
    assert "there already" in again.stderr


def test_a_search_takes_a_path_and_resume_refuses_changed_data(tmp_path, command):
    draw(tmp_path / "p", 10)
    quick = ["--strategy", "random", "--trainings", "1", "--top", "0", "--workers", "1", "--limit", "flash_kb=8"]
    done = command("search", "--task", "p?folds=1", "--input", "8x8x1", *quick, "--out", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "40 images in 4 classes" in done.stderr
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["target"]["task"] == f"{tmp_path / 'p'}?input=8x8x1&folds=1"
    assert config["data"] == open_task(config["target"]["task"]).fingerprint
    history = (tmp_path / "run" / "history.csv").read_bytes()
    (tmp_path / "p").rename(tmp_path / "q")
    gone = command("search", "--resume", "run", cwd=tmp_path)
    assert gone.returncode == 2
    assert f"is not at {tmp_path / 'p'}" in gone.stderr
    assert "--task PATH" in gone.stderr
    moved = command("search", "--resume", "run", "--task", "q", cwd=tmp_path)
    assert moved.returncode == 0, moved.stderr
    (tmp_path / "q" / "a" / "0.png").unlink()
    again = command("search", "--resume", "run", cwd=tmp_path)
    assert again.returncode == 2
    assert "has changed since the run began" in again.stderr
    assert "--task PATH" in again.stderr
    assert (tmp_path / "run" / "history.csv").read_bytes() == history


def test_no_reader_is_forgotten():
    from latent_nas import plugins

    readers = Path(sys.modules["latent_nas"].__file__).parent / "readers"
    assert set(plugins.names("readers")) == {p.stem for p in readers.glob("[!_]*.py")}


def test_a_path_as_windows_writes_it_is_no_other_file_and_the_one_meant_is_named(tmp_path):
    (tmp_path / "photos" / "bolt").mkdir(parents=True)
    assert is_path("photos\\bolt")
    with pytest.raises(ValueError, match=r"there is no file or folder .*photos\\bolt; with / .* one: .*photos/bolt$"):
        open_task(f"{tmp_path}\\photos\\bolt")
    (tmp_path / "photos\\bolt").mkdir()  # a name like any other here
    with pytest.raises(ValueError, match=r"photos\\bolt is an empty folder"):
        open_task(f"{tmp_path}/photos\\bolt")

"""One's own data as people's tools write it: the same arrays whatever the layout, every decision said, or one line."""

import numpy as np
import pytest
from PIL import Image

from latent_nas.tasks import open_task

ROWS = [("ab"[i % 2], [round(np.sin(i * s + i) * 3, 3) for s in range(1, 5)]) for i in range(20)]


def write(path, head, rows, separator=",", encoding="utf-8"):
    path.write_bytes("\n".join(separator.join(map(str, row)) for row in [head, *rows]).encode(encoding))
    return path


def plain(path, separator=",", point=".", label="label", first=(), encoding="utf-8"):
    """Windows of four steps; ``first`` is (name, cells of every row) of a column before them."""
    rows = [[a, *(str(v).replace(".", point) for v in x)] for a, x in ROWS]
    if first:
        rows = [[first[1][i], *row] for i, row in enumerate(rows)]
    return write(path, [*first[:1], label, "s0", "s1", "s2", "s3"], rows, separator, encoding)


def said(task, words):
    return [line for line in task.about() if words in line]


COUNT = [*range(20)]


class TestColumnsThatCount:
    @pytest.mark.parametrize("name", ["", "Unnamed: 0", "index", "ID", "row_number"])
    @pytest.mark.parametrize("cells", [COUNT, [7 * i % 20 for i in COUNT]], ids=["in order", "shuffled"])
    def test_row_numbers_are_no_values_whatever_their_order(self, tmp_path, name, cells):
        wanted = open_task(str(plain(tmp_path / "a.csv")))
        path = plain(tmp_path / "b.csv", first=(name, cells))
        task = open_task(str(path))
        assert task.fingerprint == wanted.fingerprint
        assert len(said(task, "left out, as it numbers rows")) == 1
        kept = open_task(f"{path}?omit=")
        assert kept.input_shape == (1, 5, 1)
        assert not said(kept, "omit")
        assert open_task(str(kept.source)).fingerprint == kept.fingerprint

    def test_a_clock_that_only_counts_up_is_left_out_and_another_kept_and_said(self, tmp_path):
        up = open_task(str(plain(tmp_path / "a.csv", first=("Time (ms)", [16 * i for i in COUNT]))))
        assert up.input_shape == (4, 1, 1)
        assert said(up, "'Time (ms)' is left out, as it only counts up")
        beside = open_task(str(plain(tmp_path / "b.csv", first=("time", [7 * i % 20 for i in COUNT]))))
        assert beside.fingerprint == up.fingerprint
        assert said(beside, "'time' is left out, as it tells when a row was taken")
        rows = [(a, 7 * i % 20, *x) for i, (a, x) in enumerate(ROWS)]
        other = open_task(str(write(tmp_path / "c.csv", ["label", "time", *"abcd"], rows)))
        assert other.input_shape == (1, 5, 1)
        assert said(other, "'?omit=time' leaves it out")

    def test_a_clock_may_begin_anew_in_every_window(self, tmp_path):
        rows = [(w, 20 * s, "ab"[w % 2], w * w + s) for w in range(10) for s in range(5)]
        task = open_task(str(write(tmp_path / "a.csv", ["window", "timestamp", "label", "x"], rows)))
        assert task.input_shape == (5, 1, 1)
        assert said(task, "'timestamp' is left out")

    def test_dates_are_left_out(self, tmp_path):
        dates = [f"2024-01-{i + 1:02}" for i in COUNT]
        assert said(open_task(str(plain(tmp_path / "a.csv", first=("date", dates)))), "'date' is left out")

    def test_any_other_counter_is_named_and_an_option_leaves_it_out(self, tmp_path):
        path = plain(tmp_path / "a.csv", first=("take", COUNT))
        assert said(open_task(str(path)), "'?omit=take' leaves it out")
        left = open_task(f"{path}?omit=take")
        assert left.fingerprint == open_task(str(plain(tmp_path / "b.csv"))).fingerprint
        with pytest.raises(ValueError, match=r"omit='took' is not a column.*take, s0"):
            open_task(f"{path}?omit=took")


class TestDialects:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"separator": ";"}, "separated by semicolons"),
            ({"separator": "\t"}, "separated by tabs"),
            ({"separator": ";", "point": ","}, "decimal commas are read as points"),
            ({"label": "LABEL"}, "'LABEL' is read as 'label'"),
            ({"encoding": "utf-16"}, "UTF-16"),
        ],
    )
    def test_a_dialect_gives_the_same_data_and_is_said(self, tmp_path, options, words):
        task = open_task(str(plain(tmp_path / "a.csv", **options)))
        assert task.fingerprint == open_task(str(plain(tmp_path / "b.csv"))).fingerprint
        assert len(said(task, words)) == 1

    def test_latin_1_is_read_and_said(self, tmp_path):
        rows = [("grün" if a == "a" else "b", *x) for a, x in ROWS]
        task = open_task(str(write(tmp_path / "a.csv", ["label", *"abcd"], rows, encoding="latin-1")))
        assert task.classes == ("b", "grün")
        assert said(task, "Windows-1252")

    def test_targets_have_decimal_commas_too(self, tmp_path):
        rows = [(f"{i},5", f"{i * i},25", "0,1") for i in range(20)]
        task = open_task(str(write(tmp_path / "a.csv", ["Target", "x", "y"], rows, ";")))
        assert task.findings.targets == {"target": (0.5, 19.5)}

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("label;x\na;1,234\nb;5,678\n", "'1,234' can be read in two ways"),
            ("label;x\na;1,5\nb;2.5\n", "'1,5' beside '2.5' can be read in two ways"),
            ("kind;x\na;1\nb;2\n", "column 'label'.*the first line has 'kind', 'x'"),
            ("label,x;label\na,1;b\n", "separated by commas or semicolons"),
            ("label,x\n", "no row below"),
            ("label,x\na,\0\n", "zero bytes"),
        ],
    )
    def test_what_can_be_read_in_two_ways_is_one_line(self, tmp_path, text, words):
        (tmp_path / "a.csv").write_text(text)
        with pytest.raises(ValueError, match=words) as error:
            open_task(str(tmp_path / "a.csv"))
        assert "\n" not in str(error.value)


def image(file, value, seed=0):
    pixels = np.random.default_rng([value, seed]).integers(0, 60, (8, 8)).astype(np.uint8) + np.uint8(value)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)


def images(root, *folders, each=4):
    """Images of which the last folder's name is the class, none twice."""
    for n, folder in enumerate(folders):
        for i in range(each):
            image(root / folder / f"{i}.png", 40 * len(folder.rsplit("/", maxsplit=1)[-1]), seed=100 * n + i)
    return root


PAIRS = ("train/nut", "train/bolt", "valid/nut", "valid/bolt", "test/nut", "test/bolt")


class TestFolders:
    @pytest.mark.parametrize("names", ["training validation testing", "Train Val TEST", "train_set val_set test-data"])
    def test_parts_by_any_name_are_parts_and_said(self, tmp_path, names):
        train, valid, test = names.split()
        wanted = open_task(str(images(tmp_path / "a", *PAIRS)))
        mine = dict(zip(("train", "valid", "test"), (train, valid, test), strict=True))
        folders = [f"{mine[part]}/{label}" for part, label in (pair.split("/") for pair in PAIRS)]
        path = images(tmp_path / "b", *folders)
        task = open_task(str(path))
        assert task.fingerprint == wanted.fingerprint
        assert task.findings.counts == {"train": (4, 4), "valid": (4, 4), "test": (4, 4)}
        assert said(task, f"{valid!r} is read as part 'valid'")
        assert not said(wanted, "is read as")
        assert set(open_task(f"{path}?labels=top").classes) == {train, valid, test}

    def test_sessions_above_classes_are_asked_about(self, tmp_path):
        path = images(tmp_path, "s1/nut", "s1/bolt", "s2/nut", "s3/nut", "s3/bolt")
        with pytest.raises(ValueError, match=r"s1/, s2/, s3/ all hold folders such as bolt/, nut/.*labels=inner"):
            open_task(str(path))
        inner = open_task(f"{path}?labels=inner")
        assert inner.classes == ("bolt", "nut")
        assert said(inner, "classes are the folders below s1/, s2/, s3/")
        assert said(inner, "can't be kept within one part")  # s2 lacks a class, so there are two sessions of bolts
        assert open_task(f"{path}?labels=outer").classes == ("s1", "s2", "s3")

    def test_sessions_within_parts_are_asked_about_too(self, tmp_path):
        folders = [f"{part}/{s}/{label}" for part in ("train", "test") for s in "uv" for label in ("nut", "bolt")]
        path = images(tmp_path, *folders)
        with pytest.raises(ValueError, match="either could be the classes"):
            open_task(str(path))
        inner = open_task(f"{path}?labels=inner")
        assert (inner.classes, inner.findings.counts["test"]) == (("bolt", "nut"), (8, 8))
        assert open_task(f"{path}?labels=outer").classes == ("u", "v")

    def test_folders_within_classes_are_groups_where_classes_share_them_or_it_is_asked(self, tmp_path):
        subjects = [f"{label}/s{n}" for n in range(5) for label in ("nut", "bolt")]
        shared = open_task(f"{images(tmp_path / 'a', *subjects)}?labels=outer")
        assert said(shared, "whole groups of the folders within the classes: 5 groups")
        own = images(tmp_path / "b", *(f"{label}/{label}{n}" for n in range(5) for label in ("nut", "bolt")))
        assert said(open_task(str(own)), "(bolt/bolt0/ and the like) are not looked at; --group folder keeps each")
        assert not said(open_task(f"{own}?group=none"), "not looked at")
        assert said(open_task(f"{own}?group=folder"), "whole groups of the folders within the classes: 10 groups")

    @pytest.mark.parametrize(
        ("folders", "words"),
        [
            (("data/nut", "data/bolt"), r"holds only data/; if bolt/, nut/ are the classes, name .*data"),
            (("train/nut", "training/nut", "train/bolt"), "train/, training/ are all part 'train'"),
            (("train/nut", "train/bolt", "test"), r"test/0.png lies in no class folder.*without a class"),
            (("train/nut", "train/bolt", "spare/nut"), "train/ beside spare/.*labels=top"),
        ],
    )
    def test_what_could_be_two_things_is_one_line(self, tmp_path, folders, words):
        with pytest.raises(ValueError, match=words) as error:
            open_task(str(images(tmp_path, *folders)))
        assert "\n" not in str(error.value)

    def test_what_an_archiver_leaves_behind_is_no_class(self, tmp_path):
        path = images(tmp_path, "train/nut", "train/bolt")
        (tmp_path / "__MACOSX" / "nut").mkdir(parents=True)
        (tmp_path / "__MACOSX" / "nut" / "._0.png").write_bytes(b"\0" * 20)
        assert open_task(str(path)).classes == ("bolt", "nut")

    def test_a_wrong_option_is_one_line(self, tmp_path):
        with pytest.raises(ValueError, match="labels='all'; wanted top, outer or inner"):
            open_task(f"{images(tmp_path, 'nut', 'bolt')}?labels=all")


def test_a_table_names_its_parts_in_any_way(tmp_path):
    rows = [(a, ("Training", "VAL", "testing")[i // 2 % 3], *x) for i, (a, x) in enumerate(ROWS)]
    task = open_task(str(write(tmp_path / "a.csv", ["label", "part", *"abcd"], rows)))
    assert task.findings.counts == {"train": (4, 4), "valid": (3, 3), "test": (3, 3)}
    assert said(task, "'VAL' is read as part 'valid'")


class TestArrays:
    rng = np.random.default_rng(0)
    x = rng.random((24, 8, 8)).astype(np.float32)
    y = np.arange(24) % 2

    def task(self, path, options="", **arrays):
        np.savez(path, **arrays)
        return open_task(f"{path}{options}")

    def parts(self, names, x=x, y=y):
        """Arrays by names such as ("x_train", "y_train", "x_val", ...), eight rows each."""
        return {name: (x, y)[i % 2][i // 2 * 8 : i // 2 * 8 + 8] for i, name in enumerate(names.split())}

    @pytest.mark.parametrize(
        "names",
        [
            "X_train y_train X_val y_val X_test y_test",
            "x_train y_train x_validation y_validation x_testing y_testing",
            "train_images train_labels val_images val_labels test_images test_labels",
            "Xtrain Ytrain Xval Yval Xtest Ytest",
        ],
    )
    def test_parts_by_any_name_are_parts_and_said(self, tmp_path, names):
        wanted = self.task(tmp_path / "a.npz", **self.parts("x_train y_train x_valid y_valid x_test y_test"))
        task = self.task(tmp_path / "b.npz", **self.parts(names))
        assert task.fingerprint == wanted.fingerprint
        assert task.findings.counts == {"train": (4, 4), "valid": (4, 4), "test": (4, 4)}
        assert said(task, f"{names.split()[2]!r} is read as 'x_valid'")

    def test_arrays_that_are_not_used_are_named_and_not_opened(self, tmp_path):
        pickled = np.array([{"a": 1}], dtype=object)
        task = self.task(tmp_path / "a.npz", x=self.x, y=self.y, subject=self.y, y_test=self.y, meta=pickled)
        assert said(task, "not used: 'y_test', 'meta'")
        assert not said(self.task(tmp_path / "b.npz", x=self.x, y=self.y), "not used")

    def test_channels_first_are_read_so_where_only_that_can_be(self, tmp_path):
        x = self.rng.random((24, 3, 8, 8)).astype(np.float32)
        wanted = self.task(tmp_path / "a.npz", x=x.transpose(0, 2, 3, 1), y=self.y)
        task = self.task(tmp_path / "b.npz", x=x, y=self.y)
        assert task.input_shape == (8, 8, 3)
        assert task.fingerprint == wanted.fingerprint
        assert said(task, "channels first ('?layout=nhwc': last)")
        assert open_task(f"{tmp_path / 'b.npz'}?layout=nhwc").input_shape == (3, 8, 8)

    def test_series_may_have_their_channels_on_either_side(self, tmp_path):
        x = self.rng.normal(size=(24, 40, 3)) * [1, 100, 1]
        steps = self.task(tmp_path / "a.npz", x=x, y=self.y)
        assert said(steps, "series of 40 steps and 3 channels, each with its own scale ('?layout=ncs'")
        assert open_task(f"{tmp_path / 'a.npz'}?layout=nhw").input_shape == (40, 3, 1)
        turned = self.task(tmp_path / "b.npz", x=x.transpose(0, 2, 1), y=self.y)
        assert said(turned, "series of 40 steps and 3 channels")
        assert steps.input_shape == (40, 1, 3)
        assert steps.fingerprint == turned.fingerprint
        assert len(steps.findings.gain) == 3

    @pytest.mark.parametrize(
        "make",
        [
            lambda y: y[:, None],
            lambda y: np.eye(2)[y],
            lambda y: np.eye(2, dtype=bool)[y],
            lambda y: y.astype(np.uint8)[:, None],
        ],
        ids=["column", "one-hot", "one-hot of bool", "column of uint8"],
    )
    def test_classes_in_any_form_are_the_same(self, tmp_path, make):
        wanted = self.task(tmp_path / "a.npz", x=self.x, y=self.y)
        task = self.task(tmp_path / "b.npz", x=self.x, y=make(self.y))
        assert task.fingerprint == wanted.fingerprint
        assert len(said(task, "taken as classes")) == 1

    def test_classes_as_floats_and_bytes(self, tmp_path):
        floats = self.task(tmp_path / "a.npz", x=self.x, y=self.y.astype(np.float32))
        assert floats.classes == ("0", "1")
        assert said(floats, "2 different whole numbers, taken as classes ('--kind regress'")
        assert open_task(f"{tmp_path / 'a.npz'}?kind=regress").findings.kind == "regress"
        many = self.task(tmp_path / "c.npz", x=self.x, y=np.arange(24) * 3)
        assert many.findings.kind == "regress"
        assert said(many, "24 different whole numbers, taken as numbers")
        named = self.task(tmp_path / "b.npz", x=self.x, y=np.array([b"no", b"yes"])[self.y])
        assert named.classes == ("no", "yes")

    @pytest.mark.parametrize(
        ("arrays", "words"),
        [
            ({"x": x[:, None, :, :6], "y": y}, r"channels first or last; say '\?layout=nchw' or '\?layout=nhwc'"),
            ({"X": x, "data": x, "y": y}, "'X' and 'data' could be the same array"),
            ({"x": x, "x_test": x, "y": y, "y_test": y}, "'x' beside 'x_test'"),
            ({"x_train": x, "y_train": y, "x_test": (x * 255).astype(np.uint8), "y_test": y}, "differ in type"),
            ({"x": x, "y": y, "about": np.array(3)}, "'about' is not what"),
            ({"x": x, "y": np.ones((24, 2), np.int64)}, r"wants \(24,\) classes"),
        ],
    )
    def test_what_could_be_two_things_is_one_line(self, tmp_path, arrays, words):
        with pytest.raises(ValueError, match=words) as error:
            self.task(tmp_path / "a.npz", **arrays)
        assert "\n" not in str(error.value)

    def test_a_layout_that_does_not_fit_is_one_line(self, tmp_path):
        with pytest.raises(ValueError, match=r"layout=nchw wants images \(n, channels"):
            self.task(tmp_path / "a.npz", "?layout=nchw", x=self.x, y=self.y)

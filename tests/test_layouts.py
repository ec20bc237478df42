"""One's own data as people's tools write it: the same arrays whatever the layout, every decision said, or one line."""

import numpy as np
import pytest

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
        assert kept.input_shape == (5, 1, 1)
        assert not said(kept, "omit")
        assert open_task(str(kept.source)).fingerprint == kept.fingerprint

    def test_a_clock_that_only_counts_up_is_left_out_and_another_kept_and_said(self, tmp_path):
        up = open_task(str(plain(tmp_path / "a.csv", first=("Time (ms)", [16 * i for i in COUNT]))))
        assert up.input_shape == (4, 1, 1)
        assert said(up, "'Time (ms)' is left out, as it only counts up")
        other = open_task(str(plain(tmp_path / "b.csv", first=("time", [i % 7 for i in COUNT]))))
        assert other.input_shape == (5, 1, 1)
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
        with pytest.raises(ValueError, match=r"omit='took' is no column.*take, s0"):
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
        task = open_task(str(write(tmp_path / "a.csv", ["label", *"wxyz"], rows, encoding="latin-1")))
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
            ("class;x\na;1\nb;2\n", "column 'label'.*split by semicolons, has 'class', 'x'"),
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

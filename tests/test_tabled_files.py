"""Images and recordings whose classes a table says: which file a row means, which column is what; a doubt is a line."""

import numpy as np
import pytest
from PIL import Image

from latent_nas.readers import Wanted, reader_of
from latent_nas.readers._tabled import by_table
from latent_nas.tasks import open_task

RANDOM = np.random.default_rng(0)


def read(path, **wanted):
    return reader_of(path).read(path, Wanted(**wanted))


def pictures(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RANDOM.integers(0, 256, (8, 8), np.uint8)).save(folder / name)


def labelled(raw):
    """Return the class of every file."""
    return {name: raw.classes[at] for name, at in zip(raw.names, raw.y.tolist(), strict=True)}


def parts(raw):
    return dict(zip(raw.names, raw.part.tolist(), strict=True))


def test_a_name_that_two_files_have_is_asked(tmp_path):
    pictures(tmp_path, "a/1.png", "b/1.png", "a/2.png", "b/3.png")
    (tmp_path / "labels.csv").write_text("file,label\n1.png,x\n2.png,y\n3.png,x\n")
    with pytest.raises(ValueError, match=r"'1\.png' could be a/1\.png and b/1\.png; write the folder"):
        read(tmp_path)
    (tmp_path / "labels.csv").write_text("file,label\na/1.png,x\nb/1.png,y\n2.png,y\n3.png,x\n")
    assert labelled(read(tmp_path)) == {"a/1.png": "x", "b/1.png": "y", "a/2.png": "y", "b/3.png": "x"}


def test_one_stem_of_two_endings_is_asked(tmp_path):
    pictures(tmp_path, "i/1.png", "i/1.gif", "i/2.png", "i/3.png")
    (tmp_path / "labels.csv").write_text("id,label\n1,x\n2,y\n3,x\n")
    with pytest.raises(ValueError, match=r"'1' could be i/1\.gif and i/1\.png"):
        read(tmp_path)


def test_names_that_differ_in_case_only_are_two_files(tmp_path):
    pictures(tmp_path, "i/a.png", "i/A.png", "i/b.png")
    (tmp_path / "labels.csv").write_text("file,label\na.png,x\nA.png,y\nb.png,x\n")
    assert labelled(read(tmp_path)) == {"i/a.png": "x", "i/A.png": "y", "i/b.png": "x"}


def test_names_of_two_parts_are_told_apart_by_their_tables(tmp_path):
    pictures(tmp_path, *(f"{part}/{i}.png" for part in ("train", "test") for i in range(4)))
    for part, classes in (("train", "xyxy"), ("test", "yyxx")):
        rows = "".join(f"{i}.png,{c}\n" for i, c in enumerate(classes))
        (tmp_path / f"{part}.csv").write_text("file,label\n" + rows)
    raw = read(tmp_path)
    assert labelled(raw)["train/0.png"] == "x"
    assert labelled(raw)["test/0.png"] == "y"
    assert parts(raw) == {f"{part}/{i}.png": at for part, at in (("train", 0), ("test", 2)) for i in range(4)}
    for part in ("train", "test"):
        (tmp_path / f"{part}.csv").rename(tmp_path / part / "labels.csv")
    again = read(tmp_path)
    assert (labelled(again), parts(again)) == (labelled(raw), parts(raw))


def test_a_table_of_one_part_never_takes_files_of_another(tmp_path):
    pictures(tmp_path, *(f"train/{i}.png" for i in range(4)), *(f"test/{i}.png" for i in range(4, 8)))
    (tmp_path / "train.csv").write_text("file,label\n0.png,x\n1.png,y\n2.png,x\n4.png,x\n")
    (tmp_path / "test.csv").write_text("file,label\n5.png,x\n6.png,y\n7.png,x\n")
    with pytest.raises(
        ValueError, match=r"line 5: 4\.png lies in a folder of part 'test', the table is of part 'train'"
    ):
        read(tmp_path)


def test_folders_of_parts_are_kept_where_the_table_says_none(tmp_path):
    pictures(tmp_path, *(f"i/train/{i}.png" for i in range(4)), *(f"i/test/{i}.png" for i in range(4, 8)))
    rows = "".join(f"{i}.png,{'xy'[i % 2]}\n" for i in range(8))
    (tmp_path / "labels.csv").write_text("file,label\n" + rows)
    raw = read(tmp_path)
    assert raw.part.tolist() == [2] * 4 + [0] * 4
    assert any(line.startswith("folders say the parts ('train', 'test')") for line in raw.notes)
    pictures(tmp_path, "i/8.png")
    (tmp_path / "labels.csv").write_text("file,label\n8.png,x\n" + rows)
    with pytest.raises(ValueError, match=r"lies in a folder of a part, i/8\.png in none"):
        read(tmp_path)


def test_numbers_with_zeros_in_front_are_other_names(tmp_path):
    pictures(tmp_path, *(f"i/{i:04}.png" for i in range(12)), "i/7.png")
    rows = "".join(f"{i:04},{'xy'[i % 2]}\n" for i in range(12))
    (tmp_path / "labels.csv").write_text("id,label\n" + rows)
    assert set(labelled(read(tmp_path))) == {f"i/{i:04}.png" for i in range(12)}
    (tmp_path / "labels.csv").write_text("id,label\n" + rows.replace("\n0", "\n").replace("\n0", "\n"))
    with pytest.raises(ValueError, match=r"its column 'id' names \d files that are there, in 12 rows"):
        read(tmp_path)


def test_a_table_that_names_no_file_is_not_passed_over(tmp_path):
    pictures(tmp_path, *(f"images/{i}.png" for i in range(8)))
    (tmp_path / "labels.csv").write_text("file,label\n" + "".join(f"img_{i}.png,x\n" for i in range(8)))
    with pytest.raises(ValueError, match=r"names no file that is there: its first cell is 'img_0\.png', a file is"):
        read(tmp_path)
    assert read(tmp_path, labels="outer").classes == ("images",)
    pictures(tmp_path, *(f"others/{i}.png" for i in range(8)))
    assert read(tmp_path).classes == ("images", "others")


@pytest.mark.parametrize("above", ["/home/me/data/", "data\\", "./data/"])
def test_folders_that_are_elsewhere_are_left_out_in_front_of_all_names(tmp_path, above):
    pictures(tmp_path, *(f"images/{i}.png" for i in range(6)))
    rows = [f"{above}images/{i}.png,{'xy'[i % 2]}" for i in range(6)]
    (tmp_path / "labels.csv").write_text("\n".join(["file,label", *rows]))
    raw = read(tmp_path)
    assert labelled(raw) == {f"images/{i}.png": "xy"[i % 2] for i in range(6)}
    assert "data/' in front ('--label" in raw.notes[0]


def test_the_folder_of_another_part_is_never_left_out(tmp_path):
    pictures(tmp_path, *(f"test/{i}.png" for i in range(6)))
    (tmp_path / "labels.csv").write_text("file,label\n" + "".join(f"/d/train/{i}.png,x\n" for i in range(6)))
    with pytest.raises(ValueError, match="names no file that is there"):
        read(tmp_path)


def test_a_label_that_no_table_holds_is_refused(tmp_path):
    pictures(tmp_path, *(f"{f}/{i}.png" for i, f in enumerate("pqpq")))
    with pytest.raises(ValueError, match="--label breed wants a table of the files"):
        read(tmp_path, label=("breed",))
    with pytest.raises(ValueError, match="labels= takes the classes from folders, --label from a table"):
        read(tmp_path, label=("breed",), labels="outer")


@pytest.mark.parametrize("name", ["labels.txt", "classes.json", "Annotations.xlsx"])
def test_classes_in_a_file_that_is_not_read_are_not_passed_over(tmp_path, name):
    pictures(tmp_path, *(f"images/{i}.png" for i in range(6)))
    (tmp_path / name).write_text("0.png 1\n")
    with pytest.raises(ValueError, match=f"{name} is not read; write a table labels.csv"):
        read(tmp_path)
    assert read(tmp_path, labels="outer").classes == ("images",)
    pictures(tmp_path, *(f"others/{i}.png" for i in range(6)))
    assert read(tmp_path).classes == ("images", "others")


def test_a_class_of_a_table_may_begin_with_an_underscore(tmp_path):
    from scipy.io import wavfile

    for i in range(4):
        wavfile.write(tmp_path / f"{i}.wav", 8000, RANDOM.integers(-9000, 9000, 800).astype(np.int16))
    (tmp_path / "labels.csv").write_text("file,label\n0,_silence_\n1,yes\n2,no\n3,_silence_\n")
    assert read(tmp_path).classes == ("_silence_", "no", "yes")


def test_the_column_with_endings_names_the_files_and_not_a_number(tmp_path):
    pictures(tmp_path, *(f"i/{i}.png" for i in range(10)))
    rows = "".join(f"{i},{9 - i}.png,{'xy'[i % 2]}\n" for i in range(10))
    (tmp_path / "labels.csv").write_text("id,file,label\n" + rows)
    assert labelled(read(tmp_path))["i/9.png"] == "x"
    digits = "".join(f"{i % 10},{19 - i}\n" for i in range(20))
    pictures(tmp_path, *(f"i/{i}.png" for i in range(10, 20)))
    (tmp_path / "labels.csv").write_text("label,id\n" + digits)
    assert labelled(read(tmp_path))["i/19.png"] == "0"


def test_two_columns_of_other_files_are_asked(tmp_path):
    pictures(tmp_path, *(f"{folder}/{i}.png" for folder in ("image", "mask") for i in range(4)))
    rows = "".join(f"image/{i}.png,mask/{i}.png,{'xy'[i % 2]}\n" for i in range(4))
    (tmp_path / "labels.csv").write_text("image,mask,label\n" + rows)
    with pytest.raises(ValueError, match="columns 'image' and 'mask' both name files"):
        read(tmp_path)


def test_a_table_without_a_line_of_names_is_refused(tmp_path):
    pictures(tmp_path, *(f"i/{c}.png" for c in "abcdef"))
    (tmp_path / "labels.csv").write_text("".join(f"{c}.png,{'xy'[i % 2]}\n" for i, c in enumerate("abcdef")))
    with pytest.raises(ValueError, match=r"line 1 names a file \(a\.png\), so the columns have no names"):
        read(tmp_path)


@pytest.mark.parametrize("cells", ["wide;label", "wide;label;split"])
def test_dialects_are_read_and_said(tmp_path, cells):
    pictures(tmp_path, *(f"i/{c}.png" for c in "abcd"))
    head = "File;" + cells.replace("label", "LABEL")
    rows = [f"{c}.PNG;1,5;{'ö' if c < 'c' else 'y'}{';train' * ('split' in cells)}" for c in "abcd"]
    (tmp_path / "labels.csv").write_bytes("\r\n".join([head, *rows]).encode("utf-8-sig"))
    raw = read(tmp_path)
    assert set(labelled(raw).values()) == {"ö", "y"}
    assert "labels.csv: cells are separated by semicolons, as the first line is" in raw.notes


def test_digits_are_classes_and_a_quantity_is_refused(tmp_path):
    pictures(tmp_path, *(f"i/f{i}.png" for i in range(30)))
    (tmp_path / "labels.csv").write_text("file,label\n" + "".join(f"f{i},{i % 10}\n" for i in range(30)))
    assert read(tmp_path).classes == tuple(map(str, range(10)))
    (tmp_path / "labels.csv").write_text("file,age\n" + "".join(f"f{i},{i * 1.5}\n" for i in range(30)))
    with pytest.raises(ValueError, match="column 'age' holds 30 different numbers, as a quantity does"):
        read(tmp_path)
    assert len(read(tmp_path, kind="classify").classes) == 30


def test_of_several_columns_of_classes_one_is_said(tmp_path):
    pictures(tmp_path, *(f"i/{c}.png" for c in "abcd"))
    rows = [f"{c}.png,{i % 2},{i // 2}" for i, c in enumerate("abcd")]
    (tmp_path / "labels.csv").write_text("\n".join(["file,label,category", *rows]))
    with pytest.raises(ValueError, match="columns 'label' and 'category', which both could be the classes"):
        read(tmp_path)
    assert labelled(read(tmp_path, label=("category",)))["i/b.png"] == "0"
    with pytest.raises(ValueError, match="a file has one class, asked for columns 'label', 'category'"):
        read(tmp_path, label=("label", "category"))
    with pytest.raises(ValueError, match="has no column 'breed'"):
        read(tmp_path, label=("label", "breed"))


def test_parts_beside_other_words_are_refused(tmp_path):
    pictures(tmp_path, *(f"i/{c}.png" for c in "abcd"))
    rows = ["a.png,x,train", "b.png,y,train", "c.png,x,extra", "d.png,y,test"]
    (tmp_path / "labels.csv").write_text("\n".join(["file,label,split", *rows]))
    with pytest.raises(ValueError, match="line 4: column 'split' says 'extra', which is not a part"):
        read(tmp_path)
    (tmp_path / "labels.csv").write_text("\n".join(["file,label,set", *(r.rpartition(",")[0] + ",A" for r in rows)]))
    assert "column 'set' names no parts ('A'), so they are drawn" in read(tmp_path).notes
    (tmp_path / "labels.csv").write_text("\n".join(["file,split", *(f"{c}.png,train" for c in "abcd")]))
    with pytest.raises(ValueError, match="call the column of classes 'label'"):
        read(tmp_path)


def test_empty_classes_are_left_out_and_odd_ones_said(tmp_path):
    pictures(tmp_path, *(f"i/{c}.png" for c in "abcdef"))
    rows = ["a.png,x", "b.png,", "c.png,NA", "d.png,None", "e.png,x", "f.png,NA"]
    (tmp_path / "labels.csv").write_text("\n".join(["file,label", *rows]))
    raw = read(tmp_path)
    assert labelled(raw) == {
        f"i/{c}.png": label for c, label in zip("acdef", ("x", "NA", "None", "x", "NA"), strict=True)
    }
    assert "1 files whose class is empty in the table are left out" in raw.notes
    assert "'NA' is taken as a class, of 2 files; an empty cell says none" in raw.notes


def test_subjects_of_a_table_stay_together(tmp_path):
    names = [f"i/{i}.png" for i in range(24)]
    pictures(tmp_path, *names)
    rows = "".join(f"{i},{'xy'[i % 2]},p{i // 4}\n" for i in range(24))
    (tmp_path / "labels.csv").write_text("id,label,Patient_ID\n" + rows)
    raw = read(tmp_path)
    assert raw.groups == "column 'Patient_ID'"
    by_group = {(name.split("/")[1], int(g)) for name, g in zip(raw.names, raw.group, strict=True)}
    assert len(set(raw.group.tolist())) == 6
    assert len(by_group) == 24
    assert read(tmp_path, group="none").group is None
    assert any("none in two parts" in line for line in open_task(str(tmp_path)).about())
    with pytest.raises(ValueError, match="no column 'age' for --group"):
        read(tmp_path, group="age")


def test_forms_of_competitions_are_left_out(tmp_path):
    pictures(tmp_path, *(f"train/{i}.png" for i in range(6)), *(f"test/{i}.png" for i in range(6, 9)))
    (tmp_path / "train.csv").write_text("id,label\n" + "".join(f"{i},{'xy'[i % 2]}\n" for i in range(6)))
    (tmp_path / "test.csv").write_text("id\n6\n7\n8\n")
    (tmp_path / "sample_submission.csv").write_text("id,label\n6,x\n7,x\n8,x\n")
    raw = read(tmp_path)
    assert len(raw.x) == 6
    assert "sample_submission.csv is a form for answers: it is left out" in raw.notes
    assert "test.csv names files and says no class: it is left out" in raw.notes
    assert "3 files that no table names are left out" in raw.notes


def test_two_tables_of_all_files_are_asked(tmp_path):
    pictures(tmp_path, *(f"i/{c}.png" for c in "abcd"))
    for name in ("labels", "corrected"):
        (tmp_path / f"{name}.csv").write_text("file,label\n" + "".join(f"{c}.png,x\n" for c in "abcd"))
    with pytest.raises(ValueError, match=r"corrected\.csv and labels\.csv both name files"):
        read(tmp_path)


def test_rows_without_a_file_and_files_without_a_row_are_counted(tmp_path):
    pictures(tmp_path, *(f"i/{i}.png" for i in range(10)))
    rows = "".join(f"{i}.png,{'xy'[i % 2]}\n" for i in range(5, 13))
    (tmp_path / "labels.csv").write_text("file,label\n" + rows)
    raw = read(tmp_path)
    assert len(raw.x) == 5
    assert "3 files that the table names are not there" in raw.notes
    assert "5 files that no table names are left out" in raw.notes
    (tmp_path / "labels.csv").write_text("file,label\n" + "".join(f"{i}.png,x\n" for i in range(8, 30)))
    with pytest.raises(ValueError, match="its column 'file' names 2 files that are there, in 22 rows"):
        read(tmp_path)


def test_classes_of_a_table_go_before_folders_and_this_is_said(tmp_path):
    pictures(tmp_path, *(f"{f}/{i}.png" for i, f in enumerate("pqpq")))
    (tmp_path / "labels.csv").write_text("file,label\n0,x\n1,x\n2,y\n3,y\n")
    raw = read(tmp_path)
    assert raw.classes == ("x", "y")
    assert "('--label COLUMN' takes another, '?labels=outer' the folders)" in raw.notes[0]
    assert read(tmp_path, labels="outer").classes == ("p", "q")


def test_a_name_is_a_path_only_where_all_names_are(tmp_path):
    pictures(tmp_path, *(f"images/{i}.png" for i in range(4)), "0.png", "9.png")
    rows = [f"{i}.png,{'xy'[i % 2]}" for i in (0, 1, 2, 9)]  # of images/1.png the end alone
    (tmp_path / "labels.csv").write_text("\n".join(["file,label", *rows]))
    with pytest.raises(ValueError, match=r"'0\.png' could be 0\.png and images/0\.png"):
        read(tmp_path)
    rows = ["0.png,x", "images/0.png,y", "images/1.png,y", "9.png,x"]
    (tmp_path / "labels.csv").write_text("\n".join(["file,label", *rows]))
    assert labelled(read(tmp_path)) == {"0.png": "x", "images/0.png": "y", "images/1.png": "y", "9.png": "x"}


def test_a_column_of_parts_tells_names_apart_only_where_folders_agree(tmp_path):
    pictures(tmp_path, "train/0.png", "test/0.png", "train/1.png", "test/2.png")
    rows = ["0,x,train", "0,y,test", "1,y,train", "2,x,test"]
    (tmp_path / "labels.csv").write_text("\n".join(["id,label,split", *rows]))
    wanted = {"train/0.png": "x", "test/0.png": "y", "train/1.png": "y", "test/2.png": "x"}
    assert labelled(read(tmp_path)) == wanted
    (tmp_path / "labels.csv").write_text("\n".join(["id,label,split", *rows]).replace("1,y,train", "1,y,test"))
    with pytest.raises(ValueError, match=r"'0' could be test/0\.png and train/0\.png"):
        read(tmp_path)


def drawn(root, rng):
    """Make files and a table that names them in one of many ways; return the class and part of every file."""
    folders = (("",), ("images",), ("a", "b"), ("train", "test"), ("x/train", "x/test"), ("images", ""))
    folders, shared, truth = folders[rng.integers(len(folders))], rng.random() < 0.4, {}
    way, name = rng.integers(5), ("{}", "{:03}", "IMG_{}")[rng.integers(3)]
    for folder in folders:
        for i in range(int(rng.integers(3, 9))):
            file = root / folder / (name.format(i if shared else len(truth)) + (".png", ".gif")[rng.random() < 0.2])
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"")
            part = next((at for word, at in (("train", 0), ("test", 2)) if word in folder.split("/")), -1)
            truth[file] = (("cat", "dog")[rng.integers(2)], part)
    rows = []
    for at in rng.permutation(len(truth)):
        file, (label, part) = list(truth.items())[at]
        path = file.relative_to(root).as_posix()
        called = (file.name, file.stem, path, path.rpartition(".")[0], "/home/u/" + path)[way]
        said = ("train", "valid", "test", "")[part]
        if rng.random() < 0.95:
            rows.append(f"{called},{label},{said}")
    split = folders[-1].endswith("test") and rng.random() < 0.5
    head = "file,label,split" if split else "file,label"
    lines = rows if split else [row.rpartition(",")[0] for row in rows]
    (root / "labels.csv").write_text("\n".join([head, *lines]))
    return truth


def test_whatever_a_table_calls_files_none_gets_the_class_of_another(tmp_path):
    right = 0
    for seed in range(300):
        root = tmp_path / str(seed)
        truth = drawn(root, np.random.default_rng(seed))
        try:
            found = by_table(root, {".png", ".gif"}, Wanted())
        except ValueError:
            continue
        assert found is not None, seed
        assert {one.file: (one.label, one.part) for one in found[0]}.items() <= truth.items(), seed
        right += 1
    assert right > 200

"""MNIST's files and UCI's texts as people have them: several sets in a folder, damaged, of other parts and channels."""

import gzip

import numpy as np
import pytest

from latent_nas.readers import Wanted, reader_of

RANDOM = np.random.default_rng(0)


def read(path, **wanted):
    return reader_of(path).read(path, Wanted(**wanted))


def idx(path, array, code=8, dtype=np.uint8):
    """Write an array as MNIST's files have it, and return its bytes."""
    head = bytes([0, 0, code, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    data = head + array.astype(dtype).tobytes()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def images(folder, prefix="", part="train", packed="", n=6, classes=2, sep="-"):
    idx(folder / f"{prefix}{part}-images{sep}idx3-ubyte{packed}", RANDOM.integers(0, 256, (n, 9, 8)))
    idx(folder / f"{prefix}{part}-labels{sep}idx1-ubyte{packed}", np.arange(n) % classes)


def test_of_several_data_sets_in_a_folder_one_has_to_be_named(tmp_path):
    for prefix, classes in (("emnist-letters-", 3), ("emnist-digits-", 2)):
        images(tmp_path, prefix, classes=classes, packed=".gz")
        images(tmp_path, prefix, "test", classes=classes, packed=".gz")
    with pytest.raises(ValueError, match=r"2 data sets: emnist-digits-.*, emnist-letters-.*; name one file"):
        read(tmp_path)
    assert len(read(tmp_path / "emnist-letters-test-labels-idx1-ubyte.gz").classes) == 3
    assert len(read(tmp_path / "emnist-digits-train-images-idx3-ubyte.gz").classes) == 2


@pytest.mark.parametrize(("prefix", "sep"), [("kmnist-", "-"), ("", "."), ("My.Set_2-", "-")])
def test_prefixes_and_separators_of_names(tmp_path, prefix, sep):
    for part, n in (("train", 6), ("validation", 4), ("t10k", 2)):
        images(tmp_path, prefix, part, n=n, sep=sep)
    (tmp_path / f"._{prefix}train-images{sep}idx3-ubyte").write_bytes(b"of another system")
    assert np.bincount(read(tmp_path).part).tolist() == [6, 4, 2]


def test_qmnist_labels_are_the_first_of_their_numbers(tmp_path):
    images(tmp_path, "qmnist-")
    (tmp_path / "qmnist-train-labels-idx1-ubyte").unlink()
    numbers = np.arange(48).reshape(6, 8)
    numbers[:, 0] = [4, 7, 4, 7, 7, 4]
    idx(tmp_path / "qmnist-train-labels-idx2-int", numbers, 12, ">i4")
    raw = read(tmp_path)
    assert (raw.classes, raw.y.tolist()) == (("4", "7"), [0, 1, 0, 1, 1, 0])
    assert "qmnist-train-labels-idx2-int has 8 numbers a sample: the first, the digit, is the class" in raw.notes


def test_every_bit_of_a_packed_file_is_checked(tmp_path):
    images(tmp_path, packed=".gz")
    file = tmp_path / "train-images-idx3-ubyte.gz"
    whole = file.read_bytes()
    right = read(tmp_path).x
    for at in range(10, len(whole)):  # before it: magic, flags, time and system
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        with pytest.raises(ValueError, match=r"^[^\n]*(can't be read|is cut|is not an idx|holds more|at most)[^\n]*$"):
            read(tmp_path)
    file.write_bytes(whole)
    np.testing.assert_array_equal(read(tmp_path).x, right)
    for length in (len(whole) - 1, len(whole) - 8, len(whole) // 2, 3):
        file.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"can't be read|is not an idx|is cut"):
            read(tmp_path)


def test_a_file_longer_than_its_head_says_is_refused(tmp_path):
    images(tmp_path)
    file = tmp_path / "train-labels-idx1-ubyte"
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(ValueError, match=r"holds more than the \[6\] numbers that its head says"):
        read(tmp_path)


def test_two_files_of_one_array_are_asked_unless_they_are_equal(tmp_path):
    images(tmp_path)
    labels = np.arange(6) % 2
    idx(tmp_path / "train-labels-idx1-ubyte.gz", labels)
    assert read(tmp_path).y.tolist() == labels.tolist()
    idx(tmp_path / "train-labels-idx1-ubyte.gz", 1 - labels)
    with pytest.raises(ValueError, match=r"are all 'y_train' by their names and differ; take the wrong one away"):
        read(tmp_path)


@pytest.mark.parametrize(("code", "dtype"), [(9, "i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")])
def test_values_of_other_types_are_what_they_are(tmp_path, code, dtype):
    images(tmp_path)
    values = RANDOM.integers(-100, 100, (6, 9, 8)) + (0.5 if "f" in dtype else 0)
    idx(tmp_path / "train-images-idx3-ubyte", values, code, dtype)
    np.testing.assert_array_equal(read(tmp_path, layout="nhw").x[..., 0], values)


def test_counts_of_images_and_labels_that_differ(tmp_path):
    images(tmp_path)
    idx(tmp_path / "train-labels-idx1-ubyte", np.arange(5) % 2)
    with pytest.raises(ValueError, match=r"x_train has 6 rows, so y_train wants \(6,\) classes; got uint8 \(5,\)"):
        read(tmp_path)


def test_files_of_mnist_beside_other_arrays_are_asked(tmp_path):
    images(tmp_path)
    np.save(tmp_path / "x.npy", np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"holds x\.npy beside other files of arrays"):
        read(tmp_path)


def uci(folder, train=(), test=(), features=True):
    """Write a data set of two parts; the value of a channel is the number in its name."""
    for part, n, channels in (("train", 6, train), ("test", 4, test)):
        place = folder / part
        (place / "Inertial Signals").mkdir(parents=True)
        if features:
            np.savetxt(place / f"X_{part}.txt", RANDOM.normal(size=(n, 5)))
        np.savetxt(place / f"y_{part}.txt", np.arange(n) % 2 * 3 + 1, fmt="%d")
        np.savetxt(place / f"subject_{part}.txt", np.arange(n) // 2, fmt="%d")
        for name in channels:
            np.savetxt(place / "Inertial Signals" / f"{name}_{part}.txt", np.full((n, 16), float(name[1:])))


def test_channels_of_texts_are_matched_by_name(tmp_path):
    uci(tmp_path, ("a1", "b2", "C3"), ("A1", "b2", "c3"))
    raw = read(tmp_path)
    assert raw.x[[0, -1], 0, 0].tolist() == [[1, 2, 3]] * 2
    (said,) = (line for line in raw.notes if "Inertial Signals" in line)
    assert "a channel each by name: A1, b2, c3; name X_test.txt to take its features instead" in said
    assert read(tmp_path / "train" / "X_train.txt").x.shape == (10, 1, 5, 1)


@pytest.mark.parametrize(("train", "test"), [(("a1", "b2"), ("b2", "c3")), (("a1", "b2"), ("a1",)), (("a1",), ())])
def test_channels_that_a_part_lacks_are_refused(tmp_path, train, test):
    uci(tmp_path, train, test)
    with pytest.raises(ValueError, match=r"the channels of 'test' and 'train' differ|of 'train' and 'test' differ"):
        read(tmp_path)


def test_texts_of_channels_in_two_folders_or_of_arrays_are_no_channels(tmp_path):
    uci(tmp_path)
    for part, n in (("train", 6), ("test", 4)):
        (tmp_path / part / "old").mkdir()
        for name in ("X", "y"):
            np.savetxt(tmp_path / part / "old" / f"{name}_{part}.txt", RANDOM.normal(size=(n, 1)))
    assert read(tmp_path).x.shape == (10, 1, 5, 1)
    for folder in ("old", "Inertial Signals"):
        np.savetxt(tmp_path / "train" / folder / "a_train.txt", RANDOM.normal(size=(6, 9)))
    with pytest.raises(ValueError, match=r"hold texts of channels of part 'train'"):
        read(tmp_path)


def test_texts_of_signals_without_features_are_read(tmp_path):
    uci(tmp_path, ("a1", "b2"), ("a1", "b2"), features=False)
    for part in ("train", "test"):
        for file in (tmp_path / part / "Inertial Signals").iterdir():
            file.rename(tmp_path / part / file.name)
        (tmp_path / part / "Inertial Signals").rmdir()
    assert read(tmp_path).x.shape == (10, 16, 1, 2)


def test_two_texts_of_one_array_are_refused(tmp_path):
    uci(tmp_path)
    np.savetxt(tmp_path / "X_train.txt", RANDOM.normal(size=(6, 5)))
    with pytest.raises(ValueError, match=r"X_train\.txt are both 'x_train'; take the wrong one away"):
        read(tmp_path)


def test_classes_have_the_names_that_lie_beside(tmp_path):
    uci(tmp_path)
    (tmp_path / "features.txt").write_text("1 tBodyAcc-mean()-X\n")
    (tmp_path / "activity_labels.txt").write_text("1 WALKING\n2 UP\n4 LYING DOWN\n")
    for path in (tmp_path, tmp_path / "train" / "y_train.txt"):
        raw = read(path)
        assert (raw.classes, raw.y[:3].tolist()) == (("WALKING", "LYING DOWN"), [0, 1, 0])
    (tmp_path / "activity_labels.txt").write_text("1 WALKING\n2 UP\n")
    assert read(tmp_path).classes == ("1", "4")


def test_rows_are_features_where_a_text_names_them(tmp_path):
    uci(tmp_path)
    for part, n in (("train", 6), ("test", 4)):
        np.savetxt(tmp_path / part / f"X_{part}.txt", RANDOM.normal(size=(n, 30)))
    raw = read(tmp_path)
    assert raw.x.shape == (10, 30, 1, 1)
    assert "the 30 values of a row of x_train are read as steps of a series" in " ".join(raw.notes)
    (tmp_path / "features.txt").write_text("1 mean\n")
    for path in (tmp_path, tmp_path / "test" / "X_test.txt"):
        raw = read(path)
        assert raw.x.shape == (10, 1, 30, 1)
        assert "features.txt lies beside: rows are features" in " ".join(raw.notes)
    assert read(tmp_path, layout="ns").x.shape == (10, 30, 1, 1)
    for part, n in (("train", 6), ("test", 4)):
        np.savetxt(tmp_path / part / "Inertial Signals" / f"a1_{part}.txt", RANDOM.normal(size=(n, 16)))
    assert read(tmp_path).x.shape == (10, 16, 1, 1)


def test_a_subject_for_every_row_or_a_line(tmp_path):
    uci(tmp_path)
    np.savetxt(tmp_path / "train" / "subject_train.txt", np.arange(5), fmt="%d")
    with pytest.raises(ValueError, match=r"subject_train has shape \(5,\) for the 6 rows of x_train"):
        read(tmp_path)
    assert read(tmp_path, group="none").group is None
    np.savetxt(tmp_path / "train" / "subject_train.txt", np.arange(6) // 3, fmt="%d")
    (tmp_path / "test" / "subject_test.txt").rename(tmp_path / "test" / "s.txt")
    raw = read(tmp_path)
    assert len(set(raw.group[:6].tolist())) == 2
    assert any(line.startswith("x_test has no array like 'subject_train'") for line in raw.notes)
    (tmp_path / "test" / "s.txt").rename(tmp_path / "test" / "subject_id_test.txt")
    assert len(set(read(tmp_path).group.tolist())) == 2

"""Data as others publish them: MNIST's files, UCI's texts, tables that name images; what is read, or how to go on."""

import base64
import gzip
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from latent_nas.readers import Wanted, reader_of

RANDOM = np.random.default_rng(0)
HEIC = (  # 16x16, the left half black, the right one white
    "c-muNV30{GsVvAy%}izhg51nBLl8SRGck>Ufw3kxwIq=N0u(b+a*CjAhJwuG5(YG&l$nzcHpIn&fe{FSfN=qY1_DDMR?f`KO9S&j"
    "qM|@fDif5KQI-r+!N6CLS&|D^@+Y&Pr~pXc$t+0D2hycLWzLMuAfX9hMRFe){`~#%gMopcIRU6c!hw;8@&A920%nj3W)PCw#pI9("
    "l+<)$WJHr$pwP%V?bW(j&mJf)IMBerz|#N{Zb<^FW^-XYSbVS(Xoqleeoj$da!v(Ml$U`GsDwczv$!A?>M;i>)=17t1UXCq>UJ>w"
    "|Ns9BK$;0ggTxCmD>6YEnK?K(fRsdLK`tzefx*Vw$i&Rr0%Tj}rX+&GSXYB_y|7|J(SfJG+SmWQsku7g3FGUD?avNx5=olZ{8Fmy"
    "(i5pW?w>xb_#gP^!2<xL2x$%"
)


def read(path, **wanted):
    return reader_of(path).read(path, Wanted(**wanted))


def idx(path, array):
    """Write an array of bytes as MNIST's files have it."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    data = head + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.mark.parametrize("packed", ["", ".gz"])
def test_mnist_files_are_the_parts_of_one_set(tmp_path, packed):
    images = {part: RANDOM.integers(0, 256, (n, 9, 8)) for part, n in (("train", 6), ("t10k", 4))}
    for part, held in images.items():
        idx(tmp_path / f"{part}-images-idx3-ubyte{packed}", held)
        idx(tmp_path / f"{part}-labels-idx1-ubyte{packed}", np.arange(len(held)) % 2)
    raw = read(tmp_path)
    assert raw.x.shape == (10, 9, 8, 1)
    np.testing.assert_allclose(raw.x[:6, ..., 0], images["train"] / 255, atol=1e-6)
    assert raw.part.tolist() == [0] * 6 + [2] * 4
    assert read(tmp_path / f"t10k-labels-idx1-ubyte{packed}").y.tolist() == raw.y.tolist()


def test_a_cut_or_other_idx_file_is_a_line(tmp_path):
    idx(tmp_path / "train-images-idx3-ubyte", RANDOM.integers(0, 256, (6, 9, 8)))
    idx(tmp_path / "train-labels-idx1-ubyte", np.arange(6) % 2)
    whole = (tmp_path / "train-images-idx3-ubyte").read_bytes()
    for data, said in ((whole[:-1], "is cut: 431 bytes of 432"), (b"PK\3\4 and so on", "is not an idx file")):
        (tmp_path / "train-images-idx3-ubyte").write_bytes(data)
        with pytest.raises(ValueError, match=said):
            read(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(whole[:4] + b"\x7f\xff\xff\xff" * 3)
    with pytest.raises(ValueError, match="at most 4 GB are read"):
        read(tmp_path)


def uci(folder, channels):
    for part, n in (("train", 6), ("test", 4)):
        place = folder / part
        place.mkdir()
        np.savetxt(place / f"X_{part}.txt", RANDOM.normal(size=(n, 5)))
        np.savetxt(place / f"y_{part}.txt", np.arange(n) % 2 + 1, fmt="%d")
        np.savetxt(place / f"subject_{part}.txt", np.arange(n) // 2, fmt="%d")
        for name in channels:
            (place / "Inertial Signals").mkdir(exist_ok=True)
            np.savetxt(place / "Inertial Signals" / f"{name}_{part}.txt", RANDOM.normal(size=(n, 16)))


def test_uci_texts_are_rows_of_features_with_classes_and_subjects(tmp_path):
    uci(tmp_path, ())
    raw = read(tmp_path)
    assert raw.x.shape == (10, 1, 5, 1)
    assert (raw.classes, raw.part.tolist()) == (("1", "2"), [0] * 6 + [2] * 4)
    assert len(set(raw.group.tolist())) == 3
    assert read(tmp_path / "test" / "X_test.txt").y.tolist() == raw.y.tolist()


def test_uci_texts_of_signals_are_series_of_their_channels(tmp_path):
    uci(tmp_path, ("acc_x", "acc_y"))
    raw = read(tmp_path)
    assert raw.x.shape == (10, 16, 1, 2)
    first = np.loadtxt(tmp_path / "train" / "Inertial Signals" / "acc_y_train.txt")
    np.testing.assert_allclose(raw.x[:6, :, 0, 1], first, atol=1e-6)


def pictures(folder, table, names=tuple("abcdefgh")):
    (folder / "images").mkdir()
    for name in names:
        Image.fromarray(RANDOM.integers(0, 256, (8, 8), np.uint8)).save(folder / "images" / f"{name}.png")
    (folder / "labels.csv").write_text(table)


@pytest.mark.parametrize("ending", ["", ".png"])
def test_a_table_beside_images_says_their_classes(tmp_path, ending):
    rows = [f"images/{c}{ending},{'cat' if c < 'd' else 'dog'},{'train' if c < 'f' else 'test'}" for c in "abcdefg"]
    pictures(tmp_path, "image_id,breed,split\n" + "\n".join(rows))
    with pytest.raises(ValueError, match=r"call the column of classes 'label', or say --label COLUMN"):
        read(tmp_path)
    raw = read(tmp_path, label=("breed",))
    assert (raw.classes, raw.y.tolist()) == (("cat", "dog"), [0, 0, 0, 1, 1, 1, 1])
    assert raw.part.tolist() == [0] * 5 + [2] * 2
    assert "1 files that no table names are left out" in raw.notes


def test_a_file_of_two_classes_is_refused(tmp_path):
    pictures(tmp_path, "file,label\na.png,cat\nb.png,dog\na.png,dog\n")
    with pytest.raises(ValueError, match=r"line 4: a\.png stands twice, as 'cat' before"):
        read(tmp_path)


def test_a_table_that_says_other_things_leaves_the_folders_their_classes(tmp_path):
    pictures(tmp_path, "file,width\n" + "\n".join(f"{c}.png,8" for c in "abcdefgh"))
    (tmp_path / "others").mkdir()
    for name in "efgh":
        (tmp_path / "images" / f"{name}.png").rename(tmp_path / "others" / f"{name}.png")
    assert read(tmp_path).classes == ("images", "others")


def test_remarks_in_front_of_a_table(tmp_path):
    rows = "".join(f"{i / 3:.3f},{i},{'xy'[i % 2]}\n" for i in range(6))
    (tmp_path / "a.csv").write_text("# logger 2\n\n#\na,b,label\n" + rows)
    (tmp_path / "b.csv").write_text("# run 1\n# a,b,label\n" + rows)
    first, second = read(tmp_path / "a.csv"), read(tmp_path / "b.csv")
    assert "2 lines in front that begin with # are left out" in first.notes
    assert "the names of the columns are those behind #" in second.notes
    np.testing.assert_array_equal(first.x, second.x)


def test_a_table_of_one_row_is_read_without_a_warning(tmp_path):
    (tmp_path / "a.csv").write_text("time,x,label\n0,1.5,a\n")
    with pytest.raises(ValueError, match="window"):
        read(tmp_path / "a.csv", window=4)


@pytest.mark.parametrize(
    ("name", "step"),
    [("a.csv.gz", "unpack it"), ("a.xlsx", "as CSV"), ("a.PKL", r"numpy\.savez"), ("a.json", "column label")],
)
def test_what_is_not_read_says_how_to_go_on(tmp_path, name, step):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ValueError, match=step):
        reader_of(tmp_path / name)


def test_photos_of_iphones_are_read_with_the_extra_and_named_without(tmp_path, monkeypatch):
    for name in ("left", "right"):
        (tmp_path / name).mkdir()
        Image.fromarray(RANDOM.integers(0, 256, (16, 16, 3), np.uint8)).save(tmp_path / name / "a.png")
    (tmp_path / "left" / "b.HEIC").write_bytes(zlib.decompress(base64.b85decode(HEIC)))
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "pi_heif", None)
        ((name, reason),) = read(tmp_path).skipped
        assert (name, reason[:24]) == ("left/b.HEIC", "pi_heif is not installed")
    pytest.importorskip("pi_heif")
    raw = read(tmp_path)
    photo = raw.x[raw.names.index("left/b.HEIC")]
    assert photo[:, :8].max() < 0.05
    assert photo[:, 8:].min() > 0.95

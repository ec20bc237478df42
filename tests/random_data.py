"""Tables, folders, arrays, images and recordings made at random, right ones and odd ones, for readers to face."""

import gzip
import io
import json
import struct

import numpy as np
from PIL import Image

from latent_nas import seeds

NAMES = ("label", "class", "Activity", "target", "part", "window", "id", "subject", "time", "Unnamed: 0", "", "x", "y")
NAMES += ("aX", "s0", "s1", "s2", "s3", "value", "ä", "a,b", "target_1", "index", "file", "Label", "date", "0", "1")
SANE = ("window", "subject", "time", "Unnamed: 0", "x", "y", "heat", "flow", "s0", "s1", "s2", "s3", "s4", "value")
WORDS = ("a", "b", "idle", "walk", "normal", "anomaly", "train", "test", "", "nan", "NA", "?", "1", "2", "1.5", "1,5")
WORDS += ("1e400", "-inf", "0x10", "１", "2024-01-01", "😀", "'", '"', "a;b", "=1+1", " ", "1,234", "\t", "None")
HARMLESS = ("group=none", "split_seed=3", "length=longest", "kind=classify")
OPTIONS = ("window=4", "window=4&hop=2", "window=99", "length=longest", "length=3", "missing=drop", "group=none")
OPTIONS += ("missing=interpolate",)
OPTIONS += ("group=subject", "group=none", "group=folder", "kind=regress", "kind=classify", "kind=anomaly", "layout=nf")
OPTIONS += ("layout=ns", "layout=nsc", "layout=nhw", "labels=inner", "labels=outer", "labels=top", "omit=", "omit=x")
OPTIONS += ("label=class", "label=x", "input=4x4x1", "front=raw", "front=mfcc", "seconds=0.1", "normal=a", "strict=1")


def made(root, seed):
    """Return the name of a task of data written into an empty folder, all of it decided by ``seed``."""
    rng = seeds.rng(seed, "random data")
    write = KINDS[int(rng.integers(len(KINDS)))]
    path = write(root, rng)
    if rng.random() < 0.15 and path.is_file():
        damage(path, rng)
    option = pick(rng, OPTIONS if rng.random() < 0.5 else HARMLESS)
    return f"{path}?{option}" if rng.random() < 0.4 else str(path)


def pick(rng, choices):
    return choices[int(rng.integers(len(choices)))]


def damage(path, rng):
    """Cut a file, or change a few bytes of it."""
    data = bytearray(path.read_bytes())
    if rng.random() < 0.4:
        data = data[: int(rng.integers(len(data) + 1))]
    else:
        for _ in range(int(rng.integers(1, 6))):
            if data:
                data[int(rng.integers(len(data)))] = int(rng.integers(256))
    path.write_bytes(bytes(data))


def text(rng):
    """A table as text: mostly one that makes sense, with a dialect, and now and then a wild cell."""
    separator, wild = pick(rng, (",", ",", ";", "\t", "|")), rng.random() < 0.3
    point = "." if separator == "," and not wild else pick(rng, (".", ".", ","))
    columns = list(dict.fromkeys(pick(rng, NAMES if wild else SANE) for _ in range(int(rng.integers(1, 9)))))
    if rng.random() < 0.9 and "label" not in columns:
        columns.insert(int(rng.integers(len(columns) + 1)), pick(rng, ("label", "label", "target", "class")))
    run = int(rng.choice([1, 1, 4, 6, 10]))
    rows = int(rng.choice([0, 1, 3, 12, 30])) if wild else run * int(rng.integers(15, 30))
    lines = [separator.join(f'"{c}"' if separator in c else c for c in columns)]
    for i in range(rows):
        cells = []
        for name in columns:
            number = f"{rng.normal() * 10:.3f}".replace(".", point)
            known = dict.fromkeys(("label", "class", "Activity", "Label"), "abc"[i // run % 3])
            known |= {key: str(i // run) for key in ("window", "id", "file")}
            known |= {"subject": f"s{i // run % 4}", "part": ("train", "train", "test")[i // run % 3]}
            cell = {**known, "time": str(20 * i), "Unnamed: 0": str(i)}.get(name, number)
            cells.append(pick(rng, WORDS) if wild and rng.random() < 0.05 else cell)
        if wild and rng.random() < 0.02:
            cells = cells[:-1]
        lines.append(separator.join(cells))
    return pick(rng, ("\n", "\n", "\r\n")).join(lines) + "\n"


def table(root, rng):
    path = root / pick(rng, ("a.csv", "a.csv", "A.CSV", "a.tsv"))
    path.write_bytes(text(rng).encode(pick(rng, ("utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1")), "replace"))
    return path


def folder_of_tables(root, rng):
    inside = [pick(rng, ("", "a/", "b/", "train/a/", "test/a/", "s1/a/")) for _ in range(int(rng.integers(1, 7)))]
    for i, place in enumerate(inside):
        file = root / "d" / place / pick(rng, (f"{i}.csv", f"walk_{i}.csv", "train.csv", "test.csv", "a.csv"))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text(rng), encoding="utf-8")
    return root / "d"


def recordings_of_tables(root, rng):
    """Folders of recordings that make sense, of one or several lengths."""
    channels = int(rng.integers(1, 4))
    for label in "ab":
        for i in range(int(rng.integers(3, 7))):
            steps = int(rng.integers(5, 9)) if rng.random() < 0.5 else 6
            rows = rng.normal(size=(steps, channels)).round(3)
            file = root / "d" / label / f"{i}.csv"
            file.parent.mkdir(parents=True, exist_ok=True)
            head = ",".join("xyz"[:channels])
            file.write_text(head + "\n" + "\n".join(",".join(map(str, row)) for row in rows.tolist()))
    return root / "d"


def arrays(root, rng):
    shape = tuple(int(rng.integers(1, 9)) for _ in range(int(rng.integers(0, 5))))
    n = shape[0] if shape else 1
    kind = pick(rng, (np.float32, np.uint8, np.int64, np.float64, np.bool_, "U3", object))
    x = (rng.normal(size=shape) * 100).astype(kind) if shape else np.array(1.0)
    at = np.arange(n)
    y = pick(rng, (at % 2, at % 2 * 1.0, rng.normal(size=n), at, np.eye(3)[at % 3]))
    names = pick(rng, (("x", "y"), ("X_train", "y_train"), ("data", "labels"), ("x", "subject"), ("a", "b")))
    held = {names[0]: x, names[1]: y}
    if rng.random() < 0.3:
        held |= {"x_test": x, "y_test": y}
    if rng.random() < 0.1:
        held["about"] = np.array(json.dumps({"kind": "classify", "shift": [1]}))
    np.savez(root / "a.npz", **held)
    return root / "a.npz"


def good_arrays(root, rng):
    n = int(rng.integers(6, 40))
    shape = pick(rng, ((8, 8), (8, 8, 3), (3, 8, 8), (20, 3), (3, 20), (12,), (4,)))
    np.savez(root / "a.npz", x=rng.normal(size=(n, *shape)), y=np.arange(n) % 2)
    return root / "a.npz"


def images(root, rng):
    size = (int(rng.integers(1, 20)), int(rng.integers(1, 20)))
    for label in ("a", "b", "train/a")[: int(rng.integers(1, 4))]:
        for i in range(int(rng.integers(1, 9))):
            mode = pick(rng, ("L", "RGB", "RGBA", "LA", "P", "1", "I;16", "F", "CMYK"))
            suffix = ".tif" if mode in ("F", "CMYK", "I;16") else pick(rng, (".png", ".gif", ".webp"))
            pixels = rng.integers(0, 255, (*size, 4)).astype(np.uint8)
            image = Image.fromarray(pixels)
            if mode in ("I;16", "F"):
                image = Image.fromarray(pixels[..., 0].astype(np.uint16 if mode == "I;16" else np.float32))
            else:
                image = image.convert(mode)
            file = root / "d" / label / f"{i}{suffix}"
            file.parent.mkdir(parents=True, exist_ok=True)
            buffer = io.BytesIO()
            kind = {".tif": "TIFF", ".png": "PNG", ".gif": "GIF", ".webp": "WEBP"}[suffix]
            image = image.convert({"WEBP": "RGB", "GIF": "P"}[kind]) if kind in ("WEBP", "GIF") else image
            image.save(buffer, kind)
            file.write_bytes(buffer.getvalue())
            if rng.random() < 0.1:
                damage(file, rng)
    return root / "d"


def wavs(root, rng):
    for label in "ab":
        for i in range(int(rng.integers(3, 9))):
            bits, channels = int(pick(rng, (16, 16, 16, 8, 24, 32, 12))), int(pick(rng, (1, 1, 1, 2, 0)))
            rate = int(pick(rng, (8000, 8000, 8000, 4000, 0, 1, 2_147_483_629)))
            data = rng.integers(0, 256, int(rng.integers(0, 6000))).astype(np.uint8).tobytes()
            block = channels * bits // 8
            head = struct.pack("<IHHIIHH", 16, int(pick(rng, (1, 1, 1, 3, 17))), channels, rate, 0, block, bits)
            size = int(pick(rng, (len(data), len(data), 0, 0xFFFFFFFF, len(data) * 3)))
            file = root / "d" / label / f"{i}.wav"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"RIFF\0\0\0\0WAVEfmt " + head + b"data" + struct.pack("<I", size) + data)
            if rng.random() < 0.1:
                damage(file, rng)
    return root / "d"


def archive(root, rng):
    suffix = pick(rng, (".ts", ".arff", ".tsv"))
    lines = ["@problemName p", "@classLabel true a b", "@data"]
    if suffix == ".arff":
        lines = ["@relation p", *(f"@attribute a{i} numeric" for i in range(4)), "@attribute c {a,b}", "@data"]
    for i in range(int(rng.integers(0, 20))):
        values = ",".join(f"{v:.2f}" for v in rng.normal(size=4 if rng.random() < 0.9 else 3))
        lines.append(f"{values}{':' if suffix == '.ts' else ','}{'ab'[i % 2]}")
    if suffix == ".tsv":
        lines = [f"{i % 2}\t" + line.replace(",", "\t")[:-2] for i, line in enumerate(lines[3:])]
    path = root / f"p_TRAIN{suffix}"
    path.write_text("\n".join(lines))
    return path


def parquet(root, rng):
    import pandas as pd

    n = int(rng.integers(0, 40))
    columns = {"label": np.array(["a", "b"])[np.arange(n) % 2], "v": rng.normal(size=n), "w": np.arange(n) % 3 == 0}
    if rng.random() < 0.4:
        columns["series"] = [list(rng.normal(size=5 if rng.random() < 0.95 else 4)) for _ in range(n)]
    if rng.random() < 0.2:
        columns["when"] = pd.date_range("2024", periods=n)
    frame = pd.DataFrame(columns)
    if rng.random() < 0.2 and n:
        frame.loc[0, "v"] = None
    frame.to_parquet(root / "a.parquet")
    return root / "a.parquet"


def export(root, rng):
    for i in range(int(rng.integers(1, 12))):
        values = rng.normal(size=(int(pick(rng, (5, 5, 5, 4))), 2)).tolist()
        sample = {"payload": {"sensors": [{"name": "a"}, {"name": "b"}], "values": values}}
        file = root / "d" / f"{'ab'[i % 2]}.{i}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(sample))
        if rng.random() < 0.1:
            damage(file, rng)
    return root / "d"


def published(root, rng):
    """MNIST's files or UCI's texts, of the parts that a set may have, of one length or not."""
    texts, least = rng.random() < 0.5, 0 if rng.random() < 0.1 else 12
    counts, size = {part: int(rng.integers(least, 30)) for part in ("train", "test")}, rng.integers(1, 9, 2)
    prefix = pick(rng, ("", "", "a-b-"))
    for part, n in counts.items():
        y, x = np.arange(n) % pick(rng, (1, 2, 2, 3)), rng.integers(0, 256, (n, *size))
        n_y = n if rng.random() < 0.95 else n + 1
        place = root / "d" / (part if texts else "")
        place.mkdir(parents=True, exist_ok=True)
        if texts:
            np.savetxt(
                place / f"X_{part}.txt", x[:, 0] + rng.normal(size=(n, 1)), fmt=pick(rng, ("%.3f", "%.3e", "%s"))
            )
            (place / f"y_{part}.txt").write_text("\n".join(map(str, np.resize(y, n_y))))
            continue
        called = {"train": "train", "test": pick(rng, ("t10k", "test"))}[part]
        packed = pick(rng, ("", "", ".gz"))
        prefix = prefix if rng.random() < 0.95 else "c-"
        for role, array in (("images-idx3", x), ("labels-idx1", np.resize(y, n_y))):
            head = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
            data, file = head + array.astype(np.uint8).tobytes(), place / f"{prefix}{called}-{role}-ubyte{packed}"
            file.write_bytes(gzip.compress(data, mtime=0) if packed else data)
            if rng.random() < 0.1:
                (flipped if packed else damage)(file, rng)
    return root / "d"


def flipped(path, rng):
    """Flip a bit of a file."""
    data, at = bytearray(path.read_bytes()), int(rng.integers(8 * path.stat().st_size))
    data[at // 8] ^= 1 << at % 8
    path.write_bytes(bytes(data))


def signals(root, rng):
    """UCI's signals, a text per channel, of which a part may lack one or have one of another name."""
    counts = {part: int(rng.integers(12, 30)) for part in ("train", "test")}
    for part, n in counts.items():
        inside = root / "d" / part / pick(rng, ("Inertial Signals", "Inertial Signals", "."))
        inside.mkdir(parents=True, exist_ok=True)
        for name in ("acc_x", "acc_y", pick(rng, (*("acc_z",) * 9, "gyro_z"))):
            if rng.random() < 0.95:
                np.savetxt(inside / f"{name}_{part}.txt", rng.normal(size=(n, 8)), fmt="%.3f")
        for role, values in (("y", np.arange(n) % 3), ("subject", np.arange(n) % 7)):
            if role == "y" or rng.random() < 0.7:
                length = n if rng.random() < 0.95 else n - 1
                np.savetxt(root / "d" / part / f"{role}_{part}.txt", values[:length], fmt="%d")
    if rng.random() < 0.5:
        (root / "d" / "activity_labels.txt").write_text("0 a\n1 b\n2 c\n"[: int(rng.integers(3, 13))])
    return root / "d"


def told_by_a_table(root, rng):
    """Images in one folder or several, some of one stem, and a table that names them, or something else."""
    lines, odd = [pick(rng, ("file,label", "filename,class", "id,kind"))], rng.random() < 0.3
    lines = [pick(rng, ("image;label", "filename,class,split", "a,b,c", "file", "id,label,subject"))] if odd else lines
    twins = rng.random() < 0.3
    layout = pick(rng, (("",), ("images",), ("images", "more"), ("train", "test"), ("", "a")))
    for i in range(int(rng.integers(2, 24))):
        places = layout if twins and rng.random() < 0.2 else (pick(rng, layout),)
        stem = (
            f"{i // 2:03}"
            if twins and rng.random() < 0.1
            else pick(rng, (f"{i}", f"{i}", f"{i:03}" if odd else f"{i}"))
        )
        for place in places:
            file = root / "d" / place / f"{stem}{pick(rng, ('.png', '.gif') if twins else ('.png',))}"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (6, 6), np.uint8)).save(file)
            name = pick(rng, (file.name, str(file.relative_to(root / "d")), file.stem))
            name = "gone.png" if odd and rng.random() < 0.1 else name
            cells = (name, "" if odd and rng.random() < 0.1 else "ab"[i % 2], pick(rng, ("train", "train", "test")))
            lines.append(",".join(cells[: lines[0].count(",") + 1]))
    for name in ("labels.csv", "sample_submission.csv", "train.csv")[: pick(rng, (1, 1, 1, 1, 2, 3))]:
        (root / "d" / name).write_text("\n".join(lines))
    return root / "d"


KINDS = (table, table, table, folder_of_tables, recordings_of_tables, arrays, good_arrays, images, wavs, archive)
KINDS += (parquet, export, published, signals, told_by_a_table, told_by_a_table)

"""Images, recordings, exports and arrays as phones, recorders and tools write them: right, or named in a line."""

import json
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from latent_nas.tasks import open_task

RNG = np.random.default_rng(3)


def said(task, words):
    return [line for line in task.about() if words in line]


def everything(task):
    return np.concatenate([getattr(task.data(), part).x for part in ("train", "valid", "test")])


def folder(root, save, each=5, classes=("bolt", "nut"), suffix=".png"):
    """Files of two classes; ``save(path, class, i)`` writes one."""
    for k, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for i in range(each):
            save(root / name / f"{i}{suffix}", k, i)
    return root


def pixels(k, height=16, width=16):
    found = RNG.integers(0, 100, (height, width)).astype(np.uint8)
    found[: height // 2] += np.uint8(100 * k)
    return found


class TestImages:
    def test_they_are_turned_as_exif_says_and_no_edge_is_lost(self, tmp_path):
        drawn = []

        def save(file, k, i):
            upright = pixels(k, 16, 12)
            drawn.append(upright)
            exif = Image.Exif()
            exif[274] = 6  # stored on its side
            Image.fromarray(np.rot90(upright)).save(file, exif=exif)

        task = open_task(str(folder(tmp_path / "a", save)))
        assert task.input_shape == (16, 12, 1)
        assert said(task, "10 images are turned upright")
        assert not said(task, "cropped")
        found = {np.round(x[..., 0] * 255).astype(np.uint8).tobytes() for x in everything(task)}
        assert found == {upright.tobytes() for upright in drawn}

    @pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".jpg"])
    def test_whatever_holds_them_they_are_read_as_pillow_shows_them(self, tmp_path, suffix):
        shown = {}

        def save(file, k, i):
            exif = Image.Exif()
            exif[274] = 1 + (5 * k + i) % 8
            tall = (5 * k + i) % 8 >= 4
            stored = Image.fromarray(np.repeat(pixels(k, 12 - 2 * tall, 10 + 2 * tall)[..., None], 3, axis=2))
            stored.save(file, exif=exif, **({"lossless": True} if suffix == ".webp" else {}))
            with Image.open(file) as again:
                shown[f"{file.parent.name}/{file.name}"] = np.asarray(ImageOps.exif_transpose(again), np.float32) / 255

        task = open_task(str(folder(tmp_path / "a", save, suffix=suffix)))
        assert task.findings.sizes == {"12x10": 10}
        assert task.input_shape == (12, 10, 3)
        rows = {one.tobytes() for one in everything(task)}
        assert rows == {one.tobytes() for one in shown.values()}

    def test_of_colours_of_sixteen_bits_the_upper_half_is_taken_and_said(self, tmp_path):
        def save(file, k, i):
            values = RNG.integers(0, 65536, (8, 8, 3)).astype(">u2")
            rows = b"".join(b"\0" + row.tobytes() for row in values)
            chunks = (b"IHDR" + struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0), b"IDAT" + zlib.compress(rows), b"IEND")
            body = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks)
            file.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(body))

        task = open_task(str(folder(tmp_path / "a", save)))
        assert said(task, "10 images have colours of 16 bits, of which the upper 8 are taken")

    @pytest.mark.parametrize("mode", ["LA", "RGBA"])
    def test_transparent_ones_lie_on_white(self, tmp_path, mode):
        def save(file, k, i):
            ink = np.zeros((16, 16, len(mode)), np.uint8)
            ink[2 + i : 8 + 4 * k, 3:9, -1] = 255
            Image.fromarray(ink, mode if mode == "LA" else None).save(file)

        task = open_task(f"{folder(tmp_path / 'a', save)}?input=16x16x1")
        assert said(task, "an alpha channel: transparent pixels lie on white")
        x = everything(task)
        assert len(x) == 10
        assert (x[:, 0, 0] == 1).all()
        assert x.min() == 0

    def test_sixteen_bits_share_one_scale_in_the_folder(self, tmp_path):
        def save(file, k, i):
            values = RNG.integers(0, 300 if k else 4000, (16, 16)).astype(np.uint16)
            Image.fromarray(values).save(file)

        task = open_task(str(folder(tmp_path / "a", save)))
        assert said(task, "10 images have more than 8 bits: 0 to 4095 becomes 0 to 1 in all")
        data = task.data().train
        assert data.x[data.y == 1].max() < 0.08
        assert 0.9 < data.x[data.y == 0].max() <= 1

    def test_floats_keep_their_steps(self, tmp_path):
        def save(file, k, i):
            Image.fromarray((RNG.random((16, 16)) * 0.01 - 2 * k).astype(np.float32)).save(file)

        task = open_task(str(folder(tmp_path / "a", save, suffix=".tiff")))
        assert len(np.unique(everything(task))) > 1000

    def test_other_suffixes_are_read_or_named(self, tmp_path):
        def save(file, k, i):
            kind = {".jfif": "JPEG", ".webp": "WEBP"}[file.suffix]
            Image.fromarray(pixels(k)).save(file, kind)

        root = folder(tmp_path / "a", save, suffix=".webp")
        Image.fromarray(pixels(0)).save(root / "bolt" / "x.jfif", "JPEG")
        (root / "nut" / "y.HEIC").write_bytes(b"ftypheic")
        (root / "readme.txt").write_text("photos")
        task = open_task(str(root))
        assert len(everything(task)) == 11
        assert said(task, "nut/y.HEIC")

    def test_links_are_followed_and_circles_are_not(self, tmp_path):
        plain = folder(tmp_path / "plain", lambda f, k, i: Image.fromarray(pixels(k)).save(f))
        (tmp_path / "linked").mkdir()
        for name in ("bolt", "nut"):
            (tmp_path / "linked" / name).symlink_to(plain / name)
        wanted = open_task(str(plain)).fingerprint
        assert open_task(str(tmp_path / "linked")).fingerprint == wanted
        (plain / "nut" / "again").symlink_to(plain / "nut")
        assert open_task(f"{plain}?labels=outer").fingerprint == wanted

    def test_broken_links_are_named(self, tmp_path):
        folder(tmp_path / "plain", lambda f, k, i: Image.fromarray(pixels(k)).save(f))
        (tmp_path / "linked").mkdir()
        (tmp_path / "linked" / "bolt").write_text("../plain/bolt")
        with pytest.raises(ValueError, match=r"bolt is a link to \.\./plain/bolt that was unpacked as a text"):
            open_task(str(tmp_path / "linked"))
        (tmp_path / "linked" / "bolt").unlink()
        (tmp_path / "linked" / "bolt").symlink_to(tmp_path / "gone")
        with pytest.raises(ValueError, match="the link bolt leads nowhere"):
            open_task(str(tmp_path / "linked"))

    def test_pages_beyond_the_first_are_said(self, tmp_path):
        def save(file, k, i):
            first, second = (Image.fromarray(pixels(k)) for _ in range(2))
            first.save(file, save_all=True, append_images=[second])

        assert said(open_task(str(folder(tmp_path / "a", save, suffix=".tif"))), "of 10 images with several frames")

    def test_an_image_of_too_many_pixels_is_named(self, tmp_path):
        root = folder(tmp_path / "a", lambda f, k, i: Image.fromarray(pixels(k)).save(f))
        Image.new("1", (20_000, 20_000)).save(root / "nut" / "huge.png")
        assert dict(open_task(str(root)).findings.skipped) == {"nut/huge.png": "too many pixels to unpack"}

    def test_sessions_above_the_classes_stay_whole(self, tmp_path):
        for session in "abcd":
            folder(tmp_path / "s" / session, lambda f, k, i: Image.fromarray(pixels(k)).save(f))
        task = open_task(f"{tmp_path / 's'}?labels=inner")
        assert said(task, "whole groups of the folders above the classes: 4 groups")
        counts = [sum(task.findings.counts[part]) for part in ("train", "valid", "test")]
        assert all(count % 10 == 0 for count in counts)


def wav(samples, rate=8000, *, riff=None, size=None, chunks=b"", code=1, bits=16, channels=1, block=None):
    """A WAV file with whatever a header can say."""
    data = samples.tobytes()
    block = channels * bits // 8 if block is None else block
    head = b"fmt " + struct.pack("<IHHIIHH", 16, code, channels, rate, rate * block % 2**32, block, bits)
    body = b"WAVE" + head + chunks + b"data" + struct.pack("<I", len(data) if size is None else size) + data
    return b"RIFF" + struct.pack("<I", len(body) if riff is None else riff) + body


def tone(k, i, n=4000):
    noise = RNG.normal(size=n) * 300
    return (8000 * np.sin(np.arange(n) * (0.2 + 0.6 * k + 0.01 * i)) + noise).astype(np.int16)


class TestRecordings:
    def folder(self, root, odd=None):
        """Ten tones; ``odd(samples)`` gives the bytes of the first of each class."""
        self.tones = {}

        def save(file, k, i):
            self.tones[k, i] = tone(k, i)
            file.write_bytes(odd(self.tones[k, i]) if odd and i == 0 else wav(self.tones[k, i]))

        return folder(root, save, suffix=".wav")

    @pytest.mark.parametrize(
        "odd",
        [
            lambda s: wav(s, riff=0),
            lambda s: wav(s, riff=0xFFFFFFFF, size=0xFFFFFFFF),
            lambda s: wav(s, riff=0, size=0),
            lambda s: wav(s, riff=0x7FFFF024, size=0x7FFFF000),  # sox in front of a pipe
            lambda s: wav(s, riff=0x80000024, size=0x80000000),  # arecord
            lambda s: wav(s.astype("<i4") << 16, bits=24, block=4),
            lambda s: wav(s, bits=12, block=2),
            lambda s: wav(s, block=0),
            lambda s: wav(s, chunks=b"LIST" + struct.pack("<I", 5) + b"INFO!"),
            lambda s: wav(s, chunks=b"LIST" + struct.pack("<I", 5) + b"INFO!\0"),
            lambda s: wav(s, chunks=b"odd\0" + struct.pack("<I", 4) + b"data"),
            lambda s: wav(s) + b"LIST" + struct.pack("<I", 4) + b"INFO",
            lambda s: wav(np.repeat(s, 2), channels=2),
            lambda s: wav((s / np.float32(32768)).astype("<f4"), code=3, bits=32),
            lambda s: wav(s.astype("<i4") << 16, bits=32),
            lambda s: wav(np.stack([s * 0, s & 255, s >> 8], axis=1).astype(np.uint8), bits=24),
        ],
    )
    def test_headers_of_all_sorts_hold_the_same_samples(self, tmp_path, odd):
        task = open_task(f"{self.folder(tmp_path / 'a', odd)}?front=raw")
        assert not task.findings.skipped
        raw = everything(task)[:, :, 0, 0] / task.findings.gain[0] + task.findings.shift[0]
        for samples in self.tones.values():
            assert np.abs(raw - samples / 32768).max(axis=1).min() < 1e-4

    @pytest.mark.parametrize(
        ("odd", "reason"),
        [
            (lambda s: wav(s, rate=0), "its header says 0 Hz"),
            (lambda s: wav(s, rate=1), "its header says 1 Hz"),
            (lambda s: wav(s, rate=2_147_483_629), "its header says 2147483629 Hz"),
            (lambda s: wav(s, rate=96), "wanted something near 8000 Hz"),
            (lambda s: wav(s)[:2000], "ends after 24% of its samples"),
            (lambda s: wav(s, code=0x11), "encoded as IMA ADPCM"),
            (lambda s: wav(s, channels=0), "0 channels"),
            (lambda s: wav(s, bits=12), "12 bits"),
            (lambda s: wav(s)[:30], "its format is cut"),
            (lambda s: wav(s)[:44], "ends after 0% of its samples"),
            (lambda s: b"RIFF", "not a WAV file"),
            (lambda s: b"", "not a WAV file"),
            (lambda s: wav(np.array([np.nan] * 9, "<f4"), code=3, bits=32), "NaN or infinity"),
        ],
    )
    def test_a_bad_one_is_named_and_the_others_are_read(self, tmp_path, odd, reason):
        task = open_task(str(self.folder(tmp_path / "a", odd)))
        assert set(dict(task.findings.skipped)) == {"bolt/0.wav", "nut/0.wav"}
        assert all(reason in why for why in dict(task.findings.skipped).values())
        assert len(everything(task)) == 8

    def test_channels_that_cancel_out_are_not_silence(self, tmp_path):
        opposed = lambda s: wav(np.stack([s, -s], axis=1), channels=2)  # noqa: E731
        task = open_task(str(self.folder(tmp_path / "a", opposed)))
        assert said(task, "2 recordings have channels that cancel out")
        assert len(everything(task)) == 10

    def test_flac_and_ogg_are_read_and_what_is_none_is_named(self, tmp_path):
        soundfile = pytest.importorskip("soundfile", reason="the extra data")
        root = self.folder(tmp_path / "a")
        soundfile.write(root / "bolt" / "f.flac", tone(0, 9), 8000)
        soundfile.write(root / "nut" / "g.ogg", tone(1, 9), 8000)
        (root / "nut" / "h.flac").write_bytes(b"fLaC nothing")
        (root / "nut" / "i.m4a").write_bytes(b"....ftypM4A ")
        task = open_task(str(root))
        assert len(everything(task)) == 12
        assert set(dict(task.findings.skipped)) == {"nut/h.flac"}
        assert said(task, "left out: 1 .m4a")

    def test_speech_commands_as_they_are_unpacked(self, tmp_path):
        root = tmp_path / "words"

        def save(file, k, i):
            name = f"{'abcde'[i // 2]}_nohash_{i % 2}.wav"
            (file.parent / name).write_bytes(wav(tone(k, i)))

        folder(root, save, each=10)
        (root / "_background_noise_").mkdir()
        (root / "_background_noise_" / "pink.wav").write_bytes(wav(tone(0, 3, 20_000)))
        task = open_task(str(root))
        assert task.classes == ("bolt", "nut")
        assert said(task, "folder _background_noise_ is left out")
        assert said(task, "whole groups of speakers: 5 groups")
        (root / "testing_list.txt").write_text("bolt/a_nohash_0.wav\nnut/a_nohash_1.wav\nnut/gone_nohash_0.wav\n")
        (root / "validation_list.txt").write_text("bolt/b_nohash_0.wav\nnut/b_nohash_1.wav\n")
        listed = open_task(f"{root}?group=none")
        assert {p: sum(listed.findings.counts[p]) for p in ("valid", "test")} == {"valid": 2, "test": 2}
        assert said(
            listed, "parts are those of validation_list.txt and testing_list.txt; 1 of their files are not there"
        )


class TestEdgeImpulse:
    def payload(self, k, i):
        values = (RNG.normal(size=(20, 2)) + 3 * k).round(3).tolist()
        sensors = [{"name": "accX", "units": "m/s2"}, {"name": "accY", "units": "m/s2"}]
        return {"protected": {"ver": "v1"}, "payload": {"interval_ms": 16, "sensors": sensors, "values": values}}

    def test_info_labels_say_class_and_part(self, tmp_path):
        files = []
        for part in ("training", "testing"):
            (tmp_path / part).mkdir()
            for k, label in enumerate(("idle", "wave")):
                for i in range(4):
                    path = f"{part}/s{k}{i}.json"
                    (tmp_path / path).write_text(json.dumps(self.payload(k, i)))
                    files.append({"path": path, "category": part, "label": {"type": "label", "label": label}})
        (tmp_path / "info.labels").write_text(json.dumps({"version": 1, "files": files}))
        (tmp_path / "training" / "broken.json").write_text('{"payload": ')
        task = open_task(str(tmp_path))
        assert (task.classes, task.input_shape) == (("idle", "wave"), (20, 1, 2))
        assert task.findings.counts["test"] == (4, 4)
        assert said(task, "sensors are accX, accY")
        assert set(dict(task.findings.skipped)) == {"training/broken.json"}
        (tmp_path / "info.labels").write_text('{"files": 3}')
        with pytest.raises(ValueError, match="not what Edge Impulse writes"):
            open_task(f"{tmp_path}?group=none")

    def test_cbor_is_json_in_bytes(self, tmp_path):
        cbor = pytest.importorskip("cbor2", reason="the extra data")
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
        for k, label in enumerate(("idle", "wave")):
            for i in range(4):
                sample = self.payload(k, i)
                (tmp_path / "a" / f"{label}.{i}.json").write_text(json.dumps(sample))
                (tmp_path / "b" / f"{label}.{i}.cbor").write_bytes(cbor.dumps(sample))
        assert open_task(str(tmp_path / "a")).fingerprint == open_task(str(tmp_path / "b")).fingerprint


class TestArchives:
    def test_train_and_test_are_parts_whichever_is_named(self, tmp_path):
        text = "@problemName P\n@timeStamps false\n@univariate true\n@equalLength false\n@classLabel true 1 2\n@data\n"
        for part, n in (("TRAIN", 20), ("TEST", 8)):
            rows = [",".join(map(str, RNG.normal(size=12 + i % 3).round(3))) + f":{1 + i % 2}" for i in range(n)]
            (tmp_path / f"P_{part}.ts").write_text(text + "\n".join(rows) + "\n")
        with pytest.raises(ValueError, match="from 12 to 14 steps; say --length"):
            open_task(str(tmp_path))
        task = open_task(f"{tmp_path}?length=longest")
        assert task.fingerprint == open_task(f"{tmp_path / 'P_TRAIN.ts'}?length=longest").fingerprint
        assert len(task.data().test) == 8
        assert said(task, "P_TEST.ts and P_TRAIN.ts are the parts")

    def test_a_table_without_a_head_as_the_ucr_archive_has_them(self, tmp_path):
        for part in ("TRAIN", "TEST"):
            rows = [[1 + i % 2, *RNG.normal(size=15).round(3)] for i in range(12)]
            (tmp_path / f"P_{part}.tsv").write_text("\n".join("\t".join(map(str, row)) for row in rows))
        task = open_task(str(tmp_path))
        assert (task.classes, task.input_shape) == (("1", "2"), (15, 1, 1))

    def test_a_flat_arff_is_a_table(self, tmp_path):
        head = "% iris\n@RELATION iris\n@ATTRIBUTE sepal\tREAL\n@ATTRIBUTE 'petal width' NUMERIC\n"
        rows = [f"{a:.2f},{b:.2f},{'ab'[i % 2]}" for i, (a, b) in enumerate(RNG.normal(size=(20, 2)))]
        (tmp_path / "iris.arff").write_text(head + "@ATTRIBUTE kind {a,b}\n@DATA\n" + "\n".join(rows))
        task = open_task(str(tmp_path / "iris.arff"))
        assert (task.classes, task.input_shape) == (("a", "b"), (1, 2, 1))

    def test_scikit_learns_own_tables(self, tmp_path):
        rows = [f"{a:.2f},{b:.2f},{i % 2}" for i, (a, b) in enumerate(RNG.normal(size=(20, 2)))]
        (tmp_path / "iris.csv").write_text("20,2,setosa,virginica\n" + "\n".join(rows))
        task = open_task(str(tmp_path / "iris.csv"))
        assert task.classes == ("setosa", "virginica")
        assert said(task, "the first line counts 20 rows of 2 values and names the classes")

    def test_a_table_of_numbers_without_names_is_one_line(self, tmp_path):
        (tmp_path / "a.csv").write_text("1.5,2,0\n3,4,1\n")
        with pytest.raises(ValueError, match=r"line 1 holds numbers .*write a first line of names"):
            open_task(str(tmp_path / "a.csv"))


class TestMemory:
    def test_arrays_that_unpack_to_gigabytes_are_refused_by_their_header(self, tmp_path):
        import io
        import zipfile

        head = io.BytesIO()
        shape = {"descr": "<f4", "fortran_order": False, "shape": (2_000_000, 1000)}
        np.lib.format.write_array_header_1_0(head, shape)
        with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("x.npy", head.getvalue())
            file.writestr("y.npy", head.getvalue())
        with pytest.raises(ValueError, match=r"x is 2000000x1000 float32, 7\.5 GB once unpacked"):
            open_task(str(tmp_path / "a.npz"))

    def test_a_parquet_file_of_many_rows_is_refused_by_its_header(self, tmp_path):
        import pyarrow as pa
        from pyarrow import parquet

        column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(4_000_000, np.int8)), pa.array([1.5]))
        with parquet.ParquetWriter(tmp_path / "a.parquet", pa.schema([("label", column.type)])) as writer:
            for _ in range(26):
                writer.write_table(pa.table({"label": column}))
        assert (tmp_path / "a.parquet").stat().st_size < 1e6
        with pytest.raises(ValueError, match="104,000,000 values in 104,000,000 rows; at most"):
            open_task(str(tmp_path / "a.parquet"))


def test_a_picture_shows_samples_of_every_class_as_the_network_gets_them(tmp_path):
    from latent_nas.jobs import data, samples

    root = folder(tmp_path / "a", lambda f, k, i: Image.fromarray(pixels(k)).save(f), classes=("bolt", "<nut>"))
    drawn = samples.picture(open_task(str(root)))
    assert drawn.count("<image") == 6
    assert "&lt;nut&gt;" in drawn
    assert "<nut>" not in drawn
    line = data.show(str(root), tmp_path / "s.svg")
    assert str(tmp_path / "s.svg") in line
    assert (tmp_path / "s.svg").read_text() == drawn
    with pytest.raises(ValueError, match="is there already"):
        data.show(str(root), tmp_path / "s.svg")
    series = RNG.normal(size=(20, 30, 1, 2))
    np.savez(tmp_path / "b.npz", x=series, y=np.arange(20) % 2)
    assert samples.picture(open_task(str(tmp_path / "b.npz"))).count("<polyline") == 12
    with pytest.raises(ValueError, match="texts"):
        samples.picture(open_task("char_lm"))


def test_the_report_has_a_chapter_on_the_data(tmp_path):
    from latent_nas import report
    from latent_nas.jobs.search.about import about_data, keep_data
    from latent_nas.jobs.search.config import SearchConfig
    from latent_nas.runs import files
    from latent_nas.runs.folder import RunFolder
    from latent_nas.runs.read import Run
    from latent_nas.target import Target, open_target

    root = folder(tmp_path / "a", lambda f, k, i: Image.fromarray(pixels(k)).save(f), classes=("bolt", "<b>nut"))
    target = Target("mcu_cnn1d", str(root), "stm32f405", "cmsis_nn")
    run = RunFolder.create(tmp_path / "run", SearchConfig(target).to_json())
    setup = open_target(target)
    lines = about_data(setup)
    assert "the input 16x16x1 suits --space mcu_cnn" in lines
    keep_data(run, setup, lines)
    chapter = report.html(Run.read(run.path)).split("<h2>Data</h2>")[1].split("</section>")[0]
    assert "10 images in 2 classes" in chapter
    assert "drawn with seed 0" in chapter
    assert "&lt;b&gt;nut" in chapter
    assert 'src="data:image/svg+xml;base64,' in chapter
    (run.path / files.DATA).write_text('{"lines": 3}')
    damaged = Run.read(run.path)
    assert any("data.json" in problem for problem in damaged.problems)
    assert "<h2>Data</h2>" not in report.html(damaged)


def test_a_name_that_could_be_two_things_is_said(tmp_path, monkeypatch):
    from latent_nas.jobs import data

    folder(tmp_path / "digits", lambda f, k, i: Image.fromarray(pixels(k)).save(f))
    monkeypatch.chdir(tmp_path)
    words = "digits is the task that comes with latent_nas; the data of that name here are ./digits"
    assert words in data.info("digits", "stm32f405")["lines"]
    mine = data.info("./digits", "stm32f405")
    assert mine["classes"] == ["bolt", "nut"]
    assert words not in mine["lines"]

"""Downloads, against a server of our own: checked, kept, not fetched twice."""

import gzip
import hashlib
import io
import struct
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from scipy.io import wavfile

from latent_nas.tasks import _download, fashion_mnist, mnist, spoken_digits
from latent_nas.tasks._download import download


class Counting(SimpleHTTPRequestHandler):
    """Serves a folder and counts what is asked for."""

    asked: list[str]

    def do_GET(self):
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A folder served, its address, and what was asked for; an empty cache."""
    root = tmp_path / "served"
    root.mkdir()
    handler = type("Handler", (Counting,), {"asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(root))) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        monkeypatch.setenv(_download.VARIABLE, str(tmp_path / "cache"))
        yield root, f"http://127.0.0.1:{http.server_address[1]}", handler.asked
        http.shutdown()
        thread.join()


def sha(data):
    return hashlib.sha256(data).hexdigest()


def test_a_file_is_fetched_once_and_kept(server, tmp_path):
    root, url, asked = server
    (root / "a.bin").write_bytes(b"good")
    for _ in range(2):
        path = download("some/a.bin", f"{url}/a.bin", sha(b"good"))
        assert path == tmp_path / "cache" / "some" / "a.bin"
        assert path.read_bytes() == b"good"
    assert asked == ["/a.bin"]


def test_a_file_that_lies_in_the_cache_is_not_fetched_and_a_damaged_one_is_named(server, tmp_path):
    root, url, asked = server
    (root / "a.bin").write_bytes(b"good")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "a.bin").write_bytes(b"good")
    download("a.bin", f"{url}/a.bin", sha(b"good"))
    assert asked == []
    (tmp_path / "cache" / "a.bin").write_bytes(b"goo")
    with pytest.raises(ValueError, match=r"a\.bin has sha256"):
        download("a.bin", f"{url}/a.bin", sha(b"good"))
    assert (tmp_path / "cache" / "a.bin").read_bytes() == b"goo"
    assert asked == []


def test_another_checksum_a_missing_file_and_no_server_leave_nothing(server, tmp_path):
    root, url, _ = server
    (root / "a.bin").write_bytes(b"bad")
    with pytest.raises(ValueError, match="another sha256"):
        download("a.bin", f"{url}/a.bin", sha(b"good"))
    with pytest.raises(ValueError, match=_download.VARIABLE):
        download("b.bin", f"{url}/b.bin", sha(b"good"))
    with pytest.raises(ValueError, match="can't be fetched"):
        download("a.bin", "http://127.0.0.1:9/a.bin", sha(b"good"))
    assert not [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]


@pytest.mark.parametrize(("module", "task"), [(fashion_mnist, fashion_mnist.FashionMnist), (mnist, mnist.Mnist)])
def test_mnist_and_its_like_are_split_as_they_say(module, task, server, monkeypatch):
    root, url, asked = server
    rng, files = np.random.default_rng(0), {}
    for name, n in (("train", 600), ("t10k", 30)):
        images = rng.integers(0, 256, (n, 28, 28)).astype(np.uint8)
        labels = (np.arange(n) % 10).astype(np.uint8)
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
            data = gzip.compress(head + array.tobytes())
            (root / f"{name}-{kind}-ubyte.gz").write_bytes(data)
            files[f"{name}-{kind}-ubyte.gz"] = sha(data)
    monkeypatch.setattr(module, "HOST", url)
    monkeypatch.setattr(module, "FILES", files)
    monkeypatch.setattr(module, "VALID", 50 if module is mnist else 100)
    module._split.cache_clear()
    data = task().data()
    module._split.cache_clear()
    each = module.VALID // 10
    assert [len(p) for p in (data.train, data.valid, data.test)] == [600 - 10 * each, 10 * each, 30]
    assert np.bincount(data.valid.y).tolist() == [each] * 10
    assert data.test.x[3, ..., 0] == pytest.approx(images[3] / 255)
    assert data.test.y[3] == 3
    assert len(asked) == 4
    if module is mnist:
        assert task(str(root)).data().test.y[3] == 3
        assert task(str(root)).fingerprint
        (root / "t10k-labels-idx1-ubyte.gz").unlink()
        with pytest.raises(ValueError, match=r"has no t10k-labels-idx1-ubyte.gz, packed or not"):
            task(str(root))
        for name, array in (("labels-idx1", labels), ("images-idx3", images)):  # of the 30
            head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
            for part in ("train", "t10k"):
                (root / f"{part}-{name}-ubyte.gz").write_bytes(gzip.compress(head + array.tobytes()))
        module._split.cache_clear()
        with pytest.raises(ValueError, match="holds 30 images; wanted 120 or more"):
            task(str(root))


def archive(takes=(0, 5, 12)):
    """An archive with the dataset's own names: 10 digits, 1 speaker, some takes."""
    rng, buffer = np.random.default_rng(0), io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for digit in range(10):
            for take in takes:
                one = io.BytesIO()
                wavfile.write(one, 8000, rng.integers(-9000, 9000, 2000).astype(np.int16))
                file.writestr(f"free-1/recordings/{digit}_jo_{take}.wav", one.getvalue())
        file.writestr("free-1/README.md", "hello")
    return buffer.getvalue()


def test_spoken_digits_are_split_by_take_and_known_by_their_samples(server, monkeypatch, tmp_path):
    root, url, asked = server
    (root / "fsdd.zip").write_bytes(archive())
    monkeypatch.setattr(spoken_digits, "URL", f"{url}/fsdd.zip")
    spoken_digits._split.cache_clear()
    with pytest.raises(ValueError, match="does not hold the recordings"):
        spoken_digits.SpokenDigits().data()
    place = tmp_path / "cache" / "spoken_digits" / "fsdd.npz"
    with np.load(place) as file:
        order = np.lexsort((file["take"], file["digit"]))
        audio = np.split(file["audio"], file["offset"][1:-1])
        known = spoken_digits._digest([audio[i] for i in order], file["digit"][order], file["take"][order])
    monkeypatch.setattr(spoken_digits, "CONTENT", known)
    task = spoken_digits.SpokenDigits()
    data = task.data()
    spoken_digits._split.cache_clear()
    assert [sorted(p.y.tolist()) for p in (data.train, data.valid, data.test)] == [list(range(10))] * 3
    assert data.train.x.shape[1:] == task.input_shape
    assert asked == ["/fsdd.zip"]
    (root / "fsdd.zip").write_bytes(b"no archive")
    place.unlink()
    with pytest.raises(ValueError, match="no zip archive"):
        spoken_digits._recordings()

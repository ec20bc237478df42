"""Task ``cifar10``: its archive from a server, whole or not, and from a file."""

import hashlib
import io
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from latent_nas import seeds
from latent_nas.tasks import open_task
from latent_nas.tasks.cifar10 import ARCHIVE, LEARN, MEAN, STD, Cifar10

TINY = 20  # images of a batch


def batch(seed, n=TINY):
    """The bytes of n images in the official format: label, red, green, blue."""
    rng = seeds.rng(seed, "cifar10", "tiny")
    labels = np.arange(n, dtype=np.uint8) % 10
    return np.concatenate([labels[:, None], rng.integers(256, size=(n, 3072), dtype=np.uint8)], axis=1).tobytes()


def archive(batches):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, data in batches.items():
            entry = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return content.getvalue()


BATCHES = {name: batch(i) for i, name in enumerate((*LEARN, "test_batch.bin"))}
WHOLE = archive(BATCHES)
SHA256 = hashlib.sha256(WHOLE).hexdigest()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENT_NAS_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def server():
    """A server that knows the archive, one cut short, and nothing else; it counts what it is asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.asked += 1
            if self.path not in ("/whole", "/cut"):
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(WHOLE)))
            self.end_headers()
            self.wfile.write(WHOLE if self.path == "/whole" else WHOLE[: len(WHOLE) // 2])

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked = 0
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def task_at(server, path, sha256=SHA256):
    class Tiny(Cifar10):
        pass

    Tiny.url, Tiny.sha256 = f"http://127.0.0.1:{server.server_port}{path}", sha256
    return Tiny()


def left(cache):
    return [p for p in cache.rglob("*") if p.is_file()] if cache.exists() else []


def test_it_is_downloaded_once_and_split_by_classes(server, cache):
    before = server.asked
    data = task_at(server, "/whole").data()
    assert [p.name for p in left(cache)] == [ARCHIVE]
    assert task_at(server, "/whole").data() is data
    assert server.asked == before + 1
    assert [len(part) for part in (data.train, data.valid, data.test)] == [90, 10, 20]
    for part, each in ((data.train, 9), (data.valid, 1), (data.test, 2)):
        assert np.bincount(part.y).tolist() == [each] * 10
        assert part.x.shape[1:] == (32, 32, 3)
        assert part.x.dtype == np.float32
    rows = [set(map(bytes, part.x)) for part in (data.train, data.valid)]
    assert not rows[0] & rows[1]


def test_the_planes_become_channels(server, cache):
    image = task_at(server, "/whole").data().test.x[3]
    raw = np.frombuffer(BATCHES["test_batch.bin"], np.uint8).reshape(TINY, 3073)[3, 1:]
    back = np.rint((image * STD + np.array(MEAN)) * 255)
    for channel in range(3):
        assert (back[:, :, channel] == raw[1024 * channel : 1024 * (channel + 1)].reshape(32, 32)).all()


@pytest.mark.parametrize(
    ("path", "sha256", "words"),
    [
        ("/whole", "0" * 64, "another sha256 than 000000000000"),
        ("/cut", SHA256, "can't be fetched|another sha256"),
        ("/nothing", SHA256, r"can't be fetched .*put the file at .*cifar-10-binary.tar.gz yourself"),
    ],
    ids=("another", "cut", "nothing"),  # the checksum differs from process to process
)
def test_a_download_that_fails_leaves_nothing(server, cache, path, sha256, words):
    task = task_at(server, path, sha256)
    with pytest.raises(ValueError, match=words):
        task.data()
    assert left(cache) == []


def test_no_server_at_all(server, cache):
    task = task_at(server, "/whole")
    type(task).url = "http://127.0.0.1:1/whole"
    with pytest.raises(ValueError, match="can't be fetched"):
        task.data()


def test_a_changed_file_in_the_cache_is_not_used_and_not_lost(server, cache):
    cache.mkdir()
    (cache / ARCHIVE).write_bytes(WHOLE + b"more")
    with pytest.raises(ValueError, match="move it away"):
        task_at(server, "/whole").data()
    assert (cache / ARCHIVE).read_bytes() == WHOLE + b"more"


def test_a_local_archive_and_a_local_npz_are_the_same_data(tmp_path):
    (tmp_path / "mine.tar.gz").write_bytes(WHOLE)
    raw = [np.frombuffer(BATCHES[name], np.uint8).reshape(TINY, 3073) for name in (*LEARN, "test_batch.bin")]
    x = [r[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1) for r in raw]
    arrays = {"x_train": np.concatenate(x[:5]), "y_train": np.concatenate([r[:, 0] for r in raw[:5]])}
    np.savez(tmp_path / "mine.npz", **arrays, x_test=x[5], y_test=raw[5][:, 0])
    one, two = (open_task(f"cifar10:{tmp_path / name}").data() for name in ("mine.tar.gz", "mine.npz"))
    for a, b in ((one.train, two.train), (one.valid, two.valid), (one.test, two.test)):
        assert (a.x == b.x).all()
        assert (a.y == b.y).all()


def bad_files():
    yield "text.tar.gz", b"no archive", "not a CIFAR-10 binary archive"
    yield "half.tar.gz", WHOLE[: len(WHOLE) // 2], "not a CIFAR-10 binary archive"
    yield "five.tar.gz", archive({n: BATCHES[n] for n in LEARN}), "test_batch.bin"
    yield "short.tar.gz", archive({**BATCHES, LEARN[0]: BATCHES[LEARN[0]][:-1]}), "wanted a multiple of 3073"
    yield "label.tar.gz", archive({**BATCHES, LEARN[0]: b"\x0b" + BATCHES[LEARN[0]][1:]}), "labels 0 to 9"
    yield "text.npz", b"no archive", "not an .npz with x_train"
    floats = io.BytesIO()
    x, y = np.zeros((2, 32, 32, 3), np.float32), np.zeros(2, np.uint8)
    np.savez(floats, x_train=x, y_train=y, x_test=x, y_test=y)
    yield "floats.npz", floats.getvalue(), "wanted uint8"
    small = io.BytesIO()
    x = np.zeros((2, 28, 28, 3), np.uint8)
    np.savez(small, x_train=x, y_train=y, x_test=x, y_test=y)
    yield "small.npz", small.getvalue(), r"holds images \(2, 28, 28, 3\)"


@pytest.mark.parametrize(("name", "content", "words"), list(bad_files()))
def test_a_wrong_file_is_named(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=words) as error:
        open_task(f"cifar10:{tmp_path / name}").data()
    assert name in str(error.value)


class TestAugmentation:
    x = seeds.rng(0, "augment").normal(size=(40, 32, 32, 3)).astype(np.float32)

    def test_every_image_is_shifted_and_perhaps_mirrored(self):
        made = Cifar10().augmented(self.x, seeds.rng(1))
        assert made.shape == self.x.shape
        assert made.dtype == np.float32
        padded = np.pad(self.x, ((0, 0), (4, 4), (4, 4), (0, 0)))
        mirrored, shifts = 0, set()
        for before, after in zip(padded, made, strict=True):
            fits = [
                (down, right, flip)
                for down in range(9)
                for right in range(9)
                for flip in (False, True)
                if (before[down : down + 32, right : right + 32][:, :: -1 if flip else 1] == after).all()
            ]
            ((down, right, flip),) = fits
            mirrored += flip
            shifts.add((down, right))
        assert 8 < mirrored < 32
        assert len(shifts) > 20

    def test_it_depends_on_the_generator_alone(self):
        one, same, other = (Cifar10().augmented(self.x, seeds.rng(s)) for s in (1, 1, 2))
        assert (one == same).all()
        assert (one != other).any()

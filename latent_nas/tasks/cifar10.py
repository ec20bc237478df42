"""CIFAR-10 (Krizhevsky 2009): 60,000 colour images of 32x32 pixels in ten classes.

``cifar10`` is the official binary archive, downloaded once. ``cifar10:FILE`` is an archive of that format, or an .npz
with x_train, y_train, x_test and y_test (uint8, NHWC), wherever it lies.
"""

import tarfile
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar
from zipfile import BadZipFile

import numpy as np

from latent_nas import seeds
from latent_nas.preprocessing import PIXEL, Preprocessing
from latent_nas.tasks import Data, Part, Recipe, Task
from latent_nas.tasks._augment import moved_and_mirrored
from latent_nas.tasks._download import download

ARCHIVE = "cifar-10-binary.tar.gz"
URL = f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}"
SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
FOLDER = "cifar-10-batches-bin"
LEARN = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
SIDE, CHANNELS, CLASSES = 32, 3, 10
VALID = 10  # one in so many of the training images is for validation: 45,000 and 5,000
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # of the 50,000 training images' pixels, per channel
MARGIN = 4  # pixels of padding around an image of which 32x32 are cropped (He et al. 2016, section 4.2)

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


class Cifar10(Task):
    """Ten classes; of the official training images one in ten is for validation, every class equally often.

    Args:
        source: a file of your own, or "" for the official archive.

    Raises:
        ValueError: there is no such file.
    """

    name = "cifar10"
    input_shape = (SIDE, SIDE, CHANNELS)
    outputs = CLASSES
    url: ClassVar[str] = URL
    sha256: ClassVar[str] = SHA256
    recipes: ClassVar[dict[str, Recipe]] = {
        "search": Recipe(epochs=20, batch=128, learning_rate=3e-3, average=0.99, augment=True),
        "full": Recipe(
            epochs=150,
            batch=128,
            optimiser="sgd",
            learning_rate=0.1,
            weight_decay=5e-4,
            warmup=5.0,
            patience=50,
            average=0.999,
            augment=True,
        ),
    }

    def __init__(self, source: str = "") -> None:
        if source and not Path(source).is_file():
            raise ValueError(f"task 'cifar10' has no file {source!r}; wanted an archive of CIFAR-10 or an .npz")
        self.source = source

    def data(self) -> Data:
        """Return the parts, each channel of mean 0 and std 1 over the official training images.

        Raises:
            ValueError: the archive can't be had, or a file is not CIFAR-10.
        """
        return _data(Path(self.source) if self.source else download(ARCHIVE, self.url, self.sha256))

    def preprocessing(self) -> Preprocessing:
        """Return mean and standard deviation of the official training images' channels, of pixels from 0 to 255."""
        scale: dict[str, Any] = {"shift": tuple(255 * m for m in MEAN), "gain": tuple(1 / (255 * s) for s in STD)}
        return Preprocessing(self.input_shape, PIXEL, "pixel, 0 to 255", columns=("red", "green", "blue"), **scale)

    def augmented(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return each image (n, 32, 32, 3) shifted by up to 4 pixels, filled with 0, and mirrored half of the time."""
        return moved_and_mirrored(x, MARGIN, rng)


@lru_cache(1)
def _data(file: Path) -> Data:
    x_learn, y_learn, x_test, y_test = _npz(file) if file.suffix == ".npz" else _archive(file)
    for x, y in ((x_learn, y_learn), (x_test, y_test)):
        if x.shape != (len(y), SIDE, SIDE, CHANNELS) or not len(y) or y.max() >= CLASSES:
            raise ValueError(
                f"{file} holds images {x.shape} with labels {y.shape} up to {y.max(initial=0)};"
                f" wanted (n, {SIDE}, {SIDE}, {CHANNELS}) and labels 0 to {CLASSES - 1}"
            )
    order = seeds.rng(0, "cifar10", "split").permutation(len(y_learn))
    ordered = order[np.argsort(y_learn[order], kind="stable")]  # class after class, each shuffled
    rank = np.arange(len(order)) - np.searchsorted(y_learn[ordered], y_learn[ordered])
    valid = rank % VALID == 0
    parts = [(x_learn, y_learn, np.sort(ordered[~valid])), (x_learn, y_learn, np.sort(ordered[valid]))]
    return Data(*(_part(x[i], y[i]) for x, y, i in [*parts, (x_test, y_test, np.arange(len(y_test)))]))


def _part(x: np.ndarray, y: np.ndarray) -> Part:
    scale, shift = (
        np.float32(1 / 255) / np.array(STD, np.float32),
        np.array(MEAN, np.float32) / np.array(STD, np.float32),
    )
    return Part(x * scale - shift, y.astype(np.int64))


def _npz(file: Path) -> Arrays:
    names = ("x_train", "y_train", "x_test", "y_test")
    try:
        with np.load(file, allow_pickle=False) as held:
            arrays = [held[name] for name in names]
    except (ValueError, OSError, EOFError, KeyError, BadZipFile, zlib.error) as error:
        raise ValueError(f"{file} is not an .npz with {', '.join(names)}: {error}") from None
    if {a.dtype for a in arrays[::2]} != {np.dtype(np.uint8)}:
        raise ValueError(f"{file} holds images of {arrays[0].dtype}; wanted uint8, 0 to 255")
    return tuple(arrays)


def _archive(file: Path) -> Arrays:
    """Return the images and labels of an archive; nothing is unpacked onto the disk."""
    batches = {}
    try:
        with tarfile.open(file) as archive:
            for name in (*LEARN, "test_batch.bin"):
                content = archive.extractfile(f"{FOLDER}/{name}")
                if content is None:
                    raise KeyError(f"{name} is not a file")
                batches[name] = np.frombuffer(content.read(), np.uint8)
    except (tarfile.TarError, KeyError, OSError, EOFError, zlib.error) as error:
        reason = str(error).splitlines()[0].rstrip(":")
        raise ValueError(
            f"{file} is not a CIFAR-10 binary archive: {reason}; delete it, or name another file"
        ) from None
    size = 1 + SIDE * SIDE * CHANNELS
    odd = [name for name, batch in batches.items() if len(batch) % size or not len(batch)]
    if odd:
        raise ValueError(f"{odd[0]} in {file} has {len(batches[odd[0]])} bytes; wanted a multiple of {size}")
    rows = [
        np.concatenate([batches[n] for n in names]).reshape(-1, size) for names in (LEARN, ("test_batch.bin",))
    ]  # label, then the planes of red, green and blue
    found = [(r[:, 1:].reshape(-1, CHANNELS, SIDE, SIDE).transpose(0, 2, 3, 1), r[:, 0]) for r in rows]
    return (*found[0], *found[1])


Plugin = Cifar10

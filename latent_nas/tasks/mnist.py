"""MNIST: 70,000 handwritten digits (LeCun, Cortes and Burges, 1998).

``mnist`` is the official files, fetched when first used. ``mnist:FOLDER`` is a folder that holds files of that format,
packed or not.
"""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from latent_nas import seeds
from latent_nas.limits import Limits
from latent_nas.preprocessing import PIXEL, Preprocessing
from latent_nas.readers._idx import idx_array
from latent_nas.tasks import Data, Part, Recipe, Task
from latent_nas.tasks._download import download

HOST = "https://ossci-datasets.s3.amazonaws.com/mnist"  # a mirror of the official files
FILES = {  # sha256 of the official files
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
SHAPE, CLASSES = (28, 28, 1), 10
VALID = 5000  # of the 60,000 official training images
PART = 12  # one of so many is for validation
LEAST = PART * CLASSES  # images, one of each class for validation


class Mnist(Task):
    """Ten classes of 28x28 grey images: 55,000 train, 5,000 valid, stratified; the official test part of 10,000.

    Args:
        source: a folder with the four files, or "" for the official ones.

    Raises:
        ValueError: there is no such folder, or what it holds can't be read; before anything is made of it.
    """

    name = "mnist"
    mirrors = False
    input_shape = SHAPE
    outputs = CLASSES
    classes = tuple("0123456789")
    limits = Limits(flash_bytes=32 * 1024, ram_bytes=16 * 1024, latency_ms=10.0)
    recipes: ClassVar[dict[str, Recipe]] = {
        "search": Recipe(epochs=2, batch=128, optimiser="muon", learning_rate=0.04, average=0.99, warmup=0.3),
        "full": Recipe(
            epochs=60,
            batch=128,
            optimiser="sgd",
            learning_rate=0.1,
            weight_decay=5e-5,  # networks of some thousand weights are too small to need more
            warmup=0.5,
            schedule="one-cycle",
            average=0.998,
            augmentation="affine=10,elastic=0.7,shift=1",  # what they are short of, see docs/results/recipes.md
            to_end=True,
        ),
    }

    def __init__(self, source: str = "") -> None:
        if source and not Path(source).is_dir():
            raise ValueError(f"task 'mnist' has no folder {source!r}; wanted one with {', '.join(FILES)}")
        self.source = source
        if source:
            self.data()

    def data(self) -> Data:
        """Return pixels from 0 to 1.

        Raises:
            ValueError: a file is not there, can't be fetched, or is not of MNIST.
        """
        return _split(*self._files())

    @property
    def fingerprint(self) -> str:  # type: ignore[override]
        """A hash of the files in a folder of your own; "" for the official ones."""
        if not self.source:
            return ""
        return hashlib.sha256(b"".join(hashlib.sha256(f.read_bytes()).digest() for f in self._files())).hexdigest()

    def preprocessing(self) -> Preprocessing:
        """Return that pixels are whole numbers from 0 to 255."""
        return Preprocessing(SHAPE, PIXEL, "pixel, 0 to 255", gain=(1 / 255,))

    def _files(self) -> list[Path]:
        if not self.source:
            return [download(f"mnist/{name}", f"{HOST}/{name}", sha256) for name, sha256 in FILES.items()]
        files = []
        for name in FILES:
            places = [Path(self.source) / name, Path(self.source) / name.removesuffix(".gz")]
            there = [place for place in places if place.is_file()]
            if not there:
                raise ValueError(f"{self.source} has no {name}, packed or not; wanted MNIST's four files")
            files.append(there[0])
        return files


@lru_cache(1)
def _split(*files: Path) -> Data:
    images, labels, test_images, test_labels = map(idx_array, files)
    for part, x, y in ((files[0], images, labels), (files[2], test_images, test_labels)):
        if x.shape != (len(y), *SHAPE[:2]) or x.dtype != np.uint8 or not len(y) or y.max() >= CLASSES:
            raise ValueError(
                f"{part} holds {x.dtype} {x.shape} with labels {y.shape} up to {y.max(initial=0)}; wanted uint8"
                f" (n, {SHAPE[0]}, {SHAPE[1]}) and labels 0 to {CLASSES - 1}"
            )
    if len(labels) < LEAST:
        raise ValueError(f"{files[0]} holds {len(labels)} images; wanted {LEAST} or more")
    order = seeds.rng(0, "mnist", "split").permutation(len(labels))
    each = min(VALID, len(labels) // PART) // CLASSES
    valid = np.sort(np.concatenate([order[labels[order] == c][:each] for c in range(CLASSES)]))
    train = np.setdiff1d(np.arange(len(labels)), valid)
    parts = ((images[train], labels[train]), (images[valid], labels[valid]), (test_images, test_labels))
    return Data(*(Part((x[..., None] / np.float32(255)).astype(np.float32), y.astype(np.int64)) for x, y in parts))


Plugin = Mnist

"""Fashion-MNIST: 70,000 pictures of clothes (Xiao, Rasul and Vollgraf, 2017), fetched when first used."""

import gzip
from functools import lru_cache
from typing import ClassVar

import numpy as np

from latent_nas import seeds
from latent_nas.limits import Limits
from latent_nas.preprocessing import PIXEL, Preprocessing
from latent_nas.tasks import Data, Part, Recipe, Task
from latent_nas.tasks._augment import moved_and_mirrored
from latent_nas.tasks._download import download

HOST = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
FILES = {  # sha256 of the official files; their MD5 sums stand in the data set's own README
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}
VALID = 5000  # of the 60,000 official training pictures


class FashionMnist(Task):
    """Ten classes of 28x28 grey images: 55,000 train, 5,000 valid, stratified; the official test part of 10,000."""

    name = "fashion_mnist"
    input_shape = (28, 28, 1)
    outputs = 10
    classes = ("T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
    limits = Limits(flash_bytes=32 * 1024, ram_bytes=16 * 1024, latency_ms=10.0)
    recipes: ClassVar[dict[str, Recipe]] = {
        "search": Recipe(epochs=2, batch=128, optimiser="muon", learning_rate=0.04, average=0.99, warmup=0.3),
        "full": Recipe(
            epochs=48,
            batch=128,
            optimiser="sgd",
            learning_rate=0.1,
            weight_decay=5e-5,  # networks of some ten thousand weights are too small to need more
            schedule="one-cycle",
            average=0.998,
            augment=True,
            to_end=True,
        ),
    }

    def data(self) -> Data:
        """Return pixels from 0 to 1.

        Raises:
            ValueError: a file can't be fetched, or isn't the official one.
        """
        return _split()

    def preprocessing(self) -> Preprocessing:
        """Return that pixels are whole numbers from 0 to 255."""
        return Preprocessing(self.input_shape, PIXEL, "pixel, 0 to 255", gain=(1 / 255,))

    def augmented(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return each image (n, 28, 28, 1) shifted by up to a pixel, filled with 0, and mirrored half of the time."""
        return moved_and_mirrored(x, 1, rng)


@lru_cache(1)
def _split() -> Data:
    images, labels, test_images, test_labels = (_idx(name) for name in FILES)
    order = seeds.rng(0, "fashion_mnist", "split").permutation(len(labels))
    each = VALID // 10
    valid = np.sort(np.concatenate([order[labels[order] == c][:each] for c in range(10)]))
    train = np.setdiff1d(np.arange(len(labels)), valid)
    parts = ((images[train], labels[train]), (images[valid], labels[valid]), (test_images, test_labels))
    return Data(*(Part((x[..., None] / np.float32(255)).astype(np.float32), y.astype(np.int64)) for x, y in parts))


def _idx(name: str) -> np.ndarray:
    """Return the array of an IDX file: two zero bytes, type 8 (uint8), dimensions, each size in 32 bits, the data."""
    data = gzip.decompress(download(f"fashion_mnist/{name}", f"{HOST}/{name}", FILES[name]).read_bytes())
    sizes = np.frombuffer(data, ">u4", data[3], 4).astype(int)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(sizes)


Plugin = FashionMnist

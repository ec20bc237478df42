"""Spoken digits: the Free Spoken Digit Dataset (Jakobovski and others, CC BY-SA 4.0), fetched when first used."""

import hashlib
import io
import re
import zipfile
from functools import lru_cache
from typing import ClassVar

import numpy as np

from latent_nas import artifacts
from latent_nas.front_end import FrontEnd
from latent_nas.limits import Limits
from latent_nas.preprocessing import SOUND, Preprocessing
from latent_nas.readers.recordings import fitted
from latent_nas.tasks import Data, Part, Recipe, Task
from latent_nas.tasks._download import cache, fetch

COMMIT = "26eb9aaf76e81b692f806f9140c2d2777410d7a1"
URL = f"https://github.com/Jakobovski/free-spoken-digit-dataset/archive/{COMMIT}.zip"
CONTENT = "aaf237d062f61ba03b362c505931525c63aeaf70c960a5ac95314813c638a2bf"  # ``_digest``
RATE, SECONDS = 8000, 1.0
TEST_TAKES, VALID_TAKES = 5, 5  # takes 0 to 4 are the official test part; 5 to 9 are ours for validation


class SpokenDigits(Task):
    """Ten digits, six speakers, 8 kHz: takes 10 to 49 train (2,400), 5 to 9 valid (300), 0 to 4 test (300)."""

    name = "spoken_digits"
    outputs = 10
    limits = Limits(flash_bytes=32 * 1024, ram_bytes=16 * 1024, latency_ms=20.0)
    classes = tuple("0123456789")
    front_end = FrontEnd.of(RATE, round(SECONDS * RATE))
    input_shape = front_end.shape
    recipes: ClassVar[dict[str, Recipe]] = {
        "search": Recipe(epochs=8, batch=64, optimiser="muon", learning_rate=0.04, average=0.95),
        "full": Recipe(epochs=30, batch=64, learning_rate=6e-3, average=0.98, patience=10),
    }

    def data(self) -> Data:
        """Return log-mel bands of the first second, (49, 20, 1); each band has mean 0 and std 1 over the train part.

        Raises:
            ValueError: the archive can't be fetched, or its recordings are not those that are known.
        """
        return _split()[0]

    def preprocessing(self) -> Preprocessing:
        """Return mean and standard deviation of every band over the train part."""
        return _split()[1]

    def raw(self, x: np.ndarray) -> np.ndarray | None:
        """Return the int16 recordings (n, samples) of inputs (n, 49, 20, 1)."""
        kept, audio = _split()[2:]
        rows = {one.tobytes(): i for i, one in enumerate(kept)}
        return audio[[rows[np.ascontiguousarray(one).tobytes()] for one in x]]


@lru_cache(1)
def _split() -> tuple[Data, Preprocessing, np.ndarray, np.ndarray]:
    audio, digit, take = _recordings()
    front_end = SpokenDigits.front_end
    heard = np.stack([fitted(a[: front_end.samples], front_end.samples) for a in audio])
    x = front_end(heard / np.float32(32768))
    part = np.digitize(take, [TEST_TAKES, TEST_TAKES + VALID_TAKES])  # 0 test, 1 valid, 2 train
    train = x[part == 2]
    mean, std = train.mean(axis=(0, 1, 3)), train.std(axis=(0, 1, 3))
    x = ((x - mean[:, None]) / std[:, None]).astype(np.float32)
    y = digit.astype(np.int64)
    unit, scale = f"16-bit sample at {RATE} Hz", (tuple(mean.tolist()), tuple((1 / std).tolist()))
    seen = Preprocessing(front_end.shape, SOUND, unit, *scale, front_end=front_end)
    return Data(*(Part(x[part == p], y[part == p]) for p in (2, 1, 0))), seen, x, heard


def _recordings() -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Return audio (int16), digits and takes of all recordings, in the order of speaker, digit and take."""
    place = cache() / "spoken_digits" / "fsdd.npz"
    if not place.is_file():
        artifacts.write(place, _converted(fetch(URL)))
    with np.load(place, allow_pickle=False) as file:
        arrays = {name: file[name] for name in ("audio", "offset", "digit", "speaker", "take", "speaker_names")}
    who = arrays["speaker_names"].astype(str)[arrays["speaker"]]
    order = np.lexsort((arrays["take"], arrays["digit"], who))
    audio = np.split(arrays["audio"], arrays["offset"][1:-1])
    found = [audio[i] for i in order], arrays["digit"][order], arrays["take"][order]
    if _digest(*found) != CONTENT:
        raise ValueError(f"{place} does not hold the recordings of commit {COMMIT[:7]}; delete it, it is fetched anew")
    return found


def _converted(archive: bytes) -> bytes:
    """Return all recordings of the archive's ``recordings/DIGIT_SPEAKER_TAKE.wav`` as one .npz.

    Raises:
        ValueError: it is not an archive.
    """
    from scipy.io import wavfile

    rows, audio = [], []
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as file:
            for name in sorted(file.namelist()):
                match = re.search(r"recordings/(\d)_(\w+)_(\d+)\.wav$", name)
                if match:
                    rows.append((int(match[1]), match[2], int(match[3])))
                    audio.append(wavfile.read(io.BytesIO(file.read(name)))[1])
    except zipfile.BadZipFile:
        raise ValueError(f"{URL} gave no zip archive; try again later") from None
    speakers = sorted({speaker for _, speaker, _ in rows})
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        audio=np.concatenate([np.zeros(0, np.int16), *audio]),
        offset=np.cumsum([0, *(len(a) for a in audio)]),
        digit=np.array([digit for digit, _, _ in rows], np.uint8),
        speaker=np.array([speakers.index(speaker) for _, speaker, _ in rows], np.uint8),
        take=np.array([take for _, _, take in rows], np.uint8),
        speaker_names=np.array(speakers, "S"),
    )
    return buffer.getvalue()


def _digest(audio: list[np.ndarray], digit: np.ndarray, take: np.ndarray) -> str:
    found = hashlib.sha256()
    for samples, d, t in zip(audio, digit.tolist(), take.tolist(), strict=True):
        found.update(f"{d} {t} {len(samples)} ".encode() + samples.astype("<i2").tobytes())
    return found.hexdigest()


Plugin = SpokenDigits

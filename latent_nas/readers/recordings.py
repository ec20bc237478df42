"""A folder of .wav recordings, one folder per class, through a front end."""

import struct
import warnings
from collections import Counter
from math import gcd
from pathlib import Path

import numpy as np

from latent_nas.front_end import FrontEnd
from latent_nas.readers import Raw, Reader, Wanted, number
from latent_nas.readers._folders import class_files

FASTEST = 16_000  # Hz; a microcontroller that listens seldom samples faster


class Recordings(Reader):
    """Reads mono or stereo, 8 to 32 bits; all are brought to one rate and one length."""

    about = "a folder of recordings by class (CLASS/*.wav)"
    uses = ("front", "rate", "seconds", "labels")

    def takes(self, path: Path) -> bool:
        """Return whether there is a recording below the folder."""
        return path.is_dir() and any(p.suffix.lower() == ".wav" for p in path.rglob("*"))

    def example(self, folder: Path) -> Path:
        """Write two recordings of each of two classes: tones of half a second."""
        from scipy.io import wavfile

        for i, name in enumerate(("low", "high")):
            (folder / name).mkdir()
            for n in range(2):
                time = np.arange(4000) / 8000
                tone = np.sin(2 * np.pi * (200 + 800 * i + 50 * n) * time)
                wavfile.write(folder / name / f"{n}.wav", 8000, (10_000 * tone).astype(np.int16))
        return folder

    def read(self, path: Path, wanted: Wanted) -> Raw:
        """Return what the front end makes of them: log-mel bands or MFCC, (frames, values, 1)."""
        files, notes = class_files(path, {".wav"}, wanted.labels)
        skipped: list[tuple[str, str]] = []
        opened = []
        for file, label, part in files:
            try:
                found, samples = _open(file)
                opened.append((file, label, part, found, len(samples)))
            except (OSError, ValueError, EOFError, struct.error) as error:  # what scipy raises for broken files
                skipped.append((str(file.relative_to(path)), (str(error).splitlines() or ["not a recording"])[0][:80]))
        if not opened:
            raise ValueError(f"{path}: none of {len(files)} recordings can be read; the first: {skipped[0]}")
        rates = Counter(found for *_, found, _ in opened)
        rate = wanted.rate or min(rates.most_common(1)[0][0], FASTEST)
        other = {r: n for r, n in rates.items() if r != rate}
        lengths = np.array([-(-length * rate // found) for *_, found, length in opened])
        usual = wanted.seconds * rate if wanted.seconds else np.quantile(lengths, 0.95)
        front_end = FrontEnd.of(rate, int(max(round(usual), 1)), wanted.front)
        notes += [f"{n} recordings of {r} Hz were resampled to {rate} Hz" for r, n in sorted(other.items())]
        if lengths.min() != front_end.samples or lengths.max() != front_end.samples:
            seconds = front_end.samples / rate
            cut, filled = int((lengths > front_end.samples).sum()), int((lengths < front_end.samples).sum())
            notes.append(f"all were brought to {seconds:.2f} s: {cut} cut at both ends, {filled} filled with silence")
        y, classes = number([label for _, label, *_ in opened])
        heard = (fitted(resampled(*_open(file), rate), front_end.samples) for file, *_ in opened)
        return Raw(
            x=np.concatenate([front_end(one[None]) for one in heard]),  # one at a time: they are long, spectra are not
            y=y,
            classes=classes,
            part=np.array([part for _, _, part, *_ in opened], np.int64),
            names=tuple(str(file.relative_to(path)) for file, *_ in opened),
            what="recordings",
            skipped=tuple(skipped),
            notes=tuple(notes),
            sizes={f"{r} Hz": n for r, n in rates.most_common()},
            keep=(2,),
            front_end=front_end,
        )


def _open(file: Path) -> tuple[int, np.ndarray]:
    """Return the rate and the samples from -1 to 1, the mean of the channels."""
    from scipy.io import wavfile

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", wavfile.WavFileWarning)  # chunks beside the samples, which nobody needs
        rate, samples = wavfile.read(file)
    if not len(samples):
        raise ValueError("no samples in it")
    if samples.dtype == np.uint8:
        samples = samples.astype(np.float32) / 128 - 1
    elif samples.dtype.kind == "i":
        samples = samples.astype(np.float32) / float(-np.iinfo(samples.dtype).min)
    samples = samples.astype(np.float32)
    if not np.isfinite(samples).all():
        raise ValueError("NaN or infinity in it")
    return int(rate), samples.mean(axis=1) if samples.ndim == 2 else samples


def resampled(found: int, samples: np.ndarray, rate: int) -> np.ndarray:
    """Return samples (n,) of ``found`` Hz at ``rate`` Hz, by a polyphase filter."""
    if found == rate:
        return samples
    from scipy.signal import resample_poly

    common = gcd(found, rate)
    out: np.ndarray = resample_poly(samples, rate // common, found // common)
    return out.astype(np.float32)


def fitted(samples: np.ndarray, length: int) -> np.ndarray:
    """Return samples (n,) as (length,): the middle of a longer one, a shorter one with silence behind."""
    start = max((len(samples) - length) // 2, 0)
    return np.pad(samples[start : start + length], (0, max(length - len(samples), 0)))


Plugin = Recordings

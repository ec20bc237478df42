"""A folder of recordings, one folder per class, through a front end or as they are."""

from collections import Counter
from collections.abc import Sequence
from math import gcd
from pathlib import Path

import numpy as np

from latent_nas.extras import need
from latent_nas.front_end import FrontEnd
from latent_nas.readers import Raw, Reader, Wanted, number
from latent_nas.readers import _wav as wav
from latent_nas.readers._folders import Labelled, class_files, holds, in_groups, left_out
from latent_nas.readers._lists import listed
from latent_nas.readers._tabled import by_table

FASTEST = 16_000  # Hz; a microcontroller that listens seldom samples faster
SLOWEST, QUICKEST = 8, 1_000_000  # Hz; beyond both a header is wrong
FACTOR = 64  # from a recording's rate to the one of most: beyond it the header is wrong
OTHERS = {".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au"}  # read by soundfile
SUFFIXES = {".wav", ".wave", *OTHERS}
LOUDEST = 1e6  # of float samples; beyond it they are none
SILENT = 1e-3  # of the channels' power, below which their mean is called silence
RAW = "raw"
LARGEST = 1 << 32  # bytes of all samples


class Recordings(Reader):
    """Reads mono or stereo, 8 to 32 bits, of any rate; all are brought to one rate and one length."""

    about = "a folder of recordings by class (CLASS/*.wav, .flac, .ogg; or such a table)"
    uses = ("front", "rate", "seconds", "labels", "group", "label")

    def takes(self, path: Path) -> bool:
        """Return whether there is a recording below the folder."""
        return holds(path, SUFFIXES)

    def audio(self, file: Path, front_end: FrontEnd) -> np.ndarray:
        """Return a recording as int16 samples (samples,), of which the front end makes what ``read`` gives."""
        return front_end.heard(_told(file, front_end.rate, front_end.samples))

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
        """Return what the front end makes of them, (frames, values, 1), or the samples, (samples, 1, channels)."""
        if wanted.labels and wanted.label:
            raise ValueError("labels= takes the classes from folders, --label from a table; leave one of them out")
        told = None if wanted.labels else by_table(path, SUFFIXES, wanted)
        files, notes, grouped = told or (*class_files(path, SUFFIXES, wanted), "")
        files, said = listed(path, files, told is not None)
        notes += [*said, *left_out(path, SUFFIXES)]
        skipped: list[tuple[str, str]] = []
        opened: list[tuple[Labelled, int, int, int]] = []  # file, rate, samples, channels
        opposed = 0
        for file in files:
            try:
                found, samples = _open(file.file)
                opened.append((file, found, *samples.shape))
                opposed += wanted.front != RAW and _cancels(samples)
            except ValueError as error:
                skipped.append((str(file.file.relative_to(path)), str(error).splitlines()[0][:100]))
        if not opened:
            raise ValueError(f"{path}: none of {len(files)} recordings can be read; the first: {': '.join(skipped[0])}")
        rates = Counter(found for _, found, *_ in opened)
        rate = wanted.rate or min(rates.most_common(1)[0][0], FASTEST)
        opened = _plausible(path, opened, rate, skipped)
        rates = Counter(found for _, found, *_ in opened)
        lengths = np.array([-(-length * rate // found) for _, found, length, _ in opened])
        usual = int(max(round(wanted.seconds * rate if wanted.seconds else np.quantile(lengths, 0.95)), 1))
        notes += [
            f"{n} recordings of {r} Hz were resampled to {rate} Hz" for r, n in sorted(rates.items()) if r != rate
        ]
        if lengths.min() != usual or lengths.max() != usual:
            cut, filled = int((lengths > usual).sum()), int((lengths < usual).sum())
            notes.append(
                f"all were brought to {usual / rate:.2f} s: {cut} cut at both ends, {filled} filled with silence"
                " ('?seconds=' says another length)"
            )
        if opposed:
            notes.append(
                f"{opposed} recordings have channels that cancel out: the first channel is taken, not the mean"
            )
        front_end = None if wanted.front == RAW else FrontEnd.of(rate, usual, wanted.front)
        kept = [file for file, *_ in opened]
        x = _heard(path, kept, rate, usual, front_end, notes)
        y, classes = number([file.label for file in kept])
        return Raw(
            x=x,
            y=y,
            classes=classes,
            part=np.array([file.part for file in kept], np.int64),
            names=tuple(str(file.file.relative_to(path)) for file in kept),
            what="recordings",
            skipped=tuple(skipped),
            notes=tuple(notes),
            sizes={f"{r} Hz": n for r, n in rates.most_common()},
            keep=(3,) if front_end is None else (2,),
            front_end=front_end,
            **in_groups(kept, wanted, grouped),
        )


def _told(file: Path, rate: int, samples: int) -> np.ndarray:
    """Return a recording as the front end hears it: one channel, of the rate and length that all have."""
    found, read = _open(file)
    return fitted(resampled(found, _mono(read), rate), samples)


def _heard(
    path: Path, files: Sequence[Labelled], rate: int, samples: int, front_end: FrontEnd | None, notes: list[str]
) -> np.ndarray:
    """Return the network's input of every recording; one at a time, as they are long and spectra are not."""
    if front_end is not None:
        return np.concatenate([front_end(_told(file.file, rate, samples)[None]) for file in files])
    read = [_open(file.file) for file in files]
    channels = min(s.shape[1] for _, s in read)
    if any(s.shape[1] != channels for _, s in read):
        notes.append(f"recordings differ in channels: the first {channels} of each are taken")
    if len(files) * samples * channels * 4 > LARGEST:
        size = len(files) * samples * channels * 4 >> 30
        raise ValueError(
            f"{path}: as raw samples they take {size} GB; at most {LARGEST >> 30} GB are read: say seconds="
        )
    each = [[fitted(resampled(found, s[:, c], rate), samples) for c in range(channels)] for found, s in read]
    return np.ascontiguousarray(np.array(each, np.float32).transpose(0, 2, 1)[:, :, None, :])


def _plausible(
    path: Path, opened: list[tuple[Labelled, int, int, int]], rate: int, skipped: list[tuple[str, str]]
) -> list[tuple[Labelled, int, int, int]]:
    """Return the recordings whose rate is not far from the one of most."""
    kept = [one for one in opened if max(one[1], rate) <= FACTOR * min(one[1], rate)]
    skipped += [
        (str(file.file.relative_to(path)), f"its header says {found} Hz, wanted something near {rate} Hz")
        for file, found, *_ in opened
        if max(found, rate) > FACTOR * min(found, rate)
    ]
    if not kept:
        raise ValueError(f"{path}: no recording has a rate near {rate} Hz; the first: {': '.join(skipped[-1])}")
    return kept


def _open(file: Path) -> tuple[int, np.ndarray]:
    """Return the rate and the samples (n, channels) from -1 to 1.

    Raises:
        ValueError: it can't be read, or holds nothing that can be heard.
    """
    try:
        rate, samples = _decoded(file) if file.suffix.lower() in OTHERS else wav.read(file)
    except OSError as error:
        raise ValueError(error.strerror or "can't be opened") from None
    if not len(samples):
        raise ValueError("no samples in it")
    if not SLOWEST <= rate <= QUICKEST:
        raise ValueError(f"its header says {rate} Hz")
    if not np.isfinite(samples).all():
        raise ValueError("NaN or infinity in it")
    if np.abs(samples).max() > LOUDEST:
        raise ValueError(f"samples up to {np.abs(samples).max():.3g}; wanted -1 to 1, as floats have them")
    return rate, samples


def _decoded(file: Path) -> tuple[int, np.ndarray]:
    soundfile = need("soundfile", "data")
    try:
        samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
    except RuntimeError as error:  # what soundfile raises for all that libsndfile can't read
        raise ValueError(str(error).rsplit(": ", maxsplit=1)[-1]) from None
    return int(rate), samples


def _cancels(samples: np.ndarray) -> bool:
    """Return whether the mean of the channels (n, channels) is silence, though they are not."""
    exact = samples.astype(np.float64)
    loud = float((exact**2).mean())
    return samples.shape[1] > 1 and loud > 0 and float((exact.mean(axis=1) ** 2).mean()) < SILENT * loud


def _mono(samples: np.ndarray) -> np.ndarray:
    """Return the mean of the channels (n, channels), or the first one where they cancel out."""
    mono: np.ndarray = samples[:, 0] if samples.shape[1] == 1 or _cancels(samples) else samples.mean(axis=1)
    return mono


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

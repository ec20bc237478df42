"""Recordings as samples of one length: cut into windows, padded or cut short, gaps named or filled."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from latent_nas.readers import LENGTHS, Raw, Wanted

MOST_LEFT = 0.5  # of the samples may be dropped for missing numbers; beyond that something else is wrong
LARGEST = 1 << 32  # bytes of all samples as float32


@dataclass(frozen=True)
class Recording:
    """Steps of one thing.

    Attributes:
        name: where it comes from. values: (steps, channels) float32, NaN where a number is missing. answer: a class's
            name, or numbers as texts. part: index of ``PARTS``, or -1. group: what it shares with others, "" if
                    nothing. gap: where the first number is missing. origin: the recording that a window is of.
    """

    name: str
    values: np.ndarray
    answer: tuple[str, ...]
    part: int = -1
    group: str = ""
    gap: str = ""
    origin: str = ""


@dataclass(frozen=True)
class Samples:
    """What became of recordings.

    Attributes:
        x: (n, steps, 1, channels). recordings: that of each sample. skipped, notes: as in ``readers.Raw``.
        cut: whether several samples come from one recording.
    """

    x: np.ndarray
    recordings: tuple[Recording, ...]
    skipped: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    cut: bool


def samples(where: object, recordings: Sequence[Recording], wanted: Wanted, word: str = "recordings") -> Samples:
    """Return recordings as samples of one length, in their order.

    Args:
        where: the file, for messages. word: for recordings, in the plural.

    Raises:
        ValueError: several lengths or missing numbers and nothing asked for, or no sample that is left.
    """
    channels = {r.values.shape[1] for r in recordings}
    if len(channels) > 1:
        raise ValueError(f"{where}: {word} have {' and '.join(map(str, sorted(channels)))} channels; wanted the same")
    notes: list[str] = []
    if wanted.missing == "interpolate":
        filled = [_filled(r) for r in recordings]
        gaps = sum(int(np.isnan(r.values).sum()) for r in recordings) - sum(
            int(np.isnan(r.values).sum()) for r in filled
        )
        notes += [f"{gaps} missing numbers are interpolated between their neighbours in time"] if gaps else []
        recordings = filled
    skipped: list[tuple[str, str]] = []
    if wanted.window:
        recordings, said = _windows(where, recordings, wanted, skipped, word)
        notes += said
    recordings, said = _gapless(where, recordings, wanted, skipped, word if not wanted.window else "windows")
    notes += said
    lengths = Counter(len(r.values) for r in recordings)
    if len(lengths) > 1 or (wanted.length.isdecimal() and int(wanted.length) not in lengths):
        recordings, said = _one_length(where, recordings, lengths, wanted, word)
        notes += said
    total = sum(r.values.size for r in recordings) * 4
    if total > LARGEST:
        raise ValueError(
            f"{where}: {len(recordings)} samples take {total >> 30} GB; at most {LARGEST >> 30} GB are read"
        )
    x = np.stack([r.values for r in recordings])[:, :, None, :].astype(np.float32)
    cut = wanted.window > 0 and len({r.origin for r in recordings}) < len(recordings)
    return Samples(x, tuple(recordings), tuple(skipped), tuple(notes), cut)


def grouped(found: Samples, groups: str, wanted: Wanted) -> dict[str, object]:
    """Return the fields of ``Raw`` on groups: what they say, else the recordings that windows are cut from."""
    named = [r.group for r in found.recordings]
    if any(named):
        ids = np.unique(named, return_inverse=True)[1].reshape(-1)
        asked = wanted.group not in ("", "none")
        return {"group": None if wanted.group == "none" else ids, "groups": groups, "asked": asked}
    if wanted.group not in ("", "none", "file"):
        raise ValueError(f"there is nothing called {wanted.group!r} for --group here; it can be file or none")
    if found.cut and wanted.group != "none":
        ids = np.unique([r.origin for r in found.recordings], return_inverse=True)[1].reshape(-1)
        return {"group": ids, "groups": "recordings", "asked": False}
    return {}


def _filled(recording: Recording) -> Recording:
    """Return a recording with gaps filled linearly in time, at its ends by the nearest number."""
    values = recording.values
    if not np.isnan(values).any():
        return recording
    values, at = values.copy(), np.arange(len(values))
    for column in values.T:
        known = ~np.isnan(column)
        if known.any():
            column[:] = np.interp(at, at[known], column[known])
    return replace(recording, values=values)


def _windows(
    where: object, recordings: Sequence[Recording], wanted: Wanted, skipped: list[tuple[str, str]], word: str
) -> tuple[list[Recording], list[str]]:
    window, hop = wanted.window, wanted.hop or wanted.window
    cut = []
    rest = 0
    for r in recordings:
        starts = range(0, len(r.values) - window + 1, hop)
        if not starts:
            skipped.append((r.name, f"{len(r.values)} steps, a window has {window}"))
        rest += (len(r.values) - window) % hop if starts else 0
        each = ((f"{r.name}, steps {i} to {i + window - 1}", r.values[i : i + window]) for i in starts)
        cut += [replace(r, name=name, values=values, origin=r.origin or r.name) for name, values in each]
    if not cut:
        longest = max(len(r.values) for r in recordings)
        raise ValueError(
            f"{where}: no window of {window} steps fits, the longest of {len(recordings)} {word} has {longest} steps;"
            " say a smaller --window"
        )
    many = len({r.origin or r.name for r in recordings})  # pieces of one are one
    said = f"{many} {word} are cut into {len(cut)} windows of {window} steps, one every {hop}"
    said += f": {hop - window} steps between them are in none" if hop > window else ""
    return cut, [said + (f"; {rest} steps at their ends are left over" if rest else "")]


def _gapless(
    where: object, recordings: Sequence[Recording], wanted: Wanted, skipped: list[tuple[str, str]], word: str
) -> tuple[Sequence[Recording], list[str]]:
    """Return the recordings that lack no number."""
    lacking = [r for r in recordings if np.isnan(r.values).any()]
    if not lacking:
        return recordings, []
    cells = sum(int(np.isnan(r.values).sum()) for r in lacking)
    first = lacking[0]
    place = f"{first.name}{', ' * bool(first.gap)}{first.gap}"
    said = f"{cells} numbers are missing in {len(lacking)} of {len(recordings)} {word}, the first in {place}"
    if wanted.missing != "drop":
        also = "; interpolation left them, as a whole column is empty there" if wanted.missing else ""
        raise ValueError(
            f"{where}: {said}{also}; say --missing interpolate (fills them between their neighbours in time) or"
            f" --missing drop (leaves such {word} out)"
        )
    if len(lacking) > MOST_LEFT * len(recordings):
        raise ValueError(
            f"{where}: {said}, too many to drop; say --missing interpolate, or leave a column out (?omit=)"
        )
    skipped += [(r.name, "a number is missing") for r in lacking]
    bad = {id(r) for r in lacking}
    return [r for r in recordings if id(r) not in bad], []


def _one_length(
    where: object, recordings: Sequence[Recording], lengths: Counter[int], wanted: Wanted, word: str
) -> tuple[list[Recording], list[str]]:
    low, high = min(lengths), max(lengths)
    if not wanted.length:
        raise ValueError(
            f"{where}: {word} have from {low} to {high} steps; say --length {high} (shorter ones are padded with their"
            f" last step), --length {low} (longer ones are cut at their end), or --window STEPS (cut into windows)"
        )
    steps = {"shortest": low, "longest": high}.get(wanted.length) or int(wanted.length)
    if low < 1:
        raise ValueError(f"{where}: {next(r.name for r in recordings if not len(r.values))} has no steps")
    assert wanted.length in LENGTHS or wanted.length.isdecimal()
    cut, padded = sum(n for k, n in lengths.items() if k > steps), sum(n for k, n in lengths.items() if k < steps)
    fitted = [
        replace(r, values=np.pad(r.values[:steps], ((0, max(steps - len(r.values), 0)), (0, 0)), mode="edge"))
        for r in recordings
    ]
    return fitted, [
        f"all {word} were brought to {steps} steps: {cut} cut at their end, {padded} padded with the last step"
    ]


def described(raw: Raw) -> Raw:
    """Return series with their size said."""
    channels = f"{raw.x.shape[3]} channel{'s' * (raw.x.shape[3] > 1)}"
    return replace(raw, sizes={f"{raw.x.shape[1]} steps of {channels}": len(raw.x)})

"""The front end for audio in C: bit for bit as ``spectrum`` works it out, a recording at once or while it is heard."""

import numpy as np

from latent_nas.firmware import audio_c, audio_dsp
from latent_nas.firmware.naming import wrapped
from latent_nas.front_end import FrontEnd
from latent_nas.spectrum import COSINE, LOG_STEPS, OCTAVE, POWER_SHIFT, SOFTEST, Tables


def source(ear: FrontEnd, prefix: str) -> str:
    """Return the C that stands behind ``<prefix>_quantise``."""
    what, silent, kept = "windows, Fourier transform, mel bands, logarithm", *between(ear.window, ear.hop)
    both = audio_c.BOTH.format(kept=kept) if kept else ""
    heard = audio_c.HEARD.format(p=prefix, P=prefix.upper(), silent=silent, both=both, kept=kept)
    return transform(ear.tables, ear.window, ear.hop, prefix, what) + heard


def between(window: int, hop: int) -> tuple[int, int]:
    """Return how many samples are left out between two frames, and how many both have."""
    return max(hop - window, 0), max(window - hop, 0)


def transform(t: Tables, window: int, hop: int, prefix: str, what: str) -> str:
    """Return the C of ``frame``, which makes values of a window's samples; ``what``: they are, for the comment."""
    half, mfcc = len(t.order), len(t.cosines)
    first, pairs, weights = _in_pairs(t)
    return audio_c.TRANSFORM.format(
        p=prefix,
        what=what,
        window=window,
        hop=hop,
        half=half,
        bands=len(t.first),
        hann=_array("int16_t", "hann", _hann(t.window, half), " __attribute__((aligned(4)))"),
        order=_array("uint16_t", "order", t.order[: half // 4]),
        stages="\n".join(_stage(t.turns, half, size) for size in _sizes(half))
        + (_pairs("turns", np.minimum(2 * t.turns[:: half // 8][:4], 2**31 - 1)) if _odd(half) else ""),
        fours="\n".join(f"    four({size}, turns{size});" for size in _sizes(half)),
        splits=_pairs("splits", t.splits),
        first=_array("uint16_t", "first", first),
        pairs=_array("uint16_t", "pairs", pairs),
        weights=_array("uint16_t", "weights", weights, " __attribute__((aligned(4)))"),
        logs=_array("uint16_t", "logs", t.logs),
        cosines=_array("int16_t", "cosines", t.cosines.reshape(-1)) if mfcc else "",
        floor=t.floor,
        softest=SOFTEST,
        shift=POWER_SHIFT,
        octave=OCTAVE,
        steps=LOG_STEPS,
        products=_products(_odd(half)),
        stage=audio_c.FOUR.format(four=audio_dsp.four(prefix)) if _sizes(half) else "",
        weighted=audio_dsp.weighted(prefix),
        powers=audio_dsp.powers(prefix),
        begins=audio_c.RAISED + _first(window, 2 * half, prefix),
        two=audio_c.TWO.format() if _odd(half) else "",
        values=audio_c.MFCC.format(n=mfcc, round=COSINE >> 1) if mfcc else audio_c.BANDS.format(),
    )


def _products(odd: bool) -> str:
    """Return the C of rounded products; with the DSP extension only a stage of two points is in C."""
    plain, turned = audio_c.PRODUCTS.format(), audio_c.TURNED.format()
    if odd:
        return f"#ifdef WITH_DSP\n{audio_dsp.products()}\n#else\n{plain}\n#endif{turned}"
    return f"#ifndef WITH_DSP\n{plain}{turned}\n#endif"


def _first(window: int, points: int, prefix: str) -> str:
    """Return the C of the first stages; windows that are no power of two have no other than the plain one."""
    plain = audio_c.FIRST.format(softest=SOFTEST)
    if window < points or points > audio_dsp.MOST_POINTS:
        return plain
    return f"#ifdef WITH_DSP\n{audio_dsp.first(prefix, points // 2)}\n#else\n{plain}\n#endif"


def _odd(half: int) -> bool:
    return bool((half.bit_length() - 1) % 2)


def _sizes(half: int) -> list[int]:
    """Return the sizes of the stages of four points."""
    first = 8 if _odd(half) else 4
    return [first * 4**i for i in range(10) if first * 4**i < half]


def _stage(turns: np.ndarray, half: int, size: int) -> str:
    """Return the turns of a stage in the order in which it takes them."""
    step = half // (4 * size)
    rows = [", ".join(_q31(v) for times in (1, 3, 2) for v in turns[times * k * step].tolist()) for k in range(size)]
    rows = [f"{{{row}}}" for row in rows]
    return f"static const int32_t turns{size}[{size}][6] = {{\n    {wrapped(rows, 2)},\n}};"


def _in_pairs(t: Tables) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return of every band its first bin and how many pairs of bins it has, and all weights: a 0 pairs an odd one."""
    last = len(t.order)
    first = np.where((t.count % 2 == 1) & (t.first + t.count > last), t.first - 1, t.first)
    weights = np.split(t.weights, np.cumsum(t.count)[:-1])
    padded = [
        np.pad(w, (old - new, (len(w) + old - new) % 2)) for w, old, new in zip(weights, t.first, first, strict=True)
    ]
    return first, np.array([len(w) // 2 for w in padded]), np.concatenate(padded)


def _hann(window: np.ndarray, half: int) -> np.ndarray:
    """Return a window in the order in which the first stages take it, zeros behind it: two complex points at a time."""
    parts = np.zeros(2 * half, np.int64)
    parts[: len(window)] = window
    return parts.reshape(2, 2, half // 4, 2).transpose(2, 1, 3, 0).reshape(-1)


def _array(kind: str, name: str, values: np.ndarray, attributes: str = "") -> str:
    return f"static const {kind} {name}[{len(values)}]{attributes} = {{\n    {wrapped(values.tolist())},\n}};"


def _pairs(name: str, values: np.ndarray) -> str:
    rows = [f"{{{_q31(a)}, {_q31(b)}}}" for a, b in values.tolist()]
    return f"static const int32_t {name}[{len(rows)}][2] = {{\n    {wrapped(rows, 4)},\n}};"


def _q31(value: int) -> str:
    return "-2147483647 - 1" if value == -(2**31) else str(value)

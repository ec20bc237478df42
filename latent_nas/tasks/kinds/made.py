"""Anomalies made of normal samples, for networks that are to tell what is normal and see nothing else.

Three sorts, which fit images and time series alike: a sample's own values in another order, a piece from elsewhere, and
something added. Every batch of a training gets new ones.
"""

import numpy as np

SHARES = (0.5, 0.25, 0.25)  # of reordered, patched and disturbed samples; chosen on validation, docs/results


def made_of(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return as many anomalies (n, height, width, channels) as there are normal samples, one of each."""
    sort = rng.choice(len(SHARES), len(x), p=SHARES)
    made = np.array([reordered(x, rng), patched(x, rng), disturbed(x, rng)])
    return np.ascontiguousarray(made[sort, np.arange(len(x))], np.float32)


def reordered(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return each sample's own values, the smallest where a smooth noise is smallest and so on."""
    noise = _smooth(x.shape, rng).reshape(len(x), -1)
    ranks = noise.argsort(axis=1).argsort(axis=1)
    return np.take_along_axis(np.sort(x.reshape(len(x), -1), axis=1), ranks, axis=1).reshape(x.shape)


def patched(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return samples with a box, a quarter to three quarters as long as they are, from elsewhere in another one."""
    out, other = x.copy(), x[rng.permutation(len(x))]
    for to, source in zip(out, other, strict=True):
        (top, left), (height, width) = _box(x.shape[1:3], rng)
        places = zip(x.shape[1:3], (height, width), strict=True)
        down, right = (int(rng.integers(side - size + 1)) for side, size in places)
        to[top : top + height, left : left + width] = source[down : down + height, right : right + width]
    return out


def disturbed(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return samples with smooth noise, a wave or a few spikes added, or stronger or weaker than they were."""
    each = (len(x), 1, 1, 1)
    mean, std = x.mean(axis=(1, 2), keepdims=True), max(float(x.std()), 1e-6)
    time = np.arange(x.shape[1]).reshape(1, -1, 1, 1)
    wave = np.sin(2 * np.pi * (rng.uniform(0.02, 0.5, each) * time + rng.random(each))) * np.ones(x.shape)
    spikes = np.where(rng.random(x.shape) < rng.uniform(0.01, 0.1, each), rng.normal(0, 3, x.shape), 0)
    added = np.array([_smooth(x.shape, rng), wave, spikes]) * std * rng.uniform(0.5, 2.5, each)
    gain = np.exp2(rng.uniform(0.5, 1.5, each) * rng.choice((-1, 1), each))
    changed = np.concatenate([x + added, (mean + gain * (x - mean))[None]])
    return changed[rng.integers(len(changed), size=len(x)), np.arange(len(x))]


def _box(sides: tuple[int, ...], rng: np.random.Generator) -> tuple[list[int], list[int]]:
    """Return the place and the size of a box within the sides of an image."""
    sizes = [int(rng.integers(max(side // 4, 1), max(3 * side // 4, 1) + 1)) for side in sides]
    return [int(rng.integers(side - size + 1)) for side, size in zip(sides, sizes, strict=True)], sizes


def _smooth(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return noise (n, height, width, channels) of standard deviation 1, each smoothed none, one or two times."""
    passes = rng.integers(3, size=(shape[0], 1, 1, 1))
    noise = rng.normal(size=shape)
    for done in range(2):
        once = noise
        for axis in (1, 2):
            once = once + np.roll(once, 1, axis) + np.roll(once, -1, axis)
        noise = np.where(passes > done, once, noise)
    return noise / np.maximum(noise.std(axis=(1, 2, 3), keepdims=True), 1e-6)

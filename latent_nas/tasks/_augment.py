"""Images varied at random, as training sees them."""

import numpy as np


def moved_and_mirrored(x: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Return each image (n, h, w, c) shifted by up to ``most`` pixels, filled with 0, and mirrored half of the time."""
    height, width = x.shape[1:3]
    padded = np.pad(x, ((0, 0), (most, most), (most, most), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    down, right = rng.integers(2 * most + 1, size=(2, len(x)))
    cut = windows[np.arange(len(x)), down, right].transpose(0, 2, 3, 1)
    return np.where(rng.random((len(x), 1, 1, 1)) < 0.5, cut[:, :, ::-1], cut)

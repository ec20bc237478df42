"""When two computations of one network agree: the inputs that both are fed, and how far floats may be apart."""

import sys
from pathlib import Path

import numpy as np

from latent_nas.operators import Shape

INPUTS = 16
FLOAT_TOLERANCE = 0.01  # of the standard deviation of a tensor: float32 sums in another order stay far below
ROUNDING = 1e-5  # of the largest magnitude of a tensor, beside it
LOST = 0.3  # of the outputs' standard deviation: what int8 loses beyond that is said
FEWEST, MOST = 8, 256  # inputs to look at what int8 loses


def random_inputs(shape: Shape, low: float, high: float, n: int = INPUTS) -> np.ndarray:
    """Return random inputs (n, *shape), channels last, between two reals: noise around a level of each input's own."""
    random = np.random.default_rng(0)
    noise = random.uniform(low, high, (n, *shape))
    middle = random.uniform(low, high, (n, *[1] * (len(shape) - 1), shape[-1]))  # noise alone pools to nothing
    x: np.ndarray = middle + (noise - middle) * random.uniform(size=(n, *[1] * len(shape)))
    return x


def floats_differ(ours: np.ndarray, theirs: np.ndarray) -> str | None:
    """Return how far two float tensors of one shape are apart, where that is too far."""
    apart = float(np.abs(ours - theirs).max())
    allowed = FLOAT_TOLERANCE * float(theirs.std()) + ROUNDING * float(np.abs(theirs).max()) + 1e-7
    return None if apart <= allowed else f"up to {apart:.3g} apart, {allowed:.3g} is allowed"


def say_loss(path: Path, x: np.ndarray, floats: np.ndarray, rounded: np.ndarray, step: float) -> None:
    """Say on stderr that int8 loses much of a float file's outputs, and whether its input is why.

    Args:
        x: inputs (n, ..., channels). floats: outputs of these, (n, features) or (n, channels, height, width). rounded:
            as int8 has them, channels last. step: the scale of the int8 input.
    """
    n, theirs = len(x), np.moveaxis(floats, 1, -1).reshape(len(x), -1)
    around = float(np.sqrt(theirs.var(axis=0).mean()))
    error = float(np.sqrt(np.square(theirs - rounded.reshape(n, -1)).mean()))
    if n < FEWEST or error <= LOST * around:
        return
    spread = x.reshape(-1, x.shape[-1]).std(axis=0)
    hidden = np.flatnonzero((spread > 0) & (spread < step)).tolist()
    why = "give more calibration data, or fine-tune the model"
    if hidden:
        why = (
            f"its input has one int8 scale, {step:.3g}, and features {hidden[:8]} vary by less: scale them before the"
            " model, and export it without its scaler"
        )
    print(
        f"note: {path}: int8 loses what its outputs tell: their error on the calibration data is"
        f" {error / max(around, 1e-30):.0%} of their deviation (rms); {why}",
        file=sys.stderr,
    )

"""When two computations of one network agree: the inputs that both are fed, and how far floats may be apart."""

import numpy as np

from latent_nas.operators import Shape

INPUTS = 16
FLOAT_TOLERANCE = 0.01  # of the standard deviation of a tensor: float32 sums in another order stay far below
ROUNDING = 1e-5  # of the largest magnitude of a tensor, beside it


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

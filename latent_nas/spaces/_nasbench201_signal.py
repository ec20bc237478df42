"""How a signal spreads through a network of NAS-Bench-201 with random weights: reckoned, no weight drawn, no data read.

What a batch norm lets out has power 1 and is independent of everything else, what a sum adds up keeps its share of the
power. So the power of every value, and what that power has been through on the mean, follow from the cell alone: as of
an ensemble of paths (Veit et al., "Residual networks behave like ensembles of relatively shallow networks", NeurIPS
2016), weighted by what each of them carries. How much closer two images come in a layer is the arc-cosine kernel's map
(Cho and Saul, "Kernel methods for deep learning", NeurIPS 2009; Poole et al., "Exponential expressivity in deep neural
networks through transient chaos", NeurIPS 2016).
"""

import numpy as np

from latent_nas.spaces._nasbench201_cells import CELLS_EACH, CONV1, CONV3, EDGES, POOL, SKIP, WIDTHS

PAST = CONV3S, CONV1S, POOLS, NEAR, FIELD, SMOOTH, DEPTH, DEPTH_SQUARED = range(8)
IMAGE = (0, 0, 0, 0.9, 0, 0.9, 0, 0)  # two images that differ little, and pixels that resemble their neighbours
PLACES = {(0, 0): "cell1", **{(s, CELLS_EACH - 1): f"stage{s + 1}" for s in range(len(WIDTHS))}}  # (stage, cell) told
POOLINGS = np.arange(4)  # in a row, on a way of three edges
WINDOW = 2 / 3  # pixels^2: the variance of a place in a window of three
FADED = 1e-6  # the least power; poolings in a row never end


def signal_features(genes: np.ndarray) -> dict[str, np.ndarray]:
    """Return columns (n,) of cells without dead edges (n, 6); of a network without a path they are zero.

    After the first cell and after every stage: ``power`` (its logarithm); and on the mean over the power: ``conv3``,
    ``conv1`` and ``pool``, operators passed; ``near``, the correlation of two images, 0.9 at first; ``field``, the
    variance of the places seen, in pixels^2; ``smooth``, the correlation of neighbouring pixels. ``spread`` is the std
    of the rectified convolutions passed: of paths of many lengths it is large.
    """
    n = len(genes)
    routes = _routes(genes)
    dead = ~routes[3].any(axis=(1, 2))
    power, past = np.ones(n), np.tile(IMAGE, (n, 1))
    found: dict[str, np.ndarray] = {}
    for stage in range(len(WIDTHS)):
        if stage:
            power, past = _halved(power, past)
        for cell in range(CELLS_EACH):
            power, past = _cell(genes, routes, power, past)
            if place := PLACES.get((stage, cell)):
                told = {
                    name: past[:, i] for i, name in enumerate(("conv3", "conv1", "pool", "near", "field", "smooth"))
                }
                told["power"] = np.log(power)
                told["spread"] = np.sqrt(np.maximum(past[:, DEPTH_SQUARED] - past[:, DEPTH] ** 2, 0))
                found |= {f"signal.{place}.{name}": np.where(dead, 0, column) for name, column in told.items()}
    return found


def _routes(genes: np.ndarray) -> list[np.ndarray]:
    """Return for each node how often every source comes in after so many poolings, (n, sources, poolings).

    The sources are the cell's input and, one behind, the convolution on each edge.
    """
    nodes = [np.zeros((len(genes), 1 + len(EDGES), len(POOLINGS))) for _ in range(4)]
    nodes[0][:, 0, 0] = 1
    for edge, (a, b) in enumerate(EDGES):
        kind = genes[:, edge]
        nodes[b] += (kind == SKIP)[:, None, None] * nodes[a]
        nodes[b][..., 1:] += (kind == POOL)[:, None, None] * nodes[a][..., :-1]
        nodes[b][:, 1 + edge, 0] += np.isin(kind, (CONV1, CONV3)) & nodes[a].any(axis=(1, 2))
    return nodes


def _cell(
    genes: np.ndarray, routes: list[np.ndarray], power: np.ndarray, past: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return power (n,) and past (n, len(PAST)) of a cell's output from those of its input."""
    powers = np.ones(routes[0].shape[:2])
    pasts = np.zeros((*powers.shape, len(PAST)))
    powers[:, 0], pasts[:, 0] = power, past
    read: dict[int, np.ndarray] = {}
    for edge, (a, _) in enumerate(EDGES):
        if a not in read:  # every edge into it went before
            read[a] = _sum(routes[a], powers, pasts)[1]
        pasts[:, 1 + edge] = _convolved(read[a], genes[:, edge] == CONV3)
    return _sum(routes[3], powers, pasts)


def _sum(routes: np.ndarray, powers: np.ndarray, pasts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return power (n,) and past (n, len(PAST)) of a node: what a source sends by several ways adds up coherently."""
    smooth = pasts[..., SMOOTH]
    kept = (1 + 4 * smooth + 4 * smooth**2) / 9  # of its power in a pooling of nine pixels
    amplitudes = routes * np.sqrt(kept)[..., None] ** POOLINGS
    amplitude = amplitudes.sum(axis=-1)
    share = amplitudes / np.maximum(amplitude, FADED)[..., None]  # of each number of poolings
    poolings = share @ POOLINGS
    pasts = pasts.copy()
    pasts[..., POOLS] += poolings
    pasts[..., FIELD] += WINDOW * poolings
    pasts[..., SMOOTH] = 1 - (1 - smooth) * (share @ (1 / 3.0) ** POOLINGS)
    each = powers * amplitude**2
    power = each.sum(axis=1)
    return np.maximum(power, FADED), (each[..., None] * pasts).sum(axis=1) / np.maximum(power, FADED)[:, None]


def _convolved(past: np.ndarray, three: np.ndarray) -> np.ndarray:
    """Return the past (n, len(PAST)) behind a rectifier, a convolution, of 3 x 3 where ``three`` (n,), and its norm."""
    past = past.copy()
    past[:, CONV3S] += three
    past[:, CONV1S] += ~three
    past[:, FIELD] += WINDOW * three
    past[:, DEPTH_SQUARED] += 2 * past[:, DEPTH] + 1
    past[:, DEPTH] += 1
    for correlation in (NEAR, SMOOTH):
        past[:, correlation] = _rectified(past[:, correlation])
    return past


def _rectified(correlation: np.ndarray) -> np.ndarray:
    """Return the correlation of two values behind a rectifier and a batch norm; what was unrelated stays so."""
    c = np.clip(correlation, 0, 1)
    kernel = (np.sqrt(1 - c**2) + c * (np.pi - np.arccos(c))) / np.pi  # 1 / pi of unrelated ones
    return (kernel - 1 / np.pi) / (1 - 1 / np.pi)


def _halved(power: np.ndarray, past: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return power and past behind the block that halves the image: two convolutions beside pooling and a 1 x 1."""
    three = np.ones(len(past), bool)
    deep, flat = _convolved(_convolved(past, three), three), past.copy()
    flat[:, CONV1S] += 1
    flat[:, POOLS] += 0.5  # of four pixels, not nine
    flat_power = power * (1 + 8 * past[:, SMOOTH]) / 9  # near (1 + s)^2 / 4, what four pixels of correlation s keep
    past = (deep + flat * flat_power[:, None]) / (1 + flat_power)[:, None]
    past[:, FIELD] /= 4
    past[:, SMOOTH] **= 2
    return 1 + flat_power, past

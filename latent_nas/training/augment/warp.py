"""Images seen from moved places: turned, sized, sheared and bent, all in one interpolation, since each one blurs."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

# places (n, height, width, 2), across and down, in pixels from the centre; how far; a generator -> places of that shape
Warp = Callable[["torch.Tensor", float, np.random.Generator], "torch.Tensor"]
KNOTS = 7  # pixels from one of ``elastic``'s displacements to the next, about


def affine(places: "torch.Tensor", degrees: float, rng: np.random.Generator) -> "torch.Tensor":
    """Turn images by up to so many degrees, and enlarge and shear them by up to a hundredth for each of them."""
    import torch

    n = len(places)
    angle = np.deg2rad(rng.uniform(-degrees, degrees, n))
    sizes = 1 + rng.uniform(-degrees, degrees, (2, n)) / 100
    shear = rng.uniform(-degrees, degrees, n) / 100
    turn = np.stack([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]).transpose(2, 0, 1)
    matrix = turn * sizes.T[:, None, :]
    matrix[:, 0, 1] += shear
    moved = places.reshape(n, -1, 2) @ torch.from_numpy(matrix.astype(np.float32)).transpose(1, 2)
    return moved.view(places.shape)


def elastic(places: "torch.Tensor", pixels: float, rng: np.random.Generator) -> "torch.Tensor":
    """Move places smoothly, each by about so many pixels (Simard et al. 2003).

    Displacements are drawn at a grid ``KNOTS`` pixels apart, with that standard deviation, and smooth in between.
    """
    import torch

    n, height, width, _ = places.shape
    down, across = _between(height), _between(width)
    drawn = rng.normal(0, pixels, (n, 2, down.shape[1], across.shape[1])).astype(np.float32)
    return places + (down @ torch.from_numpy(drawn) @ across.T).permute(0, 2, 3, 1)


def warped(x: np.ndarray, warps: Sequence[tuple[Warp, float]], rng: np.random.Generator) -> np.ndarray:
    """Return images (n, height, width, channels) seen from where all warps move their places.

    By cubics, which keep edges sharp where lines blur them; no pixel leaves the range of the batch.
    """
    import torch
    from torch.nn import functional

    n, height, width, _ = x.shape
    across, down = (torch.arange(side, dtype=torch.float32) - (side - 1) / 2 for side in (width, height))
    places = torch.stack(torch.meshgrid(across, down, indexing="xy"), dim=-1).expand(n, height, width, 2)
    for warp, how_far in warps:
        places = warp(places, how_far, rng)
    images = torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))
    grid = places * (2 / torch.tensor([width, height]))
    made = functional.grid_sample(images, grid, mode="bicubic", align_corners=False)
    found: np.ndarray = made.clamp_(min(float(x.min()), 0.0), max(float(x.max()), 0.0)).numpy()
    return found.transpose(0, 2, 3, 1)


def _between(side: int) -> "torch.Tensor":
    """Return the share of each of ``elastic``'s knots in each place of a side, (side, knots), by cubic splines."""
    import torch
    from torch.nn import functional

    one = torch.eye(max(round(side / KNOTS), 1) + 1)[None, None]
    return functional.interpolate(one, (side, one.shape[-1]), mode="bicubic", align_corners=True)[0, 0]

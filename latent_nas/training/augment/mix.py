"""Samples mixed with others of their batch; the loss is mixed as they are.

mixup adds two samples (Zhang et al. 2018), cutmix puts a box of one into the other (Yun et al. 2019).
"""

import numpy as np
import torch

from latent_nas.training.augment import Way

STRENGTH = "strength: alpha of the beta distribution of the shares"


def mixed(
    x: torch.Tensor, ways: tuple[tuple[str, float], ...], rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Return a batch (n, channels, height, width) mixed by one of the ways, with which samples, and the own share."""
    name, alpha = ways[int(rng.integers(len(ways)))]
    share = float(rng.beta(alpha, alpha))
    other = torch.from_numpy(rng.permutation(len(x))).to(x.device)
    if name == "mixup":
        return torch.lerp(x[other], x, share), other, share
    height, width = x.shape[2:]
    sides = [round(side * (1 - share) ** 0.5) for side in (height, width)]
    top, left = (int(rng.integers(whole - side + 1)) for whole, side in zip((height, width), sides, strict=True))
    out = x.clone()
    box = slice(top, top + sides[0]), slice(left, left + sides[1])
    out[:, :, box[0], box[1]] = x[other][:, :, box[0], box[1]]
    return out, other, 1 - sides[0] * sides[1] / (height * width)


WAYS = {"mixup": Way(0.2, 10, STRENGTH)}
IMAGES = {**WAYS, "cutmix": Way(1.0, 10, STRENGTH)}

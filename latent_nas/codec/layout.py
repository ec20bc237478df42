"""Where the codec's learning starts: which slots look at which genes, and how they see their choices."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

SUPERVISED = 0.8  # part of the labels in how choices look at the start; the rest is random
RIDGE = 10.0


def share(sizes: np.ndarray, slots: int, codes: int) -> np.ndarray:
    """Return which slots look at which genes at the start, (genes, slots) bool.

    Neighbouring genes are gathered into as many groups as there are slots, of bits as even as can be (least sum of
    squares). A gene that needs more than half of a slot's codes takes several slots, and so do the largest where slots
    are left over.
    """
    bits = np.log2(sizes)
    times = np.maximum(np.ceil(bits / np.log2(max(codes / 2, 2)) - 1e-9), 1)
    while times.sum() < slots:
        times[(bits / times).argmax()] += 1
    gene = np.repeat(np.arange(len(sizes)), times.astype(int))
    ends = np.concatenate([[0], np.cumsum((bits / times)[gene])])
    square = np.maximum(ends[None] - ends[:, None], 0) ** 2  # of the pieces i to j - 1
    best, cuts = np.where(np.arange(len(ends)) > 0, np.inf, 0.0), []
    for _ in range(slots):  # best: the least sum with the pieces before j in the slots so far
        total = np.where(np.tri(len(ends), k=-1, dtype=bool).T, best[:, None] + square, np.inf)
        cuts.append(total.argmin(axis=0))
        best = total.min(axis=0)
    shared, end = np.zeros((len(sizes), slots), bool), len(gene)
    for slot in reversed(range(slots)):
        start = cuts[slot][end]
        shared[gene[start:end], slot] = True
        end = start
    return shared


def slopes(sizes: np.ndarray, pools: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """Return what each choice adds to the labels by a linear fit, less the mean of its gene: (columns, labels).

    Args:
        pools: one-hots (n, columns) and standardised labels (n, k) of each pool.
    """
    member = membership(sizes)
    fits = [torch.linalg.solve(x.T @ x + RIDGE * torch.eye(x.shape[1]), x.T @ y) for x, y in pools]
    slope = torch.cat([torch.zeros(len(member), 0), *fits], dim=1)
    return slope - member @ (member.T @ slope / member.sum(0)[:, None])


def projections(sizes: np.ndarray, slots: int, codes: int, dim: int, slope: Tensor) -> Tensor:
    """Return how slots see choices at the start (columns, slots, dim), from the global generator of torch.

    Choices that add alike to the labels look alike; a random part keeps them apart.
    """
    look = torch.randn(len(slope), slots, dim)
    if slope.shape[1]:
        member = membership(sizes)
        size = (member.T @ (slope**2).sum(1) / member.sum(0)).sqrt()
        supervised = torch.tensordot(
            slope / (member @ size + 1e-9)[:, None], torch.randn(slope.shape[1], slots, dim), dims=1
        )
        look = SUPERVISED * supervised + (1 - SUPERVISED**2) ** 0.5 * look
    return look * torch.as_tensor(np.repeat(share(sizes, slots, codes), sizes, axis=0)).float()[..., None]


def apart(sizes: np.ndarray, slope: Tensor, least: float = 0.05) -> Tensor:
    """Return how far two choices of a gene are from each other (columns, columns), 0 for choices of two genes.

    It is the difference in what they add to the labels, mean over these, and at least ``least``; without labels, 1.
    """
    member = membership(sizes)
    same = member @ member.T - torch.eye(len(member))
    if not slope.shape[1]:
        return same
    return same * (least + (slope[:, None] - slope[None]).abs().mean(2))


def membership(sizes: np.ndarray) -> Tensor:
    """Return (columns, genes), 1 where a column is a choice of a gene."""
    return torch.eye(len(sizes)).repeat_interleave(torch.as_tensor(sizes), dim=0)

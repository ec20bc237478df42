"""Distributions over a few choices, a row each: log p, p and entropy, draws and derivatives, compiled."""

import math

import numpy as np

from latent_nas.compiled import compiled
from latent_nas.kernels import exp


@compiled
def softmax(logs: np.ndarray, chances: np.ndarray, entropy: np.ndarray) -> None:
    """Replace logits (n, k) by log p, fill in p (n, k) and add what each row's entropy is to ``entropy`` (n,)."""
    for row in range(len(logs)):
        x = logs[row]
        largest = x[0]
        for i in range(1, len(x)):
            largest = max(largest, x[i])
        for i in range(len(x)):
            x[i] -= largest
    exp(logs, chances)
    for row in range(len(logs)):
        x, p = logs[row], chances[row]
        total, mean = p[0] * 0, p[0] * 0  # in the arrays' own precision, so that all lanes of the core are used
        for i in range(len(x)):
            total += p[i]
            mean += p[i] * x[i]
        log_total, part = math.log(total), 1 / total
        for i in range(len(x)):
            x[i] -= log_total
            p[i] *= part
        entropy[row] += log_total - mean * part


@compiled
def draw(chances: np.ndarray, draws: np.ndarray, drawn: np.ndarray) -> None:
    """Fill in ``drawn`` (n,): where the sum of a row of chances (n, k) exceeds the row's draw (n,) in [0, 1)."""
    for row in range(len(chances)):
        left, last = draws[row], chances.shape[1] - 1
        drawn[row] = last
        for i in range(last):
            left -= chances[row, i]
            if left < 0:
                drawn[row] = i
                break


@compiled
def by_logits(
    logs: np.ndarray,
    chances: np.ndarray,
    chosen: np.ndarray,
    by_log: np.ndarray,
    by_entropy: np.ndarray,
    out: np.ndarray,
) -> None:
    """Fill in derivatives by logits (n, k) from those by log p of the one chosen and by the entropy, (n,) each.

    They are onehot - p, and -p (log p + H).
    """
    for row in range(len(logs)):
        x, p, by = logs[row], chances[row], out[row]
        entropy = p[0] * 0
        for i in range(len(x)):
            entropy -= p[i] * x[i]
        for i in range(len(x)):
            by[i] = -p[i] * (by_log[row] + by_entropy[row] * (x[i] + entropy))
        by[chosen[row]] += by_log[row]


@compiled
def by_tanh(found: np.ndarray, by: np.ndarray) -> None:
    """Replace derivatives by tanh x (n, width), of which ``found`` is what came out, by those by x."""
    for row in range(len(by)):
        for j in range(by.shape[1]):
            by[row, j] *= 1 - found[row, j] * found[row, j]


@compiled
def spread_rows(rows: np.ndarray, picked: np.ndarray, out: np.ndarray) -> None:
    """Add each of rows (n, width) to the rows ``picked`` (n, k) of ``out``; ``kernels.add_rows`` backwards."""
    for row in range(len(rows)):
        added = rows[row]
        for i in range(picked.shape[1]):
            sums = out[picked[row, i]]
            for j in range(len(added)):
                sums[j] += added[j]

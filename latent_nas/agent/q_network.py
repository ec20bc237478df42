"""The Q network while it learns: what one edit changes, for a batch of edits sorted by place.

Only the edits that were made are computed, not all of each state's, so that an update is a few matrix products.
"""

from typing import Any

import numpy as np
import torch

from latent_nas.agent.choice import by_tanh, spread_rows
from latent_nas.agent.vector import Shapes, views
from latent_nas.compiled import compiled
from latent_nas.kernels import add_rows, tanh


class Changes(torch.autograd.Function):
    """The network as one operator, its derivatives written by hand; see ``Gains`` for what it computes."""

    @staticmethod
    def forward(ctx: Any, vector: torch.Tensor, shapes: Shapes, *given: torch.Tensor) -> torch.Tensor:
        """Return the changes (n, outputs), in units.

        Args:
            ctx: keeps what ``backward`` needs. vector: all weights, in these ``shapes``.
            given: picked (n, slots), rows of "codes" to sum; seen (n, outputs), standardised; put and had (n,), rows
                of "keys" of the code that is put and of the one that was there, sorted by ``put``.
        """
        picked, seen, put, had = (t.numpy() for t in given)
        w = views(vector.detach().numpy(), shapes)
        first = seen @ w["seen"]
        add_rows(w["codes"].reshape(-1, first.shape[1]), picked, first)
        tanh(first, w["bias"])
        second = first @ w["hidden"]
        tanh(second, w["hidden.bias"])
        trunk = first + second
        slots, codes, width, outputs = shapes["keys"]
        ends = np.searchsorted(put, np.arange(slots + 1) * codes)
        queries = np.empty((len(put), width), np.float32)
        for slot, of in enumerate(map(slice, ends, ends[1:])):
            np.matmul(trunk[of], w["queries"][slot], out=queries[of])
            queries[of] += w["queries.bias"][slot]
        change = np.empty((len(put), outputs), np.float32)
        keys, bias = w["keys"].reshape(slots * codes, width, outputs), w["keys.bias"].reshape(-1, outputs)
        _answer(queries, keys, bias, put, had, change)
        ctx.kept = vector, shapes, picked, seen, put, had, first, second, trunk, ends, queries
        return torch.from_numpy(change)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Return the derivative by all weights."""
        by_change = grads[0].contiguous().numpy()
        vector, shapes, picked, seen, put, had, first, second, trunk, ends, queries = ctx.kept
        found, ones = torch.zeros_like(vector), np.ones(len(put), np.float32)
        w, by = (views(v.detach().numpy(), shapes) for v in (vector, found))
        slots, codes, width, outputs = shapes["keys"]
        by_queries, by_trunk = np.empty_like(queries), np.empty_like(trunk)
        keys, by_keys = (v["keys"].reshape(slots * codes, width, outputs) for v in (w, by))
        _by_answer(queries, keys, put, had, by_change, by_queries, by_keys, by["keys.bias"].reshape(-1, outputs))
        for slot, of in enumerate(map(slice, ends, ends[1:])):
            np.matmul(trunk[of].T, by_queries[of], out=by["queries"][slot])
            np.matmul(ones[of], by_queries[of], out=by["queries.bias"][slot])
            np.matmul(by_queries[of], w["queries"][slot].T, out=by_trunk[of])
        by_second = by_trunk.copy()
        by_tanh(second, by_second)
        by_first = by_trunk + by_second @ w["hidden"].T
        by_tanh(first, by_first)
        spread_rows(by_first, picked, by["codes"].reshape(-1, by_first.shape[1]))
        np.matmul(seen.T, by_first, out=by["seen"])
        np.matmul(ones, by_first, out=by["bias"])
        np.matmul(first.T, by_second, out=by["hidden"])
        np.matmul(ones, by_second, out=by["hidden.bias"])
        return found, *(None,) * 5


@compiled
def _answer(
    queries: np.ndarray, keys: np.ndarray, bias: np.ndarray, put: np.ndarray, had: np.ndarray, out: np.ndarray
) -> None:
    """Fill in queries (n, width) times the difference of two of the keys (rows, width, outputs), (n, outputs)."""
    for row in range(len(queries)):
        new, old = put[row], had[row]
        for k in range(out.shape[1]):
            out[row, k] = bias[new, k] - bias[old, k]
        for i in range(queries.shape[1]):
            for k in range(out.shape[1]):
                out[row, k] += queries[row, i] * (keys[new, i, k] - keys[old, i, k])


@compiled
def _by_answer(
    queries: np.ndarray,
    keys: np.ndarray,
    put: np.ndarray,
    had: np.ndarray,
    by: np.ndarray,
    by_queries: np.ndarray,
    by_keys: np.ndarray,
    by_bias: np.ndarray,
) -> None:
    """Fill in the derivatives by queries, and add those by keys and bias, of those ``by`` what ``_answer`` gave."""
    for row in range(len(queries)):
        new, old = put[row], had[row]
        for k in range(by.shape[1]):
            by_bias[new, k] += by[row, k]
            by_bias[old, k] -= by[row, k]
        for i in range(queries.shape[1]):
            total = by[row, 0] * 0
            for k in range(by.shape[1]):
                total += by[row, k] * (keys[new, i, k] - keys[old, i, k])
                step = by[row, k] * queries[row, i]
                by_keys[new, i, k] += step
                by_keys[old, i, k] -= step
            by_queries[row, i] = total

"""Boosted trees as XGBoost writes them, evaluated here: to ask them takes neither XGBoost nor what it imports."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from latent_nas.compiled import compiled

ROWS = 64  # that every tree is asked about while they lie in the core's cache


@dataclass(frozen=True)
class Trees:
    """The trees of one booster with one output, their nodes behind each other.

    Attributes:
        columns: of the input. base: what every row starts from. roots, depths: first node of every tree, and how many
            steps it is at most to a leaf; (trees,) each.
        column: which is asked; value: below which a row goes to the first child, of a leaf what it adds; missing:
            whether NaN goes to the first child; (nodes,) each. children: (nodes, 2), of a leaf twice itself.
    """

    columns: int
    base: np.float32
    roots: np.ndarray
    depths: np.ndarray
    column: np.ndarray
    value: np.ndarray
    children: np.ndarray
    missing: np.ndarray

    @staticmethod
    def of_json(data: bytes) -> "Trees":
        """Return the trees of XGBoost's JSON model.

        Raises:
            ValueError: it is not a whole model, or one of other trees than these.
        """
        try:
            learner = json.loads(data)["learner"]
            about, trees = learner["learner_model_param"], learner["gradient_booster"]["model"]["trees"]
            if any(any(tree["split_type"]) for tree in trees):
                raise ValueError("it splits by categories")
            sizes = [len(tree["left_children"]) for tree in trees]
            roots = np.cumsum([0, *sizes[:-1]])
            children = np.concatenate([_children(tree) + root for tree, root in zip(trees, roots, strict=True)])
            return Trees(
                int(about["num_feature"]),
                np.float32(about["base_score"].strip("[]")),
                roots,
                _depths(roots, children),
                _all(trees, "split_indices", np.int32),
                _all(trees, "split_conditions", np.float32),
                children,
                _all(trees, "default_left", np.bool_),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"no whole XGBoost model of trees ({error!r})") from None

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the sum over the trees (n,) float32 of X (n, columns), to the last bit what XGBoost says."""
        sums = np.full(len(X), self.base, np.float32)
        nodes = self.column, self.value, self.children, self.missing
        _add_leaves(np.require(X, np.float32, ["C", "W"]), self.roots, self.depths, *nodes, sums)
        return sums


def _all(trees: list[dict[str, Any]], name: str, kind: type) -> np.ndarray:
    return np.concatenate([np.array(tree[name], kind) for tree in trees])


def _children(tree: dict[str, Any]) -> np.ndarray:
    """Return both children (nodes, 2) of every node, of leaves the leaf itself."""
    both = np.stack([np.array(tree[name], np.int64) for name in ("left_children", "right_children")], axis=1)
    return np.where(both < 0, np.arange(len(both))[:, None], both)


def _depths(roots: np.ndarray, children: np.ndarray) -> np.ndarray:
    """Return how many steps it is at most from each root (trees,) to a leaf; children are (nodes, 2)."""
    depths, tree, level = np.zeros_like(roots), np.arange(len(roots)), roots
    while len(level):
        inner = children[level, 0] != level
        tree, level = tree[inner].repeat(2), children[level[inner]].reshape(-1)
        depths[tree] += 1
    return depths


@compiled
def _add_leaves(
    X: np.ndarray,
    roots: np.ndarray,
    depths: np.ndarray,
    column: np.ndarray,
    value: np.ndarray,
    children: np.ndarray,
    missing: np.ndarray,
    sums: np.ndarray,
) -> None:
    at = np.zeros(ROWS, np.int64)
    for first in range(0, len(X), ROWS):
        rows = min(ROWS, len(X) - first)
        for tree in range(len(roots)):  # tree by tree, as XGBoost adds, so that roundings are the same
            at[:] = roots[tree]
            for _ in range(depths[tree]):  # a leaf leads to itself: no branch that the core could guess wrong
                for row in range(rows):
                    node = at[row]
                    x = X[first + row, column[node]]
                    low = (x < value[node]) | (np.isnan(x) & missing[node])
                    at[row] = children[node, 1 - low]
            for row in range(rows):
                sums[first + row] += value[at[row]]

"""Points at which to compare two formulas of one value: between and about all at which one of them changes its course.

Between two such points a formula is smooth, so that a few points tell it from another; where they lie is searched for,
as a formula may choose by what it has computed: ``max(sign(2 * x - 300), 0)`` changes at 150.
"""

import ast
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from latent_nas.operators.formula import NUMPY, evaluate, parsed

MOST = 1e6  # beyond, no value of a network is looked for
NEAR = np.concatenate(
    [np.linspace(-12, 12, 97), [-0.1234, 0.0567, 2.3456, -3.01, 3.02, 5.97, 6.04], [-100, -50, -20, 20, 50, 100]]
)
FAR = np.concatenate([s * np.geomspace(150, MOST, 60) for s in (-1, 1)])
ROUNDS, HALVINGS = 3, 80  # searches, as the points of one may show another's; from MOST to the next double
LIMIT = 64  # points about changes: with more, as of a floor of many steps, a formula is not a known one


def points(formula: str) -> np.ndarray | None:
    """Return where to compare a formula with another (n,), sorted; None: it changes too often to be a known one."""
    found = np.unique(np.concatenate([NEAR, FAR, _about(_constants(formula))]))
    for _ in range(ROUNDS):
        changes = _changes(formula, found)
        if len(changes) > LIMIT:
            return None
        more = np.unique(np.concatenate([found, _about(changes), _between(changes)]))
        if len(more) == len(found):
            break
        found = more
    return found


def _constants(formula: str) -> np.ndarray:
    """Return the numbers of a formula (n,)."""
    numbers = [n.value for n in ast.walk(parsed(formula)) if isinstance(n, ast.Constant)]
    return np.array([float(n) for n in numbers if isinstance(n, (int, float))])  # of a formula that is checked, all


def _about(places: np.ndarray) -> np.ndarray:
    """Return places (n,), their negatives, and what lies close to them and beyond, as far as a network's values go."""
    factors = np.array([0.5, 0.9, 0.999, 1, 1.001, 1.1, 1.5, 2, 4])
    both = np.outer(np.concatenate([places, -places]), factors).ravel()
    return both[np.abs(both) <= MOST]


def _between(places: np.ndarray) -> np.ndarray:
    """Return five points between every two neighbours of places (n,)."""
    shares = np.linspace(0, 1, 7)[1:-1]
    return (places[:-1, None] + np.diff(places)[:, None] * shares).ravel()


def _changes(formula: str, xs: np.ndarray) -> np.ndarray:
    """Return the last points before and the first after each change that lies between two of sorted points (n,)."""
    courses = _courses(formula, xs)
    at, which = np.nonzero(courses[1:] != courses[:-1])
    if len(at) > 8 * LIMIT:
        return xs
    low, high = xs[at], xs[at + 1]
    row = np.arange(len(at))
    before = courses[at, which]
    for _ in range(HALVINGS if len(at) else 0):
        middle = low / 2 + high / 2
        same = _courses(formula, middle)[row, which] == before
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return np.unique(np.concatenate([low, high]))


def _courses(formula: str, xs: np.ndarray) -> np.ndarray:
    """Return which course every choice in a formula takes at points (n,): (n, choices)."""
    seen: list[np.ndarray] = []

    def noted(function: Callable[..., Any], course: Callable[[Any], Any]) -> Callable[..., Any]:
        def call(first: Any, *rest: Any) -> Any:
            seen.append(np.broadcast_to(np.asarray(course(first), float), xs.shape))
            return function(first, *rest)

        return call

    steps = {name: noted(getattr(NUMPY, name), getattr(NUMPY, name)) for name in ("sign", "floor", "ceil", "round")}
    library = replace(NUMPY, **steps, abs=noted(np.abs, np.sign), where=noted(np.where, np.asarray))
    with np.errstate(all="ignore"):
        evaluate(formula, xs, library)
    return np.nan_to_num(np.stack(seen, 1)) if seen else np.zeros((len(xs), 0))

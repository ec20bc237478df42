"""A budget of parameters, for a judge that knows of flash, RAM and time only."""

from collections.abc import Callable

import numpy as np

from latent_nas.spaces import Space


def parameter_excess(space: Space, budget: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return genes (n, genes) -> log(parameters / budget), 0 inside the budget, (n,).

    Parameters are exact, of the deployed network. It is what a ``Scorer`` takes as ``beyond``.

    Raises:
        ValueError: a budget below 1, or a space that doesn't count its parameters.
    """
    if budget < 1:
        raise ValueError(f"a parameter budget is 1 or more, got {budget}")
    if "parameters" not in space.feature_names:
        raise ValueError(f"space {space.name!r} has no feature 'parameters', so that no budget of them can be kept")
    column = space.feature_names.index("parameters")

    def excess(genes: np.ndarray) -> np.ndarray:
        parameters = np.exp2(space.features(genes)[:, column].astype(float)) - 1  # features are log2(1 + x)
        return np.maximum(np.log(np.maximum(parameters, 1) / budget), 0)

    return excess

"""All weights of a network as one vector, so that clipping and stepping are one operator each."""

from typing import Any

import numpy as np

Shapes = dict[str, tuple[int, ...]]


def views(vector: Any, shapes: Shapes) -> dict[str, Any]:
    """Return the parts of a vector, array or tensor, in these shapes."""
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()]).tolist()
    return {
        name: vector[start:end].reshape(shape)
        for (name, shape), start, end in zip(shapes.items(), [0, *ends], ends, strict=False)
    }

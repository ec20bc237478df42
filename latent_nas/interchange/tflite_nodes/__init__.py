"""Readers of TensorFlow Lite's operators, found by their place: each file here holds those of a few.

A file ends in ``READERS = {"RELU": Reader(function), ...}``. The function takes a ``Call`` and returns the ``Value``
that the operator makes, or an array where that is constant; ``call.refuse`` is how it refuses an attribute or a shape
that has no equal here.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from latent_nas.interchange._by_place import tables
from latent_nas.interchange._flatbuffer import Scalar
from latent_nas.interchange.tflite_nodes.call import Call
from latent_nas.interchange.tflite_nodes.draft import Value

Field = tuple[int, str, Scalar]  # of an options table: number, type (as of ``struct``), default


@dataclass(frozen=True)
class Reader:
    """How an operator is read.

    Attributes:
        options: the number of its options in the schema's ``BuiltinOptions``. fields: of these, by the names that
            ``Call.option`` uses; an operator that sets any other is refused.
        several: it may make several tensors, and is read once for each, ``Call.which``.
    """

    read: Callable[[Call], Value] | Callable[[Call], np.ndarray] | Callable[[Call], Value | np.ndarray]
    options: int = 0
    fields: Mapping[str, Field] = field(default_factory=dict)
    several: bool = False


@functools.cache
def readers() -> dict[str, Reader]:
    """Return the readers of all files here, by the operator's name; each has one."""
    found: dict[str, Reader] = tables(__name__)
    return found

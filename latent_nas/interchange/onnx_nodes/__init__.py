"""Readers of ONNX nodes, found by their place: each file here holds those of a few operators of ONNX.

A file ends in ``READERS = {"Relu": function, ...}``. A function takes a ``Call`` and returns the ``Value`` that the
node makes; ``call.Unreadable`` is how it refuses an attribute or a shape that has no equal here.
"""

import functools
from collections.abc import Callable

from latent_nas.interchange._by_place import tables
from latent_nas.interchange.onnx_nodes.call import Call, Value

Reader = Callable[[Call], Value]


@functools.cache
def readers() -> dict[str, Reader]:
    """Return the readers of all files here, by the type of node; each type has one."""
    found: dict[str, Reader] = tables(__name__)
    return found

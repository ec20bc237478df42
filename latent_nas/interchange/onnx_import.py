"""Import from ONNX: a float or QDQ model of the operators known here becomes a graph, with its weights beside it.

``onnx_file`` opens the file, ``onnx_walk`` walks through its nodes: what is known before anything runs is worked out
(``onnx_fold``), what moves elements is done to their order (``onnx_view``), the rest has readers in ``onnx_nodes``.
``onnx_simplify`` makes a graph of what they have made.
"""

from pathlib import Path
from typing import Any

from latent_nas.graph import Graph
from latent_nas.interchange.hints import advice
from latent_nas.interchange.onnx_ending import CLOSING
from latent_nas.interchange.onnx_file import File, key, named, open_file
from latent_nas.interchange.onnx_fold import is_constant
from latent_nas.interchange.onnx_forms import forms
from latent_nas.interchange.onnx_model import Model
from latent_nas.interchange.onnx_nodes import readers
from latent_nas.interchange.onnx_nodes.call import Unreadable
from latent_nas.interchange.onnx_nodes.moving import MOVES
from latent_nas.interchange.onnx_walk import ROUNDS, Walk


def read(path: Path) -> Graph:
    """Return the graph of an ONNX file.

    Raises:
        ValueError: as ``read_model``.
    """
    return read_model(path).graph


def read_model(path: Path, weights: bool = False, output: str = "") -> Model:
    """Return the graph of an ONNX file, and its weights.

    Args:
        weights: read those too that lie in another file; else they are zeros, which costs can do with.
        output: which of several, by name.

    Raises:
        ValueError: ONNX is not installed, the file is empty or damaged, its weights can't be read, or it has operators
            (named, all of them) or settings (the first) that are not known here.
    """
    try:
        file = open_file(path, weights, output)
        _all_known(file)
        refused: list[tuple[int, Unreadable]] = []
        for form in forms(file):
            reader = Walk(file, form)
            try:
                return reader.read()
            except Unreadable as error:
                refused.append((reader.done, error))
        raise max(refused, key=lambda one: one[0])[1]  # of the form that went furthest
    except Unreadable as error:
        raise ValueError(f"{path}: {error}") from None
    except (IndexError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        # of a node without an input that ONNX wants, an attribute of another type, or a number beyond all others
        raise ValueError(f"{path} is damaged: a node or constant in it is not as ONNX wants it ({error!r})") from None


def _all_known(file: File) -> None:
    """Refuse a file with nodes that have no reader, and name all of them."""
    known, unknown = set(file.constants), dict[str, Any]()
    for node in file.nodes:
        if is_constant(node, known) or node.op_type in ("Shape", "Size"):
            known.update(node.output)
        elif key(node) not in readers() and key(node) not in MOVES | ROUNDS:
            unknown.setdefault(key(node), node)
    closing = [node for kind, node in unknown.items() if kind in CLOSING]
    if closing and len(closing) == len(unknown):
        raise Unreadable(f"{named(closing[0])} is not at the end; only there it can be left out")
    if unknown:
        names = sorted(unknown)
        raise Unreadable(f"has operators that are not known here: {', '.join(names)}; {advice(names)}")

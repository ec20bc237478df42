"""ONNX graphs at random: what tools write for small networks, with any attributes, of opset 7 to 24."""

import numpy as np
import onnx
from drawn_graph import Drawn
from drawn_layers import chosen, convolution, dense, gated, joined, normalised, pooled, residual, scaled, unary
from drawn_shapes import flattened, larger, padded, parted, reduced, resized, turned, unflattened

RANKS = [4, 4, 4, 3, 3, 2, 2, "last"]


def form(random: np.random.Generator, least: int) -> tuple:
    """Return the shape of an input: an image, series or vector of any size, also 1 wide; "last": 3 channels, last."""
    rank, batch = RANKS[random.integers(len(RANKS))], ["n", 1][random.integers(2)]
    if rank == "last":
        return (batch, *_sizes(random, 2, 14, least), 3)
    if rank == 2:
        return (batch, int(random.integers(1, 25)))
    return (batch, int(random.integers(1, 7)), *_sizes(random, rank - 2, 18 if rank == 4 else 40, least))


def _sizes(random: np.random.Generator, many: int, most: int, least: int) -> list[int]:
    """Return heights and widths, a few of them among the three least."""
    return [int(random.integers(least, least + 3 if random.random() < 0.2 else most)) for _ in range(many)]


def drawn(seed: int, least: int = 1) -> tuple[onnx.ModelProto, Drawn]:
    """Return a random graph, of images and series of at least so many rows and columns."""
    for attempt in range(100):
        random = np.random.default_rng([seed, attempt])
        graph = Drawn(random, int(random.integers(7, 25)), form(random, least))
        graph.shapes["x"] = (1, *graph.dims[1:])
        try:
            if len(graph.dims) == 4 and graph.dims[3] == 3 and graph.chance(0.7):
                graph.node("Transpose", ["x"], perm=[0, 3, 1, 2])
            if graph.chance(0.2):
                scaled(graph)
            for _ in range(int(random.integers(2, 8))):
                grown(graph)
            closed(graph)
        except (ValueError, onnx.shape_inference.InferenceError):  # its end does not fit
            continue
        return graph.model([graph.at], graph.dims), graph
    raise AssertionError(f"no graph of seed {seed}")


def grown(graph: Drawn) -> None:
    """Add a block that suits the last tensor; one that does not fit is left out."""
    before = (graph.at, len(graph.nodes), len(graph.constants))
    choices = {4: IMAGE, 3: SERIES, 2: VECTOR}[len(graph.shape)]
    block = graph.pick(*choices)
    try:
        block(graph)
    except (ValueError, onnx.shape_inference.InferenceError):
        graph.at, nodes, constants = before
        del graph.nodes[nodes:]
        graph.constants = dict(list(graph.constants.items())[:constants])


def closed(graph: Drawn) -> None:
    """End as a classifier often does."""
    if len(graph.shape) > 2 and graph.chance(0.85):
        if graph.chance(0.5):
            graph.node("GlobalAveragePool", [graph.at])
        flattened(graph)
    if len(graph.shape) == 2 and graph.chance(0.95):
        dense(graph)
    if len(graph.shape) != 2 or graph.shape[1] < 2 or graph.at == "x":
        return
    end = graph.pick("", "", "Softmax", "Sigmoid", "LogSoftmax", "ArgMax")
    if end in ("Softmax", "LogSoftmax", "ArgMax"):
        graph.node(end, [graph.at], axis=1)
    elif end:
        graph.node(end, [graph.at])


BOTH = [
    convolution,
    convolution,
    convolution,
    pooled,
    scaled,
    normalised,
    unary,
    gated,
    chosen,
    residual,
    joined,
    parted,
    reduced,
]
IMAGE = [*BOTH, turned, larger, resized, padded, flattened]
SERIES = [*BOTH, turned, flattened]
VECTOR = [dense, dense, scaled, normalised, unary, gated, chosen, residual, joined, parted, unflattened]

"""Numbers that describe a deployed graph to a surrogate; spaces give the same ones vectorised.

Operator counts, depth, path lengths and the number of paths are known to predict accuracy well (Kadlecova et al.,
"Surprisingly strong performance prediction with neural graph features", ICML 2024); the work terms predict costs.
"""

from collections import Counter
from math import log2, prod
from statistics import fmean

from latent_nas.graph import Graph
from latent_nas.graph.bits import narrow, with_weight_bits
from latent_nas.graph.deploy import deploy
from latent_nas.graph.step import stepped

WEIGHTED = ("conv2d", "pointwise", "depthwise", "dense")


def graph_features(graph: Graph) -> dict[str, float]:
    """Return named features of a graph in deployed form, of a text in steps.

    ``count.K`` operators per kernel; ``longest.S`` and ``shortest.S`` path from input to output counted in operators
    of S (a kernel, or "all"); ``log_paths`` (log2); ``degree.*``; and as log2(1 + x): every term of the operators'
    work, e.g. ``macs.K`` and ``outputs.K``, per kernel; ``macs``, ``parameters``, ``channels`` (of weighted
    operators), ``tensor.sum``, ``tensor.live`` and ``tensor.apart`` elements (see ``live_elements``); ``pixels.last``
    before global pooling. What flows through the convolutions: see ``flow_features``. All are of weights of 8 bits;
    what layers with fewer have is ``macs.narrow`` and ``parameters.narrow``.
    """
    graph = stepped(deploy(graph).graph)
    narrowed = [graph.nodes[i] for i in narrow(graph)]
    graph = with_weight_bits(graph, 8) if narrowed else graph
    kernels = [n.operator.kernel(*graph.shapes_into(n)) for n in graph.nodes]
    counts = Counter(kernels[1:])
    work: Counter[str] = Counter()
    channels = 0
    for node, kernel in zip(graph.nodes, kernels, strict=True):
        for term, amount in node.operator.work(*graph.shapes_into(node)).items():
            work[f"{term}.{kernel}"] += amount  # type: ignore[assignment]
        if kernel in WEIGHTED:
            channels += node.shape[-1]
    named: dict[str, float] = {f"count.{k}": float(c) for k, c in counts.items()}
    for subset in ("all", *sorted(set(kernels[1:]))):
        steps = [0] + [int(subset in ("all", k)) for k in kernels[1:]]
        longest, shortest = [0] * len(steps), [0] * len(steps)
        for node in graph.nodes[1:]:
            longest[node.id] = max(longest[i] for i in node.inputs) + steps[node.id]
            shortest[node.id] = min(shortest[i] for i in node.inputs) + steps[node.id]
        named[f"longest.{subset}"], named[f"shortest.{subset}"] = float(longest[-1]), float(shortest[-1])
    paths = [1]
    for node in graph.nodes[1:]:
        paths.append(sum(paths[i] for i in node.inputs))
    named["log_paths"] = log2(paths[-1])
    readers = Counter(i for n in graph.nodes for i in n.inputs)
    named["degree.in_mean"] = sum(len(n.inputs) for n in graph.nodes) / len(graph.nodes)
    named["degree.in_max"] = float(max(len(n.inputs) for n in graph.nodes))
    named["degree.out_max"] = float(max(readers.values(), default=0))
    named["degree.branching"] = float(sum(c > 1 for c in readers.values()))
    logs = {term: amount for term, amount in work.items() if not term.startswith("call.")}
    logs |= {"macs": graph.macs, "parameters": graph.parameters, "channels": channels}
    logs |= {"tensor.sum": sum(prod(n.shape) for n in graph.nodes), "tensor.live": live_elements(graph)}
    logs["tensor.apart"] = live_elements(graph, apart=True)
    for term in ("macs", "parameters") if narrowed else ():
        logs[f"{term}.narrow"] = sum(getattr(n.operator, term)(*graph.shapes_into(n)) for n in narrowed)
    pooled = [n for n in graph.nodes if n.operator.kind == "global_pool"]
    logs["pixels.last"] = prod(graph.shapes_into(pooled[-1])[0][:2]) if pooled else 1
    return named | {name: log2(1 + value) for name, value in logs.items()} | flow_features(graph)


def flow_features(graph: Graph) -> dict[str, float]:
    """Return what narrows the flow through the convolutions of a deployed graph.

    ``width.*``: their filters: least and mean of log2, sum of 1 / filters. ``volume.*``: their outputs' elements: least
    of log2, sum of 100 / elements. ``layers.*``: how many have more than half of the input's pixels, an eighth to a
    half of them, at most 4 pixels. ``receptive_field``: log2(1 + pixels), along the longest way. ``chain.longest``:
    most convolutions in a row without an addition.
    """
    pixels_in = prod(graph.input_shape[:2])
    layers = [n for n in graph.nodes if n.operator.kind == "conv2d"]
    field, jump, run = [1.0], [1.0], [0]
    for node in graph.nodes[1:]:
        size, stride = max(getattr(node.operator, "kernel_size", (1,))), max(getattr(node.operator, "stride", (1,)))
        reach = [(field[i], jump[i]) for i in node.inputs]
        field.append(max(f + (size - 1) * j for f, j in reach))
        jump.append(max(j for _, j in reach) * stride)
        joins = node.operator.kind == "add"
        run.append(0 if joins else max(run[i] for i in node.inputs) + (node.operator.kind == "conv2d"))
    widths, pixels = [n.shape[2] for n in layers], [prod(n.shape[:2]) for n in layers]
    volumes = [prod(n.shape) for n in layers]
    return {
        "width.least": log2(min(widths, default=1)),
        "width.mean": fmean(map(log2, widths)) if widths else 0.0,
        "width.inverse": sum(1 / w for w in widths),
        "volume.least": log2(min(volumes, default=1)),
        "volume.inverse": sum(100 / v for v in volumes),
        "layers.fine": float(sum(p > pixels_in / 2 for p in pixels)),
        "layers.middle": float(sum(pixels_in / 8 < p <= pixels_in / 2 for p in pixels)),
        "layers.coarse": float(sum(p <= 4 for p in pixels)),
        "receptive_field": log2(1 + field[-1]),
        "chain.longest": float(max(run)),
    }


def live_elements(graph: Graph, apart: bool = False) -> int:
    """Return the largest number of elements alive at once, in the graph's order, in place where the operator can.

    Args:
        apart: as simple runtimes do it: every output in a place of its own, and beside it the windows that an operator
            copies, two of a convolution and one of a depthwise one, in 16 bits.
    """
    last_reader = {i: n.id for n in graph.nodes for i in n.inputs}
    peak = 0
    for node in graph.nodes:
        alive = sum(
            prod(graph.nodes[i].shape) for i in range(node.id) if last_reader.get(i, -1) >= node.id
        )  # tensors read here or later
        free = (
            not apart
            and node.operator.in_place
            and any(last_reader[i] == node.id and graph.nodes[i].shape == node.shape for i in node.inputs)
        )
        inputs = graph.shapes_into(node)
        copies = (2 if node.operator.kernel(*inputs) == "depthwise" else 4) if apart else 0
        copied = copies * int(node.operator.work(*inputs).get("column", 0))
        peak = max(peak, alive + copied + (0 if free else prod(node.shape)))
    return peak

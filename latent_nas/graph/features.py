"""Numbers that describe a deployed graph to a surrogate; spaces give the same ones vectorised.

Operator counts, depth, path lengths and the number of paths are known to predict accuracy well (Kadlecova et al.,
"Surprisingly strong performance prediction with neural graph features", ICML 2024); the work terms predict costs.
"""

from collections import Counter
from math import log2, prod

from latent_nas.graph import Graph
from latent_nas.graph.deploy import deploy

WEIGHTED = ("conv2d", "pointwise", "depthwise", "dense")


def graph_features(graph: Graph) -> dict[str, float]:
    """Return named features of a graph in deployed form.

    ``count.K`` operators per kernel; ``longest.S`` and ``shortest.S`` path from input to output counted in operators
    of S (a kernel, or "all"); ``log_paths`` (log2); ``degree.*``; and as log2(1 + x): every term of the operators'
    work, e.g. ``macs.K`` and ``outputs.K``, per kernel; ``macs``, ``parameters``, ``channels`` (of weighted
    operators), ``tensor.sum``, ``tensor.live`` elements; ``pixels.last`` before global pooling.
    """
    graph = deploy(graph).graph
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
    pooled = [n for n in graph.nodes if n.operator.kind == "global_pool"]
    logs["pixels.last"] = prod(graph.shapes_into(pooled[-1])[0][:2]) if pooled else 1
    return named | {name: log2(1 + value) for name, value in logs.items()}


def live_elements(graph: Graph) -> int:
    """Return the largest number of elements alive at once, in the graph's order, in place where the operator can."""
    last_reader = {i: n.id for n in graph.nodes for i in n.inputs}
    peak = 0
    for node in graph.nodes:
        alive = sum(
            prod(graph.nodes[i].shape) for i in range(node.id) if last_reader.get(i, -1) >= node.id
        )  # tensors read here or later
        free = node.operator.in_place and any(
            last_reader[i] == node.id and graph.nodes[i].shape == node.shape for i in node.inputs
        )
        peak = max(peak, alive + (0 if free else prod(node.shape)))
    return peak

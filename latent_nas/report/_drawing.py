"""A deployed graph as SVG: one row per operator, arcs for what skips rows."""

from collections.abc import Sequence
from dataclasses import MISSING, fields

from latent_nas.costs import LayerCost
from latent_nas.graph import Graph
from latent_nas.operators import Operator
from latent_nas.report._html import Html, tag

ROW, HEAD, BOX = 44, 24, 34  # heights of a row, of the line above the first, of a box
LEFT, LANE = 12, 11  # margin of the boxes without arcs, and of each lane of arcs
PLAIN = {"bias"}  # every deployed operator with weights has one


def draw(graph: Graph, layers: Sequence[LayerCost]) -> Html:
    """Return the drawing, ``HEAD`` + rows * ``ROW`` high."""
    skips = [(i, node.id) for node in graph.nodes for i in dict.fromkeys(node.inputs) if node.id - i > 1]
    lanes = _lanes(skips)
    left = LEFT + LANE * (max(lanes.values(), default=-1) + 1)
    parts = []
    for node, layer in zip(graph.nodes, layers, strict=True):
        top = HEAD + node.id * ROW + (ROW - BOX) / 2
        name = f"{node.id} {layer.kernel}"
        shape = "×".join(map(str, node.shape))
        if node.id and node.id - 1 in node.inputs:
            parts.append(
                tag("path", d=f"M{left + 24} {top - (ROW - BOX)}V{top}", class_="flow", marker_end="url(#end)")
            )
        parts += [
            tag("rect", x=left, y=top, height=BOX, rx=4, class_="box", style=f"width:calc(100% - {left + 2}px)"),
            tag("text", tag("tspan", name, font_weight=600), " ", shape, x=left + 8, y=top + 14),
            tag("text", settings(node.operator), x=left + 8, y=top + 28, class_="shape"),
        ]
    for (start, end), lane in lanes.items():
        x = left - LANE * (lane + 1) + 2
        y, z = (HEAD + i * ROW + ROW / 2 for i in (start, end))
        path = f"M{left} {y + 6}C{x} {y + 6} {x} {y + 6} {x} {y + 18}V{z - 18}C{x} {z - 6} {x} {z - 6} {left} {z - 6}"
        parts.append(tag("path", d=path, class_="skip", marker_end="url(#skip)"))
    heads = [
        tag(
            "marker",
            tag("path", d="M0 0 6 3 0 6Z", fill=colour),
            id=name,
            refX=5,
            refY=3,
            markerWidth=6,
            markerHeight=6,
            orient="auto",
            markerUnits="userSpaceOnUse",
        )
        for name, colour in (("end", "var(--soft)"), ("skip", "var(--purple)"))
    ]
    height = HEAD + ROW * len(graph.nodes)
    return tag("svg", tag("defs", *heads), *parts, width="100%", height=height, role="img", aria_label="the network")


def settings(operator: Operator) -> str:
    """Return what an operator was set to, where that is not its default: "3×3 filters 16"."""
    texts = []
    for field in fields(operator):
        value = getattr(operator, field.name)
        if field.name in PLAIN or (field.default is not MISSING and value == field.default):
            continue
        if isinstance(value, tuple):
            same = field.name == "kernel_size" or field.name == "shape"
            shown = "×".join(map(str, value))
            texts.append(shown if same else f"{field.name.replace('_', ' ')} {shown}")
        elif value is not None and value is not False:
            texts.append(str(value) if isinstance(value, str) else f"{field.name.replace('_', ' ')} {value}")
    return " · ".join(texts)


def _lanes(skips: list[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Return a lane for every arc, so that those that pass the same rows lie in different ones; 0 is the inmost."""
    lanes: dict[tuple[int, int], int] = {}
    for start, end in sorted(skips, key=lambda s: (s[1] - s[0], s)):
        taken = {lane for (a, b), lane in lanes.items() if a < end and start < b}
        lanes[start, end] = next(i for i in range(len(taken) + 1) if i not in taken)
    return lanes

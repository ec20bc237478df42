"""The chosen network, drawn layer by layer, with what every layer costs and how its memory is used over time."""

from collections.abc import Callable

from latent_nas.costs import Costs, LayerCost
from latent_nas.graph import Graph
from latent_nas.report import Section
from latent_nas.report import _chart as c
from latent_nas.report._drawing import HEAD, ROW, draw
from latent_nas.report._html import Html, join, tag
from latent_nas.runs.read import Run
from latent_nas.units import count, size

COLUMNS = (  # of a layer: title, attribute, text
    ("MACs", "macs", count),
    ("flash", "flash_bytes", size),
    ("cycles", "cycles", count),
    ("live RAM", "live_bytes", size),
)


class ChosenNetwork(Section):
    """The drawing with its bars, and two charts of memory."""

    title, place = "Network", 30

    def show(self, run: Run) -> Html:
        """Return the drawing and the charts."""
        return drawn(run, run.graph, run.costs, run.chosen)


def drawn(run: Run, graph: Graph, cost: Costs, which: str) -> Html:
    """Return the drawing and the charts of a deployed network of a run, with what it costs on the run's device."""
    words = (
        f"Drawn is {which}, as it runs on the device: batch norm folded, activations fused. In all"
        f" {count(cost.macs)} MACs, {count(cost.parameters)} parameters, {count(cost.cycles)} cycles. Everything"
        " here is computed from the graph."
    )
    picks = [
        tag("label", tag("input", type="radio", name="pick", id=f"pick{i}", checked=i == 2), " ", title)
        for i, (title, _, _) in enumerate(COLUMNS)
    ]
    bars = tag("div", *(_column(cost.layers, *column) for column in COLUMNS), class_="bars")
    drawing = tag("div", draw(graph, cost.layers), bars, class_="layers")
    whole = tag("div", tag("div", *picks, class_="pick"), drawing, class_="network")
    charts = [_arena(graph, cost), _live(run, cost)]
    return join(tag("p", words), whole, tag("div", *charts, class_="charts two"))


def _column(layers: tuple[LayerCost, ...], title: str, name: str, text: Callable[[float], str]) -> Html:
    values = [float(getattr(layer, name)) for layer in layers]
    most = max(values) or 1.0
    rows = []
    for value in values:
        kind = "bar most" if value == most else "bar" if value else "bar none"
        bar = tag("i", style=f"width:{100 * value / most:.1f}%") if value else None
        rows.append(tag("div", text(value) if value else "-", bar, class_=kind, style=f"height:{ROW}px"))
    return tag("div", tag("div", title, class_="head", style=f"height:{HEAD}px"), *rows)


def _arena(graph: Graph, cost: Costs) -> Html:
    """Return the map of the arena: every tensor a box from its first step to its last, at its place."""
    plan, names = cost.plan, {layer.node: f"{layer.node} {layer.kernel}" for layer in cost.layers}
    moment = {node: i for i, node in enumerate(plan.order)}
    boxes = []
    for node in graph.nodes:
        ends = [moment[reader.id] for reader in graph.readers(node)] or [len(plan.order) - 1]
        if plan.sizes[node.id]:
            boxes.append(
                (plan.offsets[node.id], plan.sizes[node.id], moment[node.id], max(ends), f"output of {names[node.id]}")
            )
        if plan.scratch_sizes[node.id]:
            now = moment[node.id]
            boxes.append(
                (plan.scratch_offsets[node.id], plan.scratch_sizes[node.id], now, now, f"scratch of {names[node.id]}")
            )
    trace = {
        "type": "bar",
        "base": [b[0] for b in boxes],
        "y": [b[1] for b in boxes],
        "x": [(b[2] + b[3]) / 2 for b in boxes],
        "width": [b[3] - b[2] + 0.94 for b in boxes],
        "text": [f"{b[4]}<br>{size(b[1])} at {b[0]:,}, steps {b[2]} to {b[3]}" for b in boxes],
        "textposition": "none",
        "hoverinfo": "text",
        "marker": {
            "color": [c.SOFT if b[4].startswith("scratch") else c.BLUE for b in boxes],
            "opacity": 0.55,
            "line": {"color": c.BACK, "width": 1},
        },
    }
    key = [("band", c.BLUE, "a tensor, while it is needed"), ("band", c.SOFT, "scratch of a kernel")]
    best = "proven to be the least" if plan.optimal else f"no plan is below {size(plan.lower_bound)}"
    note = f"The arena takes {size(plan.peak)}, {best}. A box on top of another of the same size runs in place."
    return c.chart(
        "Arena over time", [trace], "step of execution", "place in the arena (B)", key, note, 280, barmode="overlay"
    )


def _live(run: Run, cost: Costs) -> Html:
    plan = cost.plan
    region = run.device.region_for(plan.peak) or max(run.device.regions, key=lambda r: r.bytes)
    live = [plan.live[node] for node in plan.order]
    names = {layer.node: layer.kernel for layer in cost.layers}
    text = [f"step {i}, {names[node]}: {size(plan.live[node])} live" for i, node in enumerate(plan.order)]
    trace = c.line(
        list(range(len(live))), live, c.BLUE, "lines+markers", line={"shape": "hvh"}, text=text, hoverinfo="text"
    )
    marks = [(region.bytes, f"region {region.name}: {size(region.bytes)}", c.SOFT)]
    limit = run.limits.ram_bytes
    if limit and limit != region.bytes:
        marks.append((limit, f"limit: {size(limit)}", c.RED))
    lines = c.both(*(c.across(value, words, colour, "y", log=True) for value, words, colour in marks))
    axis = c.doubling("live RAM, logarithmic", [max(min(live), 1), plan.peak, *(m[0] for m in marks)], size)
    note_text = f"At most {size(plan.peak)} of {size(region.bytes)} in region {region.name} of {run.device.name}."
    return c.chart(
        "Live memory against the region", [trace], "step of execution", axis, note=note_text, height=280, **lines
    )


Plugin = ChosenNetwork

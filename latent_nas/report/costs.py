"""The objective against flash, RAM and time: measured, predicted, final, limits and front."""

from typing import Any

import numpy as np

from latent_nas.records import Record
from latent_nas.report import Section
from latent_nas.report import _chart as c
from latent_nas.report._bits import mixed
from latent_nas.report._html import Html, join, tag
from latent_nas.runs.read import Run
from latent_nas.units import COSTS, cost

KEY = (
    ("dot", c.BLUE, "measured, validation part"),
    ("line", c.BLUE, "front of the measured"),
    ("diamond", c.ORANGE, "predicted before training"),
    ("star", c.GREEN, "final network, measured on the test part"),
    ("dash", c.RED, "limit"),
)


class CostCharts(Section):
    """One chart per cost."""

    title, place = "Objective and cost", 20

    def show(self, run: Run) -> Html:
        """Return the charts."""
        if not run.best:
            raise ValueError("no training has succeeded yet")
        charts = [_chart(run, name) for name in COSTS]
        words = (
            "Costs are computed exactly from the network's graph before anything is trained;"
            f" {run.scale.name} is measured by a true training, or predicted by the"
            " surrogates. No network beyond a limit is ever trained. A click on a point shows that network."
        )
        key = [c._entry(*entry) for entry in KEY if entry[2] != KEY[2][2] or run.predictions]
        bits = tag("p", note) if (note := mixed(run)) else None
        return join(tag("p", words), bits, tag("p", *key, class_="key"), tag("div", *charts, class_="charts"))


def _chart(run: Run, name: str) -> Html:
    what, unit, scale, _ = COSTS[name]
    best = [r for r in run.best if getattr(r, name) > 0]
    x = [getattr(r, name) / scale for r in best]
    traces = [
        c.line(*_front(run, best, name, scale), c.BLUE, line={"width": 1.2, "shape": "hv"}, hoverinfo="skip"),
        c.points(
            x,
            [run.scale.of_record(r) for r in best],
            c.BLUE,
            [_hover(run, r) for r in best],
            [run.numbers[r.genes] for r in best],
            opacity=0.75,
        ),
    ]
    foreseen = [r for r in best if r.genes in run.sane]
    if foreseen:
        y = [run.scale.of_value(run.sane[r.genes].predicted_objective) for r in foreseen]
        text = [
            f"predicted {run.scale.shown(v)}, training {run.numbers[r.genes]}" for r, v in zip(foreseen, y, strict=True)
        ]
        place = [getattr(r, name) / scale for r in foreseen]
        numbers = [run.numbers[r.genes] for r in foreseen]
        traces.insert(0, c.points(place, y, c.ORANGE, text, numbers, symbol="diamond-open", size=6, opacity=0.8))
    finals = [(n.limited[name] / scale, *found, n.genes) for n in run.networks if (found := run.scale.final(n))]
    ends = [final[:3] for final in finals]
    if ends:
        traces.append(_stars(ends, [run.numbers.get(genes) for *_, genes in finals], run))
    limit = getattr(run.limits, name)
    shown = [*x, *(e[0] for e in ends), *([limit / scale] if limit else [])]
    lines: dict[str, Any] = c.across(limit / scale, f"limit {cost(name, limit)}", log=True) if limit else {}
    label = {"flash_bytes": "flash", "ram_bytes": "RAM, tensor arena", "latency_ms": "time per inference"}[name]
    if limit and limit / scale == max(shown):  # beyond it is nothing, so that its name has room there
        shown.append(max(shown) * (max(shown) / min(shown)) ** 0.08)
    axis = c.doubling(f"{label} ({unit}), computed", shown)
    sign = run.scale.sign  # with the better end of the axis as its high one
    measured = [sign * run.scale.of_record(r) for r in run.best]
    low, high = _range(measured, [sign * e[1] + e[2] for e in ends], 1.0 if run.scale.share else 0.0)
    below = sum(value < low for value in measured)
    note = f"{below} trained network{'s lie' if below > 1 else ' lies'} beyond the chart." if below else ""
    bottom, top = sorted([sign * low, sign * high])
    if run.scale.share:
        bottom, top = max(bottom, 0.0), min(top, 100.0)
    upright = {"title": {"text": run.scale.title}, "range": [bottom, top]}
    return c.chart(
        f"{run.scale.name[0].upper()}{run.scale.name[1:]} against {what}", traces, axis, upright, note=note, **lines
    )


def _range(measured: list[float], final: list[float], least: float) -> tuple[float, float]:
    """Return the part of the axis that nine in ten trained networks and all final ones are in, with room around it.

    Args:
        measured, final: shown values, more being better. least: room.
    """
    low, high = float(np.quantile(measured, 0.1)), max(*measured, *final)
    room = max(0.25 * (high - low), least) or 0.1 * abs(high) or 1.0
    return max(low - room, min(measured) - 0.2 * room), high + 0.2 * room


def _front(run: Run, best: list[Record], name: str, scale: float) -> tuple[list[float], list[float]]:
    """Return the steps of the best objective at up to so much of one cost."""
    x: list[float] = []
    y: list[float] = []
    highest = -np.inf
    for record in sorted(best, key=lambda r: (getattr(r, name), -(r.score or 0))):
        if record.score is not None and record.score > highest:
            highest = record.score
            x.append(getattr(record, name) / scale)
            y.append(run.scale.of_record(record))
    return x, y


def _hover(run: Run, record: Record) -> str:
    costs = ", ".join(cost(name, getattr(record, name)) for name in COSTS)
    return f"training {run.numbers[record.genes]}: {run.scale.number(record.measured_objective)}<br>{costs}"


def _stars(ends: list[tuple[float, float, float]], numbers: list[int | None], run: Run) -> dict[str, Any]:
    x, y, std = zip(*ends, strict=True)
    text = [
        f"final network {i}: {run.scale.shown(a)} ± {run.scale.shown(s)}, test part"
        for i, (_, a, s) in enumerate(ends, 1)
    ]
    bars = {"type": "data", "array": std, "color": c.GREEN, "thickness": 1.2, "width": 3}
    return {**c.points(x, y, c.GREEN, text, numbers, symbol="star", size=11), "error_y": bars}


Plugin = CostCharts

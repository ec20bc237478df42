"""Charts: what plotly is to draw, as JSON that the page draws in the colours of its theme.

A colour is the name of one of the page's, e.g. ``"var(--blue)"``. A chart's key stands above it as HTML, so that it
wraps on a phone.
"""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from latent_nas.report._html import Html, tag

BLUE, ORANGE, GREEN, RED, PURPLE = (f"var(--{c})" for c in ("blue", "orange", "green", "red", "purple"))
INK, SOFT, LINE, BACK = (f"var(--{c})" for c in ("ink", "soft", "line", "back"))
SCALE = [[i / 4, f"var(--scale{i})"] for i in range(5)]  # dark to light, readable by the colour-blind

MARKS: dict[str, tuple[str, dict[str, Any]]] = {
    "dot": ("circle", {"cx": 8, "cy": 8, "r": 4}),
    "ring": ("circle", {"cx": 8, "cy": 8, "r": 3.5, "hollow": True}),
    "diamond": ("path", {"d": "M8 3 13 8 8 13 3 8Z", "hollow": True}),
    "star": ("path", {"d": "M8 2l1.8 4 4.2.4-3.2 2.9.9 4.3L8 11.4l-3.7 2.2.9-4.3L2 6.4 6.2 6Z"}),
    "cross": ("path", {"d": "M4 4 12 12M12 4 4 12", "hollow": True}),
    "line": ("path", {"d": "M1 8H15", "hollow": True}),
    "dash": ("path", {"d": "M1 8H5M8 8H12M14 8H16", "hollow": True}),
    "band": ("rect", {"x": 1, "y": 4, "width": 14, "height": 8, "opacity": 0.3}),
}


def chart(
    title: str,
    traces: Sequence[dict[str, Any]],
    x: str | dict[str, Any],
    y: str | dict[str, Any],
    key: Iterable[tuple[str, str, str]] = (),
    note: str = "",
    height: int = 300,
    **layout: Any,
) -> Html:
    """Return a figure: title, key, plot and note.

    Args:
        traces: plotly's. x, y: titles with units, or plotly's axes. key: (mark of ``MARKS``, colour, meaning).
        layout: more of plotly's.
    """
    axes = {"xaxis": _axis(x), "yaxis": _axis(y)}
    body = json.dumps(_finite({"data": list(traces), "layout": {**axes, "height": height, **layout}}))
    return tag(
        "figure",
        tag("h3", title),
        tag("p", *(_entry(*entry) for entry in key), class_="key") if key else None,
        tag("div", class_="plot", role="img", aria_label=title, style=f"height:{height}px"),
        tag("script", Html(body.replace("<", "\\u003c")), type="application/json"),
        tag("figcaption", note) if note else None,
    )


def points(
    x: Sequence[Any],
    y: Sequence[Any],
    colour: Any,
    text: Sequence[str] = (),
    opens: Sequence[int | None] = (),
    **marker: Any,
) -> dict[str, Any]:
    """Return a trace of markers, of a colour or one each, with a hover text each.

    Args:
        opens: numbers of trainings, from 1, that a click shows.
    """
    link: dict[str, Any] = {"customdata": list(opens), "meta": "training"} if opens else {}
    hover: dict[str, Any] = {"text": list(text), "hoverinfo": "text"} if text else {"hoverinfo": "x+y"}
    return {
        "type": "scatter",
        "mode": "markers",
        "x": list(x),
        "y": list(y),
        "marker": {"color": colour, "size": 7, **marker},
        "cliponaxis": False,  # a point at 100 % is drawn whole
        **hover,
        **link,
    }


def line(x: Sequence[Any], y: Sequence[Any], colour: str, mode: str = "lines", **more: Any) -> dict[str, Any]:
    """Return a trace of a line; ``more`` are plotly's."""
    style = {"color": colour, "width": 2, **more.pop("line", {})}
    marker = {"color": colour, "size": 6}
    trace = {"type": "scatter", "mode": mode, "x": list(x), "y": list(y), "line": style, "marker": marker}
    return {**trace, "hoverinfo": "x+y", **more}


def across(
    value: float, text: str, colour: str = RED, axis: str = "x", dash: str = "dash", log: bool = False
) -> dict[str, list[Any]]:
    """Return shapes and annotations of a line at a value of an axis, which may be logarithmic, with its meaning."""
    other = "y" if axis == "x" else "x"
    place: dict[str, Any] = {axis: value, f"{other}ref": "paper", "text": text, "showarrow": False}
    if axis == "x":
        place |= {"y": 0.02, "yanchor": "bottom", "xanchor": "left", "textangle": -90}
    else:
        place |= {"x": 1, "xanchor": "right", "yanchor": "bottom"}
    shape = {
        "type": "line",
        f"{axis}0": value,
        f"{axis}1": value,
        f"{other}0": 0,
        f"{other}1": 1,
        f"{other}ref": "paper",
        "line": {"color": colour, "width": 1.5, "dash": dash},
        "layer": "below",
    }
    if log:  # there, annotations count in powers of ten and shapes do not
        place[axis] = math.log10(value)
    return {"shapes": [shape], "annotations": [{**place, "font": {"color": colour}}] if text else []}


def both(*layouts: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Return the shapes and annotations of several ``across``."""
    return {name: [part for layout in layouts for part in layout[name]] for name in ("shapes", "annotations")}


def doubling(title: str, values: Sequence[float], text: Callable[[float], str] = "{:g}".format) -> dict[str, Any]:
    """Return a logarithmic axis with ticks at powers of two around positive values."""
    low, high = min(values), max(values)
    first, last = math.floor(math.log2(low)), math.ceil(math.log2(high))
    step = max(1, math.ceil((last - first) / 7))
    ticks = [2.0**k for k in range(first, last + 1, step)]
    if last - first < 4:
        ticks = sorted([*ticks, *(1.5 * tick for tick in ticks)])
    edge = 0.04 * max(math.log10(high / low), 0.3)
    return {
        "title": {"text": title},
        "type": "log",
        "tickvals": ticks,
        "ticktext": [text(tick) for tick in ticks],
        "range": [math.log10(low) - edge, math.log10(high) + edge],
    }


def measured(title: str, values: Iterable[float | None], share: bool) -> dict[str, Any]:
    """Return an axis around measured values, given as they are shown; that of a share ends at 100 %."""
    known = [v for v in values if v is not None and math.isfinite(v)]
    axis: dict[str, Any] = {"title": {"text": title}}
    if not share or not known:
        return axis
    room = max(0.06 * (max(known) - min(known)), 0.5)
    return {**axis, "range": [max(min(known) - room, 0.0), min(max(known) + room, 100.0)]}


def _axis(given: str | dict[str, Any]) -> dict[str, Any]:
    return {"title": {"text": given}} if isinstance(given, str) else given


def _entry(mark: str, colour: str, meaning: str) -> Html:
    name, held = MARKS[mark]
    shape: dict[str, Any] = dict(held)
    style = {"fill": "none", "stroke": colour, "stroke_width": 2} if shape.pop("hollow", False) else {"fill": colour}
    drawn = tag("svg", tag(name, **shape, **style), viewBox="0 0 16 16", width=14, height=14, aria_hidden="true")
    return tag("span", drawn, meaning)


def _finite(value: Any) -> Any:
    """Return JSON values with NaN and infinity as None, which plotly leaves out."""
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

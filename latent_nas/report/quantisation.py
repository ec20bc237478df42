"""What int8 costs in the metric that is optimised."""

from collections.abc import Mapping

import numpy as np

from latent_nas.records import Record
from latent_nas.report import Section
from latent_nas.report import _chart as c
from latent_nas.report._html import Html, join, tag
from latent_nas.runs.read import Run
from latent_nas.runs.scale import Scale


class Quantisation(Section):
    """The int8 network's metric against the float network's, of every training whose weights have 8 bits."""

    title, place = "Int8 against float", 110

    def show(self, run: Run) -> Html:
        """Return the charts."""
        narrow = f"{run.weight_bits}-bit weights" if run.weight_bits < 8 else ""
        records = [r for r in [*run.records, *([] if narrow else run.finals)] if r.ok]
        if narrow and not records:
            raise ValueError(f"its networks have {narrow}")
        metric = _metric(run.scale, records)
        scale = Scale(f"int8_{metric}", run.scale.higher_is_better)
        held = [r for r in records if metric in r.measured_float and metric in r.measured_int8]
        x, y = (np.array([scale.of_value(m[metric]) for m in side]) for side in _sides(held))
        final = np.array([r.part == "test" for r in held])
        lost = scale.sign * (x - y)
        words = (
            "Both are measured of the same training, the second with the integers that the device will run. int8 loses"
            f" {scale.difference(lost.mean() / scale.factor)} on average,"
            f" {scale.difference(lost.max() / scale.factor)} at worst, over {len(held)} trainings; below 0 it gains,"
            " which is chance."
        ) + (f" Final networks have {narrow} and are left out." if narrow else "")
        text = [
            f"{'final' if f else f'training {run.numbers[r.genes]}'}: float {scale.shown(a)}, int8 {scale.shown(b)}"
            for r, a, b, f in zip(held, x, y, final, strict=True)
        ]
        numbers = [run.numbers.get(r.genes) for r in held]
        charts = [_against(x, y, final, text, numbers, scale), _lost(lost, final, scale)]
        return join(tag("p", words), tag("div", *charts, class_="charts two"))


def _metric(scale: Scale, records: list[Record]) -> str:
    """Return the metric to compare: the objective's, else the first that float and int8 networks both have.

    Raises:
        ValueError: there is none.
    """
    both = [m for r in records for m in r.measured_int8 if m in r.measured_float]
    if not both:
        raise ValueError("no training has measured both a float and an int8 network")
    wanted = scale.objective.removeprefix("int8_")
    return wanted if wanted in both else both[0]


def _sides(held: list[Record]) -> tuple[list[Mapping[str, float]], list[Mapping[str, float]]]:
    return [r.measured_float for r in held], [r.measured_int8 for r in held]


def _against(
    x: np.ndarray, y: np.ndarray, final: np.ndarray, text: list[str], numbers: list[int | None], scale: Scale
) -> Html:
    ends = [float(min(x.min(), y.min())), float(max(x.max(), y.max()))]
    traces = [c.line(ends, ends, c.SOFT, line={"width": 1, "dash": "dot"}, hoverinfo="skip")]
    key = [("dash", c.SOFT, "nothing lost")]
    kinds = (
        (~final, c.BLUE, "circle", "dot", "of the search, validation"),
        (final, c.GREEN, "star", "star", "final, test"),
    )
    for chosen, colour, symbol, mark, meaning in kinds:
        rows = np.flatnonzero(chosen)
        if len(rows):
            shown, opens = [text[i] for i in rows], [numbers[i] for i in rows]
            traces.append(
                c.points(x[rows].tolist(), y[rows].tolist(), colour, shown, opens, symbol=symbol, opacity=0.75, size=8)
            )
            key.append((mark, colour, meaning))
    across = c.measured(scale.title.replace("int8", "float", 1), x, scale.share)
    return c.chart("int8 against float", traces, across, c.measured(scale.title, y, scale.share), key)


def _lost(lost: np.ndarray, final: np.ndarray, scale: Scale) -> Html:
    traces = [
        {
            "type": "histogram",
            "x": part.tolist(),
            "marker": {"color": colour, "line": {"color": c.BACK, "width": 1}},
            "nbinsx": 24,
        }
        for part, colour in ((lost[~final], c.BLUE), (lost[final], c.GREEN))
        if len(part)
    ]
    unit = "points" if scale.share else scale.name
    return c.chart("Lost by int8", traces, f"lost ({unit})", "trainings", barmode="stack")


Plugin = Quantisation

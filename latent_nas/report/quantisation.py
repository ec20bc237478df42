"""What int8 costs in accuracy."""

import numpy as np

from latent_nas.report import Section
from latent_nas.report import _chart as c
from latent_nas.report._html import Html, join, tag
from latent_nas.runs.read import Run


class Quantisation(Section):
    """Int8 against float accuracy of every training."""

    title, place = "Int8 against float", 90

    def show(self, run: Run) -> Html:
        """Return the charts."""
        held = [r for r in [*run.records, *run.finals] if r.ok and r.measured_float_accuracy is not None]
        held = [r for r in held if r.measured_int8_accuracy is not None]
        if not held:
            raise ValueError("no training has succeeded yet")
        x, y = (100 * np.array([getattr(r, f"measured_{k}_accuracy") for r in held], float) for k in ("float", "int8"))
        final = np.array([r.part == "test" for r in held])
        lost = x - y
        words = (
            f"Both are measured of the same training, the second with the integers that the device will run. int8 loses"
            f" {lost.mean():.2f} points on average, {lost.max():.1f} at worst, over {len(held)} trainings; below 0 it"
            " gains, which is chance."
        )
        text = [
            f"{'final' if f else f'training {run.numbers[r.genes]}'}: float {a:.1f} %, int8 {b:.1f} %"
            for r, a, b, f in zip(held, x, y, final, strict=True)
        ]
        charts = [_against(x, y, final, text), _lost(lost, final)]
        return join(tag("p", words), tag("div", *charts, class_="charts two"))


def _against(x: np.ndarray, y: np.ndarray, final: np.ndarray, text: list[str]) -> Html:
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
            shown = [text[i] for i in rows]
            traces.append(
                c.points(x[rows].tolist(), y[rows].tolist(), colour, shown, symbol=symbol, opacity=0.75, size=8)
            )
            key.append((mark, colour, meaning))
    return c.chart("int8 against float", traces, "float accuracy (%)", "int8 accuracy (%)", key)


def _lost(lost: np.ndarray, final: np.ndarray) -> Html:
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
    return c.chart("Points lost by int8", traces, "float - int8 (points)", "trainings", barmode="stack")


Plugin = Quantisation

"""Every round's predictions against what was measured: were the surrogates worth listening to?"""

import numpy as np

from latent_nas.rank_agreement import kendall
from latent_nas.report import Section
from latent_nas.report import _chart as c
from latent_nas.report._html import Html, join, tag
from latent_nas.runs.read import Run
from latent_nas.runs.scale import Scale
from latent_nas.runs.schema import Prediction, Round
from latent_nas.tasks.kinds.confusion import Z
from latent_nas.units import percent

COVERAGE = 0.9
FEW = 10  # predictions, below which a rank correlation says nothing


class Rounds(Section):
    """The best so far, predictions against measurements, and the surrogates' report card by round."""

    title, place = "Rounds", 70

    def show(self, run: Run) -> Html:
        """Return the charts."""
        if not run.best:
            raise ValueError("no training has succeeded yet")
        charts = [progress(run)]
        judged = [f for f in run.rounds if f.optimism is not None]
        words = "This strategy asks no surrogates, or they have not been asked yet: there is nothing to compare."
        if judged:
            charts += [_predictions(run)] if run.sane else []
            charts += [_ranks(judged), _optimism(judged, run.scale), _coverage(judged)]
            absurd = _absurd(len(run.predictions) - len(run.sane), run.scale)
            words = _words(judged, run.scale) + _ranking(list(run.sane.values())) + absurd
        return join(
            tag("p", words), tag("div", *charts[:2], class_="charts two"), tag("div", *charts[2:], class_="charts")
        )


def _words(judged: list[Round], scale: Scale) -> str:
    optimism = float(np.median([f.optimism for f in judged]))
    ranks = [f.rank_correlation for f in judged if f.rank_correlation is not None]
    covered = [f.coverage for f in judged if f.coverage is not None]
    text = (
        "Predictions were made before the networks were trained, by surrogates that had not seen them. In the median of"
        f" {len(judged)} rounds they were too {'hopeful' if scale.sign * optimism > 0 else 'careful'} by"
        f" {scale.difference(optimism)} on average"
    )
    if ranks:
        text += f"; within a round they ranked the networks with a Kendall's tau of {np.mean(ranks):.2f} (mean)"
    if covered:
        text += f"; {percent(float(np.mean(covered)), 0)} of what was measured lay in their 90 % intervals"
    return text + "."


def _ranking(predictions: list[Prediction]) -> str:
    """Return whether the surrogates rank networks at all, or why so few predictions can't tell.

    Source: Kendall 1938, "A new measure of rank correlation": the variance of tau where there is no correlation.
    """
    known = [(p.predicted_objective, p.measured_objective) for p in predictions]
    n = len(known)
    if n < FEW:
        return f" {n} prediction{'s are' if n != 1 else ' is'} too few to say whether the surrogates rank networks."
    chance = Z * float(np.sqrt(2 * (2 * n + 5) / (9 * n * (n - 1))))
    tau = float(np.nan_to_num(kendall(*np.array(known).T)))
    text = f" Over all {n} predictions it is {tau:.2f}; chance alone reaches {chance:.2f} with so many (95 %)"
    return text + (
        ", so the surrogates rank networks." if tau > chance else ": too few points to say whether they rank networks."
    )


def _absurd(many: int, scale: Scale) -> str:
    if not many:
        return ""
    return (
        f" {many} prediction{'s are' if many > 1 else ' is'} far outside"
        f" {'0 to 100 %' if scale.share else 'what was measured'} and not drawn: the surrogates"
        " failed there."
    )


def progress(run: Run) -> Html:
    """Return the chart of the best network by training."""
    numbers = list(range(1, len(run.records) + 1))
    shown = np.array([run.scale.of_record(r) for r in run.records], float)
    values = shown.tolist()
    best = (run.scale.sign * np.fmax.accumulate(run.scale.sign * shown)).tolist()
    text = [
        f"training {n}, round {r.round + 1}: {run.scale.shown(v)}"
        for n, r, v in zip(numbers, run.records, values, strict=True)
    ]
    key = [("dot", c.BLUE, "a training, measured"), ("line", c.INK, "best so far")]
    traces = [
        c.line(numbers, best, c.INK, line={"shape": "hv", "width": 1.5}),
        c.points(numbers, values, c.BLUE, text, numbers, opacity=0.8),
    ]
    upright = c.measured(f"{run.scale.title}, validation", values, run.scale.share)
    return c.chart("Best network by training", traces, "trainings", upright, key)


def _predictions(run: Run) -> Html:
    held = list(run.sane.values())
    scale = run.scale
    predicted = np.array([scale.of_value(p.predicted_objective) for p in held])
    measured = np.array([scale.of_value(p.measured_objective) for p in held])
    low = np.array([scale.of_value(p.predicted_low) for p in held])
    high = np.array([scale.of_value(p.predicted_high) for p in held])
    most = 100 if scale.share else np.inf
    ends = [min(predicted.min(), measured.min()), max(predicted.max(), measured.max())]
    bars = {
        "type": "data",
        "symmetric": False,
        "array": np.nan_to_num(np.minimum(high, most) - predicted).clip(0).tolist(),
        "arrayminus": np.nan_to_num(predicted - low).clip(0).tolist(),
        "color": c.LINE,
        "thickness": 1,
        "width": 0,
    }
    inside = (low <= measured) & (measured <= high)
    text = [
        f"training {run.numbers.get(p.genes, '?')}<br>predicted {scale.shown(a)}, measured {scale.shown(b)}"
        for p, a, b in zip(held, predicted, measured, strict=True)
    ]
    whiskers = {**c.points(predicted.tolist(), measured.tolist(), c.LINE, size=1), "error_x": bars, "hoverinfo": "skip"}
    traces = [c.line(ends, ends, c.SOFT, line={"width": 1, "dash": "dot"}, hoverinfo="skip"), whiskers]
    key = [("line", c.LINE, "90 % interval"), ("dash", c.SOFT, "as predicted")]
    for chosen, colour, meaning in ((inside, c.BLUE, "measured inside"), (~inside, c.RED, "outside, or no interval")):
        where = np.flatnonzero(chosen)
        traces.append(
            c.points(
                predicted[where].tolist(),
                measured[where].tolist(),
                colour,
                [text[i] for i in where],
                [run.numbers.get(held[i].genes) for i in where],
                opacity=0.85,
            )
        )
        key.append(("dot", colour, meaning))
    x = c.measured(f"predicted {scale.title}", [*predicted, *low, *high], scale.share)
    return c.chart(
        "Predicted against measured", traces, x, c.measured(f"measured {scale.title}", measured, scale.share), key
    )


def _ranks(judged: list[Round]) -> Html:
    held = [(f.round + 1, f.rank_correlation) for f in judged if f.rank_correlation is not None]
    x, y = ([p[i] for p in held] for i in range(2))
    lines = c.across(0, "", c.SOFT, "y", "dot")
    axis = {"title": {"text": "Kendall's tau"}, "range": [-1.1, 1.1]}
    traces = [c.line(x, y, c.BLUE, "lines+markers")]
    return c.chart(
        "Rank correlation",
        traces,
        "round",
        axis,
        height=240,
        note="1: the order was as predicted; 0: no better than chance.",
        **lines,
    )


def _optimism(judged: list[Round], scale: Scale) -> Html:
    known = [(f.round + 1, f.optimism) for f in judged if f.optimism is not None]
    shown = [(number, value) for number, value in known if abs(value) < 1 or not scale.share]
    x, y = [number for number, _ in shown], [scale.sign * scale.factor * value for _, value in shown]
    lines = c.across(0, "", c.SOFT, "y", "dot")
    traces = [c.line(x, y, c.BLUE, "lines+markers")]
    note = "How much better predicted than measured, mean of the round: above 0 is too hopeful."
    unit = "points of accuracy" if scale.share else scale.name
    return c.chart("Optimism", traces, "round", unit, height=240, note=note, **lines)


def _coverage(judged: list[Round]) -> Html:
    held = [(f.round + 1, 100 * f.coverage, f.trainings) for f in judged if f.coverage is not None]
    x, y = ([p[i] for p in held] for i in range(2))
    weights = np.array([p[2] for p in held], float)
    running = (np.cumsum(np.array(y) * weights) / np.cumsum(weights)).tolist() if held else []
    lines = c.across(100 * COVERAGE, "", c.SOFT, "y", "dot")
    traces = [c.points(x, y, c.BLUE), c.line(x, running, c.INK, line={"width": 1.5})]
    key = [("dot", c.BLUE, "of the round"), ("line", c.INK, "of all up to it"), ("dash", c.SOFT, "wanted")]
    axis = {"title": {"text": "inside (%)"}, "range": [-5, 105]}
    note = "" if held else "No round had enough labels for intervals."
    return c.chart("Coverage of 90 % intervals", traces, "round", axis, key, note, 240, **lines)


Plugin = Rounds

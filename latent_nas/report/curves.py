"""Learning curves: the first metric on the validation part after every epoch."""

from collections.abc import Iterable, Sequence

from latent_nas.records import Record, objective_of
from latent_nas.report import Section
from latent_nas.report import _chart as c
from latent_nas.report._html import Html, join, tag
from latent_nas.runs.read import Run
from latent_nas.runs.scale import Scale


class Curves(Section):
    """The search's short trainings, and the full ones."""

    title, place = "Learning curves", 100

    def show(self, run: Run) -> Html:
        """Return one or two charts."""
        short = [r for r in run.records if r.ok and r.curve]
        full = [r for r in run.checks if r.ok and r.curve]
        if not short and not full:
            raise ValueError("no training has succeeded yet")
        words = (
            "Measured of the float network on the validation part. The full trainings fix how many epochs the final"
            " ones run, which see the validation part as data and so have no curve of their own."
        )
        charts = []
        if short:
            best = run.best[0].genes if run.best else None
            charts.append(
                _chart("Trainings of the search", short, [r for r in short if r.genes == best], "the best of them")
            )
        if full:
            chosen = run.networks[0].genes if run.networks else None
            charts.append(
                _chart("Full trainings", full, [r for r in full if r.genes == chosen], "the first final network")
            )
        return join(tag("p", words), tag("div", *charts, class_="charts two"))


def _chart(title: str, records: Sequence[Record], marked: Sequence[Record], what: str) -> Html:
    scale, sign = _scale(records)
    factor = sign * scale.factor
    traces = [c.line(*_joined(records, factor), c.SOFT, line={"width": 1}, opacity=0.35, hoverinfo="skip")]
    key = [("line", c.SOFT, f"{len(records)} trainings")]
    if marked:
        traces.append(c.line(*_joined(marked, factor), c.BLUE, line={"width": 2.2}, hoverinfo="x+y"))
        key.append(("line", c.BLUE, what))
    values = [factor * value for record in records for value in record.curve]
    return c.chart(title, traces, "epoch", c.measured(f"{scale.title}, validation", values, scale.share), key)


def _scale(records: Sequence[Record]) -> tuple[Scale, int]:
    """Return how a curve's numbers are shown, and -1 where they are negated since less is better.

    They are the float network's, whatever is measured in the end.
    """
    objective, higher_is_better = objective_of(records)
    name = next((f"float_{name}" for name in records[0].measured_float if objective.endswith(f"_{name}")), objective)
    scale = Scale(name, higher_is_better)
    return scale, scale.sign


def _joined(records: Iterable[Record], factor: float) -> tuple[list[float | None], list[float | None]]:
    """Return all curves as one line with gaps: a hundred traces would be slow."""
    x: list[float | None] = []
    y: list[float | None] = []
    for record in records:
        x += [*range(1, len(record.curve) + 1), None]
        y += [*(factor * v for v in record.curve), None]
    return x, y


Plugin = Curves

"""Pictures of a run for a notebook, as plotly's figures."""

from typing import TYPE_CHECKING

import numpy as np

from latent_nas.records import Record, front, words
from latent_nas.report.latent import components
from latent_nas.runs.files import LATENT
from latent_nas.runs.read import Run
from latent_nas.units import COSTS

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def of_front(run: Run, cost: str) -> "Figure":
    """Return the measured objective of every training against a cost, with the trainings of the front as a line.

    Args:
        cost: one of ``units.COSTS``.

    Raises:
        ValueError: no such cost, or no training went well.
    """
    import plotly.graph_objects as go

    if cost not in COSTS:
        raise ValueError(f"no cost {cost!r}; there are: {', '.join(COSTS)}")
    good = [r for r in run.records if r.ok]
    if not good:
        raise ValueError(f"{run.path} has no training that went well")
    unit, best = COSTS[cost], list[Record]()
    for record in sorted(front(good), key=lambda r: float(getattr(r, cost))):
        value, sign = record.measured_objective or 0.0, 1 if record.higher_is_better else -1
        if not best or sign * value > sign * (best[-1].measured_objective or 0.0):
            best.append(record)

    def points(records: list[Record], **more: object) -> "go.Scatter":
        x = [getattr(r, cost) / unit.size for r in records]
        text = [f"training {run.numbers[r.genes]}" for r in records]
        return go.Scatter(x=x, y=[r.measured_objective for r in records], text=text, **more)

    figure = go.Figure([points(good, mode="markers", name="trainings", opacity=0.5)])
    figure.add_trace(points(best, mode="lines+markers", name="front", line={"shape": "hv"}))
    figure.update_layout(xaxis_title=f"{unit.word}, {unit.unit}", yaxis_title=f"measured {words(good[0].objective)}")
    return figure


def of_latent(run: Run) -> "Figure":
    """Return where the trained networks lie in the latent: two principal components, coloured by what was measured.

    Raises:
        ValueError: the run's strategy has no latent, or no round is finished.
    """
    import plotly.graph_objects as go

    if not run.latent:
        raise ValueError(f"{run.path} has no {LATENT}: its strategy searches without a latent, or no round is finished")
    codebook, codes = run.latent["codebook"], run.latent["codes"].astype(np.int64)
    rows = codebook[np.arange(len(codebook)), codes].reshape(len(codes), -1)
    (mean, directions), shares = components(rows)
    place = (rows - mean) @ directions.T
    measured = {r.genes: r.measured_objective for r in run.records if r.ok}
    values = [measured.get(tuple(genes)) for genes in run.latent["genes"].tolist()]
    name = run.records[0].objective if run.records else ""
    marker = {"color": values, "colorscale": "Viridis", "showscale": True, "colorbar": {"title": words(name)}}
    figure = go.Figure([go.Scatter(x=place[:, 0], y=place[:, 1], mode="markers", marker=marker)])
    titles = [f"component {i}, {100 * share:.0f} % of the variance" for i, share in enumerate(shares, 1)]
    figure.update_layout(xaxis_title=titles[0], yaxis_title=titles[1])
    return figure

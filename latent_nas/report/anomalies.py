"""How far the final network's scores tell anomalies from normal samples, on the test part."""

from typing import Any

import numpy as np

from latent_nas.report import Section
from latent_nas.report import _chart as c
from latent_nas.report._html import Html, join, tag
from latent_nas.runs.read import Run
from latent_nas.units import percent

BINS = 32


class Anomalies(Section):
    """Histogram of scores and ROC curve of the first final network, of the seed that is kept."""

    title, place, metric = "Anomalies", 14, "auc"

    def show(self, run: Run) -> Html:
        """Return the charts and what the threshold does."""
        if not run.networks:
            raise ValueError("the test part is read at the end of a search, by the final networks only")
        seen = [r for r in run.behind(run.networks[0]) if "scores" in r.evidence]
        if not seen:
            raise ValueError("the task is not anomaly detection")
        scores, odd = np.array(seen[0].evidence["scores"]).T
        beside, threshold = seen[0].measured_beside, seen[0].measured_beside["threshold"]
        words = (
            "The int8 network on samples of the test part, of the seed that is kept."
            f" The threshold {threshold:.4g}, chosen on normal validation samples, flags"
            f" {percent(beside['detection_rate'])} of the anomalies and {percent(beside['false_alarm_rate'])} of the"
            " normal samples."
        )
        charts = [_histogram(scores, odd == 1, threshold), _roc(scores, odd == 1, threshold)]
        return join(tag("p", words), tag("div", *charts, class_="charts two"))


def _histogram(scores: np.ndarray, odd: np.ndarray, threshold: float) -> Html:
    """Return how often there are which roots of scores (n,): lengths, as the squares of a few would fill the axis."""
    lengths = np.sqrt(scores)
    edges = np.linspace(0, float(lengths.max()) or 1.0, BINS + 1)
    middles = ((edges[1:] + edges[:-1]) / 2).tolist()
    traces = [
        {
            "type": "bar",
            "x": middles,
            "y": np.histogram(lengths[rows], edges)[0].tolist(),
            "width": float(edges[1]),
            "opacity": 0.6,
            "marker": {"color": colour},
            "hovertemplate": f"%{{y}} {name}<extra></extra>",
        }
        for rows, colour, name in ((~odd, c.GREEN, "normal"), (odd, c.RED, "anomalies"))
    ]
    key = [("band", c.GREEN, "normal"), ("band", c.RED, "anomalies"), ("dash", c.INK, "threshold")]
    line: dict[str, Any] = c.across(float(np.sqrt(threshold)), "", c.INK)
    x = "root of the score"
    return c.chart("Scores", traces, x, "samples", key, height=340, barmode="overlay", **line)


def _roc(scores: np.ndarray, odd: np.ndarray, threshold: float) -> Html:
    """Return which share of the anomalies is flagged (up) for which share of false alarms (right)."""
    steps = np.unique(scores)[::-1]
    right, up = ([float((scores[rows] > step).mean()) for step in steps] for rows in (~odd, odd))
    at = [float((scores[rows] > threshold).mean()) for rows in (~odd, odd)]
    traces = [
        c.line([0, 1], [0, 1], c.SOFT, line={"width": 1, "dash": "dot"}, hoverinfo="skip"),
        c.line([*right, 1.0], [*up, 1.0], c.BLUE),
        c.points([at[0]], [at[1]], c.INK, [f"threshold: {at[1]:.3f} flagged, {at[0]:.3f} false alarms"], size=10),
    ]
    key = [("line", c.BLUE, "int8 network"), ("dash", c.SOFT, "chance"), ("dot", c.INK, "threshold")]
    ends = {"range": [-0.02, 1.02]}
    x, y = ({"title": {"text": text}, **ends} for text in ("normal samples flagged", "anomalies flagged"))
    return c.chart("ROC curve", traces, x, y, key, height=340)


Plugin = Anomalies

"""What the final network says of numeric targets, against what they are, on the test part."""

import numpy as np

from latent_nas.report import Section
from latent_nas.report import _chart as c
from latent_nas.report._html import Html, join, tag
from latent_nas.runs.read import Run

START = "scatter "  # of the names of a record's evidence, each of one target


class Scatter(Section):
    """Target against answer of the first final network, one seed, a chart per target."""

    title, place, metric = "Target and answer", 13, "rmse"

    def show(self, run: Run) -> Html:
        """Return the charts."""
        if not run.networks:
            raise ValueError("the test part is read at the end of a search, by the final networks only")
        own = [r.evidence for r in run.behind(run.networks[0])]
        seen = [evidence for evidence in own if any(name.startswith(START) for name in evidence)]
        if not seen:
            raise ValueError("the task has no numeric targets")
        pairs = {n.removeprefix(START): np.array(p) for n, p in seen[0].items() if n.startswith(START)}
        words = (
            "The int8 network on samples of the test part, of the seed that is kept. On the dotted line the answer is"
            " right."
        )
        charts = [_chart(name, points) for name, points in pairs.items()]
        return join(tag("p", words), tag("div", *charts, class_="charts two"))


def _chart(name: str, pairs: np.ndarray) -> Html:
    """Return the picture of (target, answer), (n, 2)."""
    ends = [float(pairs.min()), float(pairs.max())]
    off = pairs[:, 1] - pairs[:, 0]
    text = [f"target {t:.4g}, answer {a:.4g}, off by {d:+.4g}" for (t, a), d in zip(pairs, off, strict=True)]
    traces = [
        c.line(ends, ends, c.SOFT, line={"width": 1, "dash": "dot"}, hoverinfo="skip"),
        c.points(pairs[:, 0].tolist(), pairs[:, 1].tolist(), c.BLUE, text, opacity=0.6, size=6),
    ]
    note = f"{len(pairs)} samples: off by {np.abs(off).mean():.4g} in the mean, by {np.abs(off).max():.4g} at worst."
    return c.chart(name, traces, "target", "int8 network's answer", note=note, height=380)


Plugin = Scatter

"""Which classes the final network takes for which others, on the test part."""

import numpy as np

from latent_nas.report import Section
from latent_nas.report import _chart as c
from latent_nas.report._html import Html, join, tag
from latent_nas.runs.read import Run

NAMED = 3  # pairs of classes named in words
WRITTEN = 12  # classes up to which counts stand in the cells


class Confusion(Section):
    """The confusion matrix of the first final network, all its seeds together."""

    title, place, metric = "Confusion", 70, "accuracy"

    def show(self, run: Run) -> Html:
        """Return the matrix and what is confused most."""
        if not run.networks:
            raise ValueError("the test part is read at the end of a search, by the final networks only")
        genes = run.networks[0].genes
        seen = [np.array(r.evidence["confusion"]) for r in run.finals if r.genes == genes and "confusion" in r.evidence]
        if not seen:
            raise ValueError(
                "the final trainings kept no confusion matrix; their task has no classes, or they are older"
            )
        matrix = sum(seen[1:], seen[0])
        shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        return join(tag("p", _words(matrix, len(seen))), tag("div", _chart(matrix, shares), class_="square"))


def _words(matrix: np.ndarray, seeds: int) -> str:
    wrong = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-wrong, axis=None, kind="stable")[:NAMED]
    pairs = [(*np.unravel_index(i, wrong.shape), wrong.flat[i]) for i in order if wrong.flat[i]]
    many = f"{seeds} seeds together" if seeds > 1 else "one seed"
    text = f"The int8 network on the test part, {many}: {wrong.sum():,} of {matrix.sum():,} are wrong."
    if pairs:
        text += (
            " Most often " + ", ".join(f"{a} was taken for {b} ({n} of {matrix[a].sum()})" for a, b, n in pairs) + "."
        )
    return text


def _chart(matrix: np.ndarray, shares: np.ndarray) -> Html:
    names = list(map(str, range(len(matrix))))
    small = len(matrix) <= WRITTEN
    trace = {
        "type": "heatmap",
        "z": (100 * shares).round(2).tolist(),
        "x": names,
        "y": names,
        "zmin": 0,
        "zmax": 100,
        "colorscale": [[0, c.BACK], [0.004, c.BACK], [0.005, "var(--tint)"], [1, "var(--cell)"]],
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
        "customdata": matrix.tolist(),
        "hovertemplate": "%{y} taken for %{x}: %{customdata} (%{z:.1f} %)<extra></extra>",
        **(
            {"text": [[str(v) if v else "" for v in row] for row in matrix.tolist()], "texttemplate": "%{text}"}
            if small
            else {}
        ),
    }
    common = {"type": "category", "showgrid": False, **({"dtick": 1} if small else {})}
    x = {**common, "title": {"text": "taken for"}}
    y = {**common, "title": {"text": "class"}, "autorange": "reversed"}
    note = "Colour: the share of the row's class. Empty: never."
    return c.chart("Confusion matrix", [trace], x, y, note=note, height=420)


Plugin = Confusion

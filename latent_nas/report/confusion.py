"""Which classes the final network takes for which others, on the test part, and how many of each it tells."""

import numpy as np

from latent_nas.report import Section
from latent_nas.report import _chart as c
from latent_nas.report._html import Html, join, tag
from latent_nas.runs.read import Run
from latent_nas.tasks.kinds.confusion import balanced_accuracy, f1
from latent_nas.units import count, percent

NAMED = 3  # pairs of classes named in words
COLUMNS = ("class", "tested", "recall", "precision", "F1")
WRITTEN = 12  # classes up to which counts stand in the cells


class Confusion(Section):
    """The confusion matrix of the first final network, all its seeds together."""

    title, place, metric = "Confusion", 12, "accuracy"

    def show(self, run: Run) -> Html:
        """Return the matrix and what is confused most."""
        if not run.networks:
            raise ValueError("the test part is read at the end of a search, by the final networks only")
        own = [r.evidence for r in run.behind(run.networks[0])]
        seen = [np.array(evidence["confusion"], int) for evidence in own if "confusion" in evidence]
        if not seen:
            raise ValueError(
                "the final trainings kept no confusion matrix; their task has no classes, or they are older"
            )
        matrix = sum(seen[1:], seen[0])
        names = list(run.data.classes) if run.data else []
        if len(names) != len(matrix):
            names = list(run.networks[0].measured_exported_recall)
        if len(names) != len(matrix):  # a class without test samples has no recall, and older runs know no names
            names = list(map(str, range(len(matrix))))
        shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        picture = tag("div", _chart(matrix, shares, names), class_="square")
        return join(tag("p", _words(matrix, names, len(seen))), picture, _recalls(matrix, names))


def _words(matrix: np.ndarray, names: list[str], seeds: int) -> str:
    wrong = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-wrong, axis=None, kind="stable")[:NAMED]
    pairs = [(*np.unravel_index(i, wrong.shape), wrong.flat[i]) for i in order if wrong.flat[i]]
    many = f"{seeds} seeds together" if seeds > 1 else "one seed"
    text = f"The int8 network on the test part, {many}: {wrong.sum():,} of {matrix.sum():,} are wrong."
    if pairs:
        said = (f"{names[a]} was taken for {names[b]} ({n} of {matrix[a].sum()})" for a, b, n in pairs)
        text += f" Most often {', '.join(said)}."
    return text


def _recalls(matrix: np.ndarray, names: list[str]) -> Html:
    """Return a table of every class: how often it was tested, how often told, how many answers of it are right."""
    samples, answers, right = matrix.sum(axis=1), matrix.sum(axis=0), np.diag(matrix)
    head = tag("tr", *(tag("th", name, class_="n" if i else None, scope="col") for i, name in enumerate(COLUMNS)))
    shares = [
        (n, r / n if n else None, r / a if a else None, 2 * r / (n + a) if n + a else None)
        for n, a, r in zip(samples.tolist(), answers.tolist(), right.tolist(), strict=True)
    ]
    rows = [
        tag("tr", tag("td", name, data_value=name), _cell(n, count(n)), *(_cell(one, _share(one)) for one in told))
        for name, (n, *told) in zip(names, shares, strict=True)
    ]
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="sortable")
    means = f"Balanced accuracy {percent(balanced_accuracy(matrix))}, macro F1 {percent(f1(matrix))}."
    return join(tag("p", means), tag("div", table, class_="scroll", tabindex=0))


def _cell(value: float | None, text: str) -> Html:
    return tag("td", text, class_="n", data_value="" if value is None else value)


def _share(part: float | None) -> str:
    return "-" if part is None else percent(part)


def _chart(matrix: np.ndarray, shares: np.ndarray, names: list[str]) -> Html:
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

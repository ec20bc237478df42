"""The latent space: where the trained networks lie in it, how the agent moves through it, and the codebook."""

from typing import Any

import numpy as np

from latent_nas.report import Section
from latent_nas.report import _chart as c
from latent_nas.report._html import Html, join, tag
from latent_nas.runs.files import LATENT
from latent_nas.runs.read import Run


class LatentMap(Section):
    """Principal components of the trained networks' latents with the agent's episodes, and of the codebook."""

    title, place = "Latent space", 80

    def show(self, run: Run) -> Html:
        """Return both maps."""
        if not run.latent:
            raise ValueError(
                f"the run has no {LATENT}: its strategy searches without a latent, or no round is finished"
            )
        codebook, codes = run.latent["codebook"], run.latent["codes"].astype(np.int64)
        genes = [tuple(row) for row in run.latent["genes"].tolist()]
        slots = np.arange(codebook.shape[0])
        axes, shares = components(codebook[slots, codes].reshape(len(codes), -1))
        charts = [_networks(run, genes, codes, codebook, axes, shares), _codebook(codebook, codes)]
        words = (
            f"A network is {codebook.shape[0]} codes, each one of {codebook.shape[1]} vectors of {codebook.shape[2]}"
            " numbers (its slot's codebook). The map shows all of them at once, projected on the two directions in"
            " which the trained networks differ most. An edit of the agent puts another vector in one slot."
        )
        return join(tag("p", words), tag("div", *charts, class_="charts two"))


def components(rows: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], tuple[float, float]]:
    """Return (mean (d,), directions (2, d)) of rows (n, d), and the shares of the variance that these explain."""
    mean = rows.mean(axis=0)
    _, values, directions = np.linalg.svd(rows - mean, full_matrices=False)
    directions = np.concatenate([directions[:2], np.zeros((2 - len(directions[:2]), rows.shape[1]))])
    total = float((values**2).sum()) or 1.0
    first, second = (float(v**2) / total for v in [*values, 0, 0][:2])
    return (mean, directions), (first, second)


def _project(rows: np.ndarray, axes: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return (rows - axes[0]) @ axes[1].T


def _networks(
    run: Run,
    genes: list[tuple[int, ...]],
    codes: np.ndarray,
    codebook: np.ndarray,
    axes: tuple[np.ndarray, np.ndarray],
    shares: tuple[float, float],
) -> Html:
    slots = np.arange(len(codebook))
    measured = {r.genes: r.measured_objective for r in run.records if r.ok}
    good = [i for i, g in enumerate(genes) if measured.get(g) is not None]
    place = _project(codebook[slots, codes].reshape(len(codes), -1), axes)[good]
    values = [run.scale.of_value(measured[genes[i]]) for i in good]
    text = [f"training {run.numbers[genes[i]]}: {run.scale.shown(v)}" for i, v in zip(good, values, strict=True)]
    bar = {"title": {"text": run.scale.title, "side": "right"}, "thickness": 10, "len": 0.9, "outlinewidth": 0}
    marker = {
        "colorscale": c.SCALE,
        "reversescale": not run.scale.higher_is_better,
        "showscale": True,
        "colorbar": bar,
        "size": 9,
        "line": {"color": c.SOFT, "width": 0.7},
    }
    ends = np.quantile(values, (0.05, 1.0) if run.scale.higher_is_better else (0.0, 0.95)) if values else (0.0, 1.0)
    x, y = place.T.tolist()
    numbers = [run.numbers[genes[i]] for i in good]
    networks = c.points(x, y, values, text, numbers, **marker, cmin=float(ends[0]), cmax=float(ends[1]))
    traces, note = _episodes(run, codebook, axes)
    key = [("dot", "var(--scale2)", f"a trained network, by its measured {run.scale.name}")]
    if traces:
        key += [("line", c.SOFT, "an episode of the agent"), ("dot", c.GREEN, "its start"), ("cross", c.RED, "its end")]
    first, second = _titles(shares)
    return c.chart("Trained networks and the agent's ways", [networks, *traces], first, second, key, note, 400)


def _episodes(run: Run, codebook: np.ndarray, axes: tuple[np.ndarray, np.ndarray]) -> tuple[list[dict[str, Any]], str]:
    held = {n: j.episodes for n, j in run.journals.items() if j.episodes}
    if not held:
        return [], "No agent has been at work yet." if run.config.get("strategy") == "latent_rl" else ""
    last = max(held)
    slots = np.arange(len(codebook))
    ways = [_project(codebook[slots, np.array(codes)].reshape(len(codes), -1), axes) for codes in held[last].codes]
    gains = [scores[-1] - scores[0] for scores in held[last].scores]
    x: list[float | None] = []
    y: list[float | None] = []
    for way in ways:
        x += [*way[:, 0].tolist(), None]
        y += [*way[:, 1].tolist(), None]
    text = [f"score {gain:+.3f} in {len(way) - 1} edits" for way, gain in zip(ways, gains, strict=True)]
    (start_x, start_y), (end_x, end_y) = (np.array([way[i] for way in ways]).T.tolist() for i in (0, -1))
    traces = [
        c.line(x, y, c.SOFT, line={"width": 1.3}, hoverinfo="skip"),
        c.points(start_x, start_y, c.GREEN, ["start"] * len(ways), size=9),
        c.points(end_x, end_y, c.RED, text, symbol="x-thin", size=9, line={"color": c.RED, "width": 2.5}),
    ]
    better = float(np.mean([gain > 0 for gain in gains]))
    note = (
        f"{len(ways)} episodes of round {last + 1}'s agent; {100 * better:.0f} % end at a better predicted score than"
        " they began with. An edit that makes it worse is undone."
    )
    return traces, note


def _codebook(codebook: np.ndarray, codes: np.ndarray) -> Html:
    slots, size, dim = codebook.shape
    axes, shares = components(codebook.reshape(-1, dim))
    x, y = _project(codebook.reshape(-1, dim), axes).T
    used = np.stack([np.bincount(codes[:, s], minlength=size) for s in range(slots)]).ravel()
    share = used / max(len(codes), 1)
    names = [f"slot {i // size}, code {i % size}: in {used[i]} of {len(codes)} networks" for i in range(len(used))]
    idle, busy = np.flatnonzero(used == 0), np.flatnonzero(used)
    big = (5 + 14 * np.sqrt(share[busy])).round(1).tolist()
    traces = [
        c.points(
            x[rows].tolist(), y[rows].tolist(), colour, [names[i] for i in rows], symbol=symbol, size=wide, opacity=0.6
        )
        for rows, colour, symbol, wide in ((idle, c.SOFT, "circle-open", 5), (busy, c.BLUE, "circle", big))
    ]
    key = [("dot", c.BLUE, "in trained networks, the larger the more"), ("ring", c.SOFT, "in none")]
    note = f"{len(busy):,} of {len(used):,} codes of {slots} codebooks are in a trained network."
    first, second = _titles(shares)
    return c.chart("Codebook", traces, first, second, key, note, 400)


def _titles(shares: tuple[float, float]) -> tuple[str, str]:
    first, second = (f"component {i} ({100 * share:.0f} % of the variance)" for i, share in enumerate(shares, 1))
    return first, second


Plugin = LatentMap

"""All runs in a table, what is no run below it, and runs side by side."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import numpy as np

from latent_nas.report import _chart as c
from latent_nas.report._html import Html, join, tag
from latent_nas.runs.read import Run
from latent_nas.runs.scale import Scale
from latent_nas.tasks._names import title
from latent_nas.ui.listing import Listed
from latent_nas.ui.work import Work
from latent_nas.units import COSTS, cost, seconds, size

HEAD = (
    ("", 0),
    ("run", 0),
    ("state", 0),
    ("best network", 1),
    ("task", 0),
    ("board", 0),
    ("flash", 1),
    ("RAM", 1),
    ("time", 1),
    ("limits", 0),
)
FITS = {True: "fits", False: "does not fit"}
COLOURS = (c.BLUE, c.ORANGE, c.GREEN, c.PURPLE, c.RED, c.INK)
MOST = len(COLOURS)  # runs side by side


def runs(base: str, listed: Sequence[Listed], folder: Path, works: Sequence[Work]) -> Html:
    """Return the table of runs."""
    own = [one for one in listed if one.line is not None or one.state == "running"]
    others = [one for one in listed if one not in own]
    parts: list[object] = [tag("h1", "Runs"), tag("p", str(folder), class_="made")]
    waiting = [work for work in works if work.kind == "search" and not work.begun]
    parts += [_waiting(base, work) for work in waiting]
    if own:
        head = tag("tr", *(tag("th", text, class_="n" if n else None, scope="col") for text, n in HEAD))
        rows = [row for one in own for row in _row(base, one)]
        box = tag("table", tag("thead", head), tag("tbody", *rows), class_="runs")
        compare = tag("button", "Compare", type="submit")
        many = tag("span", f" two to {MOST} runs", class_="made")
        parts.append(
            tag(
                "form",
                tag("div", box, class_="scroll", tabindex=0),
                *([compare, many] if len(own) > 1 else []),
                action=f"{base}/compare",
                method="get",
            )
        )
    else:
        begin = tag("a", "Begin the first search", href=f"{base}/new")
        parts.append(tag("p", "There is no run yet. ", begin, "."))
    if others:
        parts.append(tag("h2", "Not runs"))
        parts.append(tag("ul", *(tag("li", tag("strong", one.name), f": {one.problem}") for one in others)))
    return join(*parts)


def _waiting(base: str, work: Work) -> Html:
    link = tag("a", work.place.name, href=f"{base}/job/{work.number}")
    if work.code is None:
        return tag("p", link, ": the data and the options are checked.")
    return tag("p", link, f": did not begin. {(work.lines() or [''])[-1]}", class_="error")


def _row(base: str, one: Listed) -> list[Html]:
    line = one.line
    link = tag("a", one.name, href=f"{base}/run/{quote(one.name, safe='')}/")
    pick = tag("input", type="checkbox", name="run", value=one.name, aria_label=f"compare {one.name}")
    state = tag("span", one.state, class_=f"state {one.state.replace(' ', '-')}")
    if line is None:
        return [tag("tr", tag("td"), tag("td", link), tag("td", state), tag("td", colspan=7))]
    scale = Scale(line.metric or "int8_accuracy")
    best = scale.number(line.measured)
    where = f"{scale.name}, {line.measured_on}" if line.measured is not None else None
    cells = [
        tag("td", pick if one.state != "damaged" else None),
        tag("td", link),
        tag("td", state, tag("small", one.progress) if one.progress else None),
        tag("td", best, tag("small", where) if where else None, class_="n"),
        tag("td", title(line.task or "")),
        tag("td", Path(line.device or "").stem if (line.device or "").endswith(".toml") else line.device or ""),
        *(tag("td", size(value), class_="n") for value in line.counted[:2]),
        tag("td", cost("latency_ms", line.counted[2]), tag("small", line.counted_how), class_="n"),
        tag("td", FITS.get(line.fits, "-") if line.fits is not None else "-"),
    ]
    rows = [tag("tr", *cells)]
    if one.problem:
        rows.append(tag("tr", tag("td"), tag("td", one.problem, colspan=9, class_="problem")))
    return rows


def compare(base: str, named: Sequence[tuple[str, Run]]) -> Html:
    """Return runs side by side: what each was asked and found, and their fronts in one picture."""
    columns = [tag("th", tag("a", name, href=f"{base}/run/{quote(name, safe='')}/"), scope="col") for name, _ in named]
    facts = [_facts(run) for _, run in named]
    rows = [
        tag("tr", tag("th", key, scope="row"), *(tag("td", fact.get(key, "-")) for fact in facts)) for key in facts[0]
    ]
    table = tag("table", tag("thead", tag("tr", tag("th"), *columns)), tag("tbody", *rows), class_="side")
    words = "What each was asked, and the best network of each."
    parts = [
        tag("h1", "Runs side by side"),
        tag("p", words, class_="made"),
        tag("div", table, class_="scroll", tabindex=0),
    ]
    scales = {run.scale for _, run in named if run.best}
    if len(scales) == 1:
        (scale,) = scales
        key = [("line", colour, name) for colour, (name, _) in zip(COLOURS, named, strict=False)]
        drawn = [(name, run, colour) for colour, (name, run) in zip(COLOURS, named, strict=False) if run.best]
        charts = [_progress(drawn, scale), *(_front(drawn, scale, name) for name in COSTS)]
        parts += [
            tag("h2", "Measured on the validation part"),
            tag("p", *(c._entry(*entry) for entry in key), class_="key"),
            tag("div", *charts, class_="charts two"),
        ]
    elif scales:
        named_scales = ", ".join(sorted(scale.name for scale in scales))
        parts.append(tag("p", f"They optimised different things ({named_scales}), so no chart has them all."))
    return join(*parts)


def _facts(run: Run) -> dict[str, str]:
    config, result = run.config, run.result
    first = run.networks[0] if run.networks else None
    best = run.best[0] if run.best else None
    measured = "-"
    if first:
        own = run.scale.exported(first)
        mean = run.scale.final(first)
        measured = f"{own or (run.scale.shown(mean[0]) if mean else '-')}{run.scale.interval(first)}, test"
    elif best:
        measured = f"{run.scale.number(best.measured_objective)}{run.scale.interval_of(best)}, validation"
    used = first.counted if first else {name: getattr(best, name) for name in COSTS} if best else {}
    how = first.counted_how if first else "computed"
    try:
        limits = run.limits.text()
    except ValueError:  # of a board that is not known here
        limits = "-"
    return {
        "task": title(run.target["task"]),
        "board": run.target["device"] or "-",
        "runtime": run.target["runtime"] or "-",
        "space": run.target["space"] or "-",
        "strategy": str(config.get("strategy", "-")),
        "seed": str(config.get("seed", "-")),
        "limits": limits,
        "trainings": f"{len(run.records)} of {run.wanted or '?'}",
        f"best, {run.scale.name}": measured,
        **{word: f"{cost(name, used[name])}, {how}" if used else "-" for name, (word, *_) in COSTS.items()},
        "took": seconds(result.wall_s) if result and result.wall_s else "-",
    }


def _progress(drawn: Sequence[tuple[str, Run, str]], scale: Scale) -> Html:
    traces, values = [], []
    for _, run, colour in drawn:
        shown = np.array([scale.of_record(r) for r in run.records], float)
        best = (scale.sign * np.fmax.accumulate(scale.sign * shown)).tolist()
        values += best
        traces.append(c.line(list(range(1, len(best) + 1)), best, colour, line={"shape": "hv"}))
    upright = c.measured(f"best {scale.title}", values, scale.share)
    return c.chart("Best network by training", traces, "trainings", upright)


def _front(drawn: Sequence[tuple[str, Run, str]], scale: Scale, name: str) -> Html:
    word, unit, factor, _ = COSTS[name]
    traces, x_all, y_all = [], list[float](), list[float]()
    for run_name, run, colour in drawn:
        best = [r for r in run.best if getattr(r, name) > 0]
        x = [getattr(r, name) / factor for r in best]
        y = [scale.of_record(r) for r in best]
        text = [f"{run_name}, training {run.numbers[r.genes]}: {scale.shown(v)}" for r, v in zip(best, y, strict=True)]
        traces.append(c.points(x, y, colour, text, opacity=0.7))
        x_all, y_all = [*x_all, *x], [*y_all, *y]
    least = float(np.quantile(y_all, 0.1)) if scale.higher_is_better else min(y_all)
    most = max(y_all) if scale.higher_is_better else float(np.quantile(y_all, 0.9))
    upright = c.measured(scale.title, [least, most], scale.share)
    return c.chart(f"Against {word}", traces, c.doubling(f"{word} ({unit}), computed", x_all), upright)

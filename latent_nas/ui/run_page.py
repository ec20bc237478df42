"""One run: what it has found so far, by the report's own sections, and what can be done with it."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from latent_nas import plugins, report
from latent_nas.firmware.layouts import LAYOUTS
from latent_nas.report._html import Html, join, tag
from latent_nas.report.rounds import progress
from latent_nas.runs import files
from latent_nas.runs.read import Run
from latent_nas.ui.listing import Listed
from latent_nas.ui.work import Work

SHOWN = ("Summary", "Objective and cost")  # sections above the progress; the table of trainings follows
TABLE = "Trained networks"
LAST = 12  # lines of the log
FILTERS = (("flash at most (KB)", "flash KB"), ("RAM at most (KB)", "RAM KB"), ("time at most (ms)", "time ms"))


def show(base: str, run: Run, listed: Listed, works: Sequence[Work]) -> Html:
    """Return the page of a run, which may be at work, have ended, or be damaged."""
    sections = {section.title: section for section in report.sections_of(run)}
    parts: list[object] = [_head(base, run, listed, works)]
    parts += [report.part(sections[name], run) for name in SHOWN if name in sections]
    if run.best:
        parts.append(tag("section", tag("h2", "Progress"), progress(run)))
    if run.records:
        parts += [_filter(run), report.part(sections[TABLE], run)]
    parts += [build(base, run, listed.name, 1, works), _log(run)]
    return join(*parts)


def _head(base: str, run: Run, listed: Listed, works: Sequence[Work]) -> Html:
    place = f"{base}/run/{quote(listed.name, safe='')}"
    own = next((work for work in works if work.kind == "search" and work.code is None), None)
    now = listed.state if own is None or listed.state == "running" else "stopping" if own.stopping else "starting"
    state = tag("span", now, class_=f"state {now}")
    said = f" · {len(run.records)} of {run.wanted or '?'} trainings" if not run.finished or listed.progress else ""
    buttons: list[object] = [tag("a", "Whole report", href=f"{place}/report")]
    if run.networks:
        buttons.append(tag("a", "Build firmware", href="#build"))
    if listed.state == "running" and own:
        buttons.append(tag("button", "Stop", type="button", data_post=f"job/{own.number}/stop", class_="quiet"))
    elif now == "stopped":
        resume = f"run/{quote(listed.name, safe='')}/resume"
        buttons.append(tag("button", "Continue", type="button", data_post=resume, class_="quiet"))
    lines: list[Html] = []
    if listed.state == "running" and listed.holder and not own:
        by = f"process {listed.holder['process']} ({listed.holder.get('command', '?')}), since {listed.holder['since']}"
        lines.append(tag("p", f"It was started elsewhere: {by}. Ctrl-C there stops it."))
    if now == "stopped":
        lines.append(
            tag("p", tag("strong", "Ended "), "before it was finished; nothing is lost. ", tag("code", run.resume))
        )
    lines += [tag("p", tag("strong", "Damaged: "), problem, ".") for problem in run.problems]
    aside = tag("aside", *lines) if lines else None
    tools = [part for button in buttons for part in (button, " ")]
    return tag(
        "header",
        tag("h1", run.title),
        tag("p", listed.name, " · ", state, said, class_="made"),
        tag("p", *tools, class_="tools"),
        aside,
    )


def _filter(run: Run) -> Html:
    fields = [
        tag(
            "div",
            tag("label", label, for_=f"most-{i}"),
            tag("input", id=f"most-{i}", data_most=column, inputmode="decimal", autocomplete="off"),
            class_="field",
        )
        for i, (label, column) in enumerate(FILTERS)
    ]
    better = "least" if run.scale.higher_is_better else "most"
    column = f"{run.scale.title}, measured"
    asked = tag("input", id="least", inputmode="decimal", autocomplete="off", **{f"data_{better}": column})
    label = tag("label", f"{run.scale.title} at {better}", for_="least")
    shown = tag("p", "", id="filtered", class_="note", aria_live="polite")
    whole = tag("div", tag("div", label, asked, class_="field"), *fields, class_="fields")
    return tag("section", tag("h2", "Filter"), whole, shown, class_="filter", role="search", aria_label="networks")


def build(base: str, run: Run, name: str, rank: int, works: Sequence[Work]) -> Html:
    """Return the form that makes firmware of a final network, and what was made."""
    ranks = [i for i, n in enumerate(run.result.networks if run.result else (), 1) if n.seeds]
    ranks = [i for i in ranks if files.network(run.path, i).is_dir()]
    done = [_built(base, work) for work in works if work.kind == "build"]
    made = tag("ul", *done) if done else None
    if not ranks:
        words = "Only final networks have weights; a search trains them at its end."
        return tag("section", tag("h2", "Firmware for a board"), tag("p", words, class_="absent"), made, id="build")
    scale = run.scale
    texts = {i: scale.exported(run.result.networks[i - 1]) for i in ranks} if run.result else {}
    networks = tag(
        "select",
        *(tag("option", f"{i}. {texts.get(i) or ''}".strip(), value=i, selected=i == rank or None) for i in ranks),
        name="rank",
        id="build-rank",
    )
    names = plugins.names("devices")
    known = run.target["device"]
    devices = tag(
        "select",
        *(tag("option", device, value=device, selected=device == known or None) for device in names),
        name="device",
        id="build-device",
    )
    layouts = tag(
        "select", *(tag("option", layout, value=layout) for layout in LAYOUTS), name="layout", id="build-layout"
    )
    fields = [
        tag("div", tag("label", label, for_=f"build-{key}"), control, class_="field")
        for label, key, control in (
            ("Network", "rank", networks),
            ("Board", "device", devices),
            ("Project for", "layout", layouts),
        )
    ]
    form = tag(
        "form",
        tag("div", *fields, class_="fields"),
        tag("p", "", class_="error", role="alert"),
        tag("button", "Build", type="submit"),
        data_post=f"run/{quote(name, safe='')}/build",
    )
    words = "Writes the C project, compiles it, and runs it on the emulated board against the integer reference."
    return tag("section", tag("h2", "Firmware for a board"), tag("p", words), form, made, id="build")


def _built(base: str, work: Work) -> Html:
    state = "at work" if work.code is None else "done" if work.code == 0 else "failed"
    return tag("li", tag("a", work.place.name, href=f"{base}/job/{work.number}"), f": {state}")


def _log(run: Run) -> Html | None:
    try:
        lines = (run.path / files.LOG).read_text(encoding="utf-8", errors="replace").splitlines()[-LAST:]
    except OSError:
        return None
    return tag("section", tag("h2", "Log"), tag("pre", "\n".join(lines), class_="wrap")) if lines else None


def beginning(listed: Listed) -> Html:
    """Return the page of a folder that a process has only just taken."""
    words = "A process has just begun to work here; what it finds is shown as soon as there is anything."
    return join(tag("h1", listed.name), tag("p", words))


def foreign(listed: Listed, path: Path) -> Html:
    """Return the page of a folder that is no run, or that can't be read."""
    return join(tag("h1", listed.name), tag("aside", tag("p", listed.problem or f"{path} can't be read")))

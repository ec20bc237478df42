"""What was started from the page: its command, its lines, and what it left."""

from urllib.parse import quote

from latent_nas.report._html import Html, join, tag
from latent_nas.ui.form import shown
from latent_nas.ui.work import Work

ENDED = {
    0: "done",
    1: "done, without what was wanted",
    2: "refused",
    3: "the firmware faults",
    4: "not proven",
    **dict.fromkeys((129, 130, 143, -2, -15), "stopped"),
}
FIRMWARE = ("firmware.uf2", "firmware.elf")  # what is flashed, if a project has it


def show(base: str, work: Work) -> Html:
    """Return the page of a job."""
    state = "running" if work.code is None else ENDED.get(work.code, f"ended with {work.code}")
    what = "Search" if work.kind == "search" else "Firmware"
    tone = "running" if work.code is None else "finished" if work.code == 0 else "damaged"
    parts: list[object] = [
        tag("h1", f"{what}: {work.place.name}"),
        tag("p", tag("span", state, class_=f"state {tone}"), class_="made"),
    ]
    if work.code is None:
        stop = tag("button", "Stop", type="button", data_post=f"job/{work.number}/stop", class_="quiet")
        parts.append(tag("p", stop, class_="tools"))
    run = tag("a", work.run, href=f"{base}/run/{quote(work.run, safe='')}/")
    if work.kind == "search" and work.begun:
        parts.append(tag("p", "The run: ", run, "."))
    if work.kind == "build":
        parts.append(tag("p", "Of the run ", run, "."))
        if work.code in (0, 1):
            parts.append(_left(work))
    lines = work.lines()
    if state != "stopped" and work.code not in (None, 0) and lines:
        parts.append(tag("p", lines[-1], class_="error"))
    parts += [
        tag("pre", "\n".join(lines) or "...", class_="wrap log", tabindex=0),
        tag("p", "The same by hand: ", tag("code", shown(work.command)), class_="note"),
    ]
    return join(*parts)


def _left(work: Work) -> Html:
    found = [work.place / name for name in FIRMWARE if (work.place / name).is_file()]
    place = found[0] if found else work.place
    return tag("p", tag("strong", "Firmware: "), tag("code", str(place.resolve())), class_="result")

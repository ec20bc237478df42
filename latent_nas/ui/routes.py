"""What a path shows and what a post does; one place where all of the page's addresses stand."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files as resources
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from latent_nas import plugins, report
from latent_nas.firmware.layouts import LAYOUTS
from latent_nas.report._html import Html, join, tag
from latent_nas.report._page import POLICY as WHOLE_PAGE
from latent_nas.report._page import plotly
from latent_nas.runs.read import Run
from latent_nas.ui import form, frame, guard, job_page, network_page, run_page, runs_page
from latent_nas.ui.listing import BUILT, Listing
from latent_nas.ui.work import Work, Works

HTML, JSON = "text/html; charset=utf-8", "application/json"
STATIC = {
    "page.css": ("latent_nas.report", "text/css; charset=utf-8"),
    "page.js": ("latent_nas.report", "text/javascript; charset=utf-8"),
    "ui.css": ("latent_nas.ui", "text/css; charset=utf-8"),
    "ui.js": ("latent_nas.ui", "text/javascript; charset=utf-8"),
}
LARGEST = 64 << 20  # bytes of a file that is handed out


class Missing(ValueError):
    """There is nothing at that address."""


@dataclass(frozen=True)
class Answer:
    """What is sent: more headers beside those of every answer."""

    body: bytes
    kind: str = HTML
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Routes:
    """The pages of a folder of runs, under a path that begins with the token."""

    def __init__(self, folder: Path, base: str) -> None:
        self.base, self.listing, self.works = base, Listing(folder), Works()
        self._reading = threading.Lock()  # opening a run brings its own plugins, which are of the whole process

    def get(self, target: str) -> Answer:
        """Return what a path shows; its first part, the token, has been checked.

        Raises:
            Missing: nothing.
        """
        parts, query = _parts(target)
        only = query.get("part", [""])[0] == "1"
        match parts:
            case []:
                return self._page("Runs", self._runs, "runs", only)
            case ["new"]:
                return self._page("New search", lambda: form.show(self.listing.folder), "", only)
            case ["compare"]:
                names = query.get("run", [])
                return self._page("Side by side", lambda: self._compare(names), "", only, charts=True)
            case ["static", name]:
                return _static(name)
            case ["job", number]:
                work = self.works.get(number)
                return self._page(work.place.name, lambda: job_page.show(self.base, work), f"job:{number}", only)
            case ["run", name]:
                return self._run(name, only)
            case ["run", name, "report"]:
                with self._reading:
                    whole = report.html(Run.read(self.listing.path(name)))
                return Answer(whole.encode(), headers={"Content-Security-Policy": WHOLE_PAGE})
            case ["run", name, "network", number] if number.isdecimal():
                return self._page(f"Training {number}", lambda: self._network(name, int(number)), "", only, charts=True)
            case ["run", name, *rest]:
                return self._file(self.listing.path(name), rest)
        raise Missing("there is no such page")

    def post(self, target: str, given: Mapping[str, str]) -> dict[str, str]:
        """Do what a form or a button asks, and return where to go from there.

        Raises:
            ValueError: it can't be done; the line says why.
        """
        parts, _ = _parts(target)
        match parts:
            case ["new"]:
                words, place = form.arguments(given, self.listing.folder)
                work = self.works.start("search", place.name, words, place)
            case ["run", name, "resume"]:
                place = self.listing.path(name)
                work = self.works.start("search", name, ["search", "--resume", str(place)], place)
                return {"go": f"{self.base}/run/{quote(name, safe='')}/"}
            case ["run", name, "build"]:
                work = self._build(name, given)
            case ["job", number, "stop"]:
                self.works.get(number).stop()
                return {"said": "It ends as after Ctrl-C: what is finished is kept. Once more ends it at once."}
            case _:
                raise Missing("there is nothing to be done at that address")
        if work.kind == "search":
            return {"job": str(work.number)}  # the form waits whether it passes all checks
        return {"go": f"{self.base}/job/{work.number}"}

    def seen(self, topic: str) -> str:
        """Return a text that changes when a topic does: "runs", "run:NAME" or "job:NUMBER".

        Raises:
            ValueError: there is no such topic.
        """
        kind, _, name = topic.partition(":")
        if kind == "job":
            return self.works.get(name).seen()
        if kind not in ("run", "runs"):
            raise Missing(f"there is no topic {topic!r}")
        works = self.works.of(name) if name else self.works.running()
        return "-".join([self.listing.seen(name), *(f"{work.number}.{work.code}.{work.begun}" for work in works)])

    def state(self, topic: str) -> str:
        """Return the state of the run that a topic is about without reading the run; "" of other topics."""
        kind, _, name = topic.partition(":")
        if kind != "run":
            return ""
        own = next((work for work in self.works.of(name) if work.kind == "search" and work.code is None), None)
        return self.listing.state(name, own is not None and own.stopping, own is not None)

    def job(self, number: str) -> dict[str, str]:
        """Return how a search that a form has begun does: "checking", "begun" with its page, or "refused" and why."""
        work = self.works.get(number)
        if work.begun:
            return {"state": "begun", "go": f"{self.base}/run/{quote(work.run, safe='')}/"}
        if work.code is None:
            return {"state": "checking"}
        lines = work.lines() or ["the command ended without a word"]
        return {"state": "refused", "error": lines[-1].removeprefix("error: ")}

    def _page(
        self, title: str, show: Callable[[], Html], topic: str, only: bool, charts: bool = False, network: str = ""
    ) -> Answer:
        """Return a page, or its live part only; what changes while it is made is told by the events after it."""
        seen = self.seen(topic) if topic else ""
        live = show()
        if only:
            return Answer(live.encode(), headers={"X-Seen": seen})
        whole = frame.page(self.base, title, live, topic=topic, seen=seen, charts=charts, network=network)
        return Answer(whole.encode())

    def _runs(self) -> Html:
        with self._reading:
            listed = self.listing.all()
        return runs_page.runs(self.base, listed, self.listing.folder, self.works.all())

    def _run(self, name: str, only: bool) -> Answer:
        path = self.listing.path(name)

        def show() -> Html:
            with self._reading:
                try:
                    run = self.listing.read(name)
                    listed = self.listing.one(name)
                    return run_page.show(self.base, run, listed, self.works.of(name))
                except ValueError:
                    listed = self.listing.one(name)
                    return run_page.beginning(listed) if listed.state == "running" else run_page.foreign(listed, path)

        network = f"{self.base}/run/{quote(name, safe='')}/network/"
        return self._page(name, show, f"run:{name}", only, charts=True, network=network)

    def _network(self, name: str, number: int) -> Html:
        with self._reading:
            return network_page.show(self.base, self.listing.read(name), name, number, self.works.of(name))

    def _compare(self, names: list[str]) -> Html:
        names = list(dict.fromkeys(names))
        if not 2 <= len(names) <= runs_page.MOST:
            text = f"Choose two to {runs_page.MOST} runs in the table of runs."
            return join(tag("h1", "Runs side by side"), tag("p", text, class_="absent"))
        with self._reading:
            return runs_page.compare(self.base, [(name, self.listing.read(name)) for name in names])

    def _build(self, name: str, given: Mapping[str, str]) -> Work:
        place = self.listing.path(name)
        rank, device, layout = (str(given.get(key, "")) for key in ("rank", "device", "layout"))
        if not rank.isdecimal() or device not in plugins.names("devices") or layout not in LAYOUTS:
            raise ValueError("choose a network, a board and a project from the lists")
        out = self.listing.folder / BUILT / f"{name}-{rank}-{device}-{layout}"
        words = ["deploy", str(place), "--rank", rank, "--device", device, "--as", layout]
        return self.works.start("build", name, [*words, "--out", str(out), "--emulate"], out)

    def _file(self, run: Path, rest: list[str]) -> Answer:
        """Return a file of a run to be saved, or what a folder of it holds."""
        place = (run / Path(*filter(None, rest))).resolve()
        if not place.is_relative_to(run.resolve()) or not place.exists():
            raise Missing(f"{run.name} has no {'/'.join(rest)}")
        if place.is_dir():
            names = sorted(p.name + "/" * p.is_dir() for p in place.iterdir() if not p.name.startswith("."))
            at = "/".join(quote(part, safe="") for part in ["run", run.name, *filter(None, rest)])
            links = (tag("li", tag("a", one, href=f"{self.base}/{at}/{quote(one)}")) for one in names)
            live = join(tag("h1", "/".join(filter(None, rest))), tag("ul", *links))
            return self._page(place.name, lambda: live, "", only=False)
        if place.stat().st_size > LARGEST:
            raise Missing(f"{place} is too large for the browser; it lies there")
        kept = f"attachment; filename*=UTF-8''{quote(place.name)}"
        return Answer(place.read_bytes(), "application/octet-stream", headers={"Content-Disposition": kept})


def _parts(target: str) -> tuple[list[str], dict[str, list[str]]]:
    """Return the parts of a path behind the token, and its query."""
    split = urlsplit(target)
    parts = [unquote(part) for part in split.path.split("/")[2:]]
    return parts[:-1] if parts and not parts[-1] else parts, parse_qs(split.query)


@lru_cache
def _static(name: str) -> Answer:
    if name == "plotly.js":
        return Answer(plotly().encode(), STATIC["page.js"][1], headers={"Cache-Control": "private, max-age=3600"})
    if name not in STATIC:
        raise Missing(f"there is no {name}")
    package, kind = STATIC[name]
    return Answer((resources(package) / "page" / name).read_bytes(), kind)


def error(line: str) -> bytes:
    """Return an error for a script."""
    return json.dumps({"error": line}).encode()


CSP = {"Content-Security-Policy": guard.POLICY}

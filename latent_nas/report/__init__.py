"""The report of a run: one HTML file that needs nothing else, not even the network.

Every file beside this one that ends in ``Plugin = ...`` is a section of it; their ``place`` is their order.
"""

import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from latent_nas import __version__, artifacts, plugins
from latent_nas.report._html import Html, join, tag
from latent_nas.report._page import page
from latent_nas.runs.read import Run

FILE = "report.html"


class Section(ABC):
    """A part of the report."""

    title: ClassVar[str]
    place: ClassVar[int]  # sections stand in this order
    metric: ClassVar[str] = ""  # of the int8 network, that a run must measure for the section to concern it

    def concerns(self, run: Run) -> bool:
        """Return whether the section belongs into a run's report; it does as long as nothing was measured."""
        return not self.metric or not run.best or any(self.metric in record.measured_int8 for record in run.best)

    @abstractmethod
    def show(self, run: Run) -> Html:
        """Return the section's content.

        Raises:
            ValueError: there is nothing to show yet; the message says why, for people.
        """


def write(folder: Path, out: Path | None = None) -> Path:
    """Write the report of a run, finished or not, and return its place: by default ``report.html`` in the folder.

    Raises:
        ValueError: the folder is not a run's.
    """
    place = out or Path(folder) / FILE
    artifacts.write(place, html(Run.read(folder)))
    return place


def html(run: Run) -> str:
    """Return the report of a run as HTML."""
    sections = sections_of(run)
    parts = [part(section, run) for section in sections]
    links = [tag("a", s.title, href=f"#{_anchor(s)}") for s in sections]
    made = f"latent_nas {__version__} · {time.strftime('%Y-%m-%d %H:%M')} · {run.path.resolve().name}"
    head = join(tag("h1", run.title), tag("p", made, class_="made"), _state(run))
    return page(f"{run.title} · latent_nas", head, links, parts)


def sections_of(run: Run) -> list[Section]:
    """Return the sections that concern a run, in their order."""
    sections: list[Section] = [plugins.load("report", name)() for name in plugins.names("report")]
    return sorted((s for s in sections if s.concerns(run)), key=lambda section: section.place)


def part(section: Section, run: Run) -> Html:
    """Return a section with its title, or with what there is not and why."""
    try:
        body = section.show(run)
    except ValueError as reason:
        body = tag("p", f"Nothing to show: {reason}.", class_="absent")
    except (KeyError, TypeError) as error:
        text = (
            f"Can't be shown: the run folder holds what this version does not write ({type(error).__name__}: {error})."
        )
        body = tag("p", text, class_="absent")
    return tag("section", tag("h2", section.title), body, id=_anchor(section))


def _anchor(section: Section) -> str:
    return section.title.lower().replace(" ", "-").replace(",", "")


def _state(run: Run) -> Html | None:
    """Return what is to be known of the run before its figures are read; None of a whole one."""
    lines: list[Html] = []
    if not run.finished:
        trained = f"{len(run.records)} of {run.wanted or 'unknown'} trainings"
        hint = join("If the search does not run any more, continue it with ", tag("code", run.resume))
        box = tag("label", tag("input", type="checkbox", id="live"), "load this page again every 15 seconds")
        lines += [tag("p", tag("strong", "Unfinished: "), trained, ". ", hint, "."), tag("p", box)]
    lines += [tag("p", tag("strong", "Damaged: "), problem, ".") for problem in run.problems]
    return tag("aside", *lines) if lines else None

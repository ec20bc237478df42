"""Run folders side by side: what each searched for, how far it came, and the best network that it has."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from latent_nas.jobs.summary import FITS
from latent_nas.records import objective_of, words
from latent_nas.runs import files
from latent_nas.runs.read import Run
from latent_nas.units import SPACE, cost_row, size

HEAD = ("run", "task", "device", "strategy", "seed", "state", "best network", "flash", "RAM", "time", "limits")


@dataclass(frozen=True)
class Line:
    """What a table says of a run; None where it is not known.

    Attributes:
        state: "finished", "8 of 24 trainings" or "damaged". measured: of the exported network on the test part, else of
            the best training on the validation part, ``measured_on``. flash_bytes, ram_bytes, latency_ms: computed.
        emulated_...: what its firmware took, where limits count that. problems: what could not be read.
    """

    run: str
    state: str
    task: str | None = None
    device: str | None = None
    strategy: str | None = None
    seed: int | None = None
    metric: str | None = None
    measured: float | None = None
    measured_interval: tuple[float, ...] = ()
    measured_on: str | None = None
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    latency_ms: float | None = None
    emulated_flash_bytes: int | None = None
    emulated_ram_bytes: int | None = None
    emulated_latency_ms: float | None = None
    fits: bool | None = None
    problems: tuple[str, ...] = ()

    @property
    def counted(self) -> tuple[Any, ...]:
        """Flash, RAM and time as limits count them: emulated where they count that, else computed."""
        return cost_row(self, "" if self.emulated_latency_ms is None else "emulated_")

    @property
    def counted_how(self) -> str:
        """Where ``counted`` comes from: "emulated" or "computed"."""
        return "computed" if self.emulated_latency_ms is None else "emulated"

    def to_json(self) -> dict[str, Any]:
        """Return the line as JSON values."""
        return asdict(self)


def found(places: list[Path]) -> list[Line]:
    """Return a line for every run among these folders, and for every run in those that are not runs themselves.

    Raises:
        ValueError: a place that is not a folder, or no run anywhere.
    """
    runs: list[Path] = []
    for place in places:
        if not place.is_dir():
            raise ValueError(f"there is no folder {place}; name a run folder, or the folder that holds them")
        inside = [path for path in sorted(place.iterdir()) if path.is_dir() and is_run(path)]
        runs += [place] if is_run(place) else inside
    if not runs:
        raise ValueError(f"there is no run in {', '.join(map(str, places))}; `latent-nas search` makes one")
    return [line(run) for run in dict.fromkeys(runs)]


def is_run(path: Path) -> bool:
    """Return whether a folder holds a search, finished or not, whole or damaged."""
    return (path / files.STORE).exists() or ((path / files.CONFIG).exists() and not (path / files.GRAPH).exists())


def line(path: Path) -> Line:
    """Return what is known of a run; what is damaged is said in its ``problems``."""
    try:
        return line_of(Run.read(path, journals=False))
    except (ValueError, OSError) as error:
        return Line(str(path), "damaged", problems=(str(error),))


def line_of(run: Run) -> Line:
    """Return what is known of a run that has been read."""
    path = run.path
    target, wanted = run.config.get("target", {}), run.config.get("trainings")
    about: dict[str, Any] = {name: target.get(name) for name in ("task", "device")}
    about |= {name: run.config.get(name) for name in ("strategy", "seed")}
    about["problems"] = tuple(run.problems)
    if run.result is not None and run.result.networks:
        network, metric = run.result.networks[0], run.result.objective or objective_of(run.records)[0]
        name = metric.removeprefix("int8_")
        about |= {"metric": metric, "measured_on": network.measured_on}
        about |= {"measured": network.measured_exported_int8.get(name)}
        if about["measured"] is None:  # of a release that told the mean over seeds only
            about |= {"measured": network.measured_int8.get(name)}
            about |= {"measured_on": f"{network.measured_on}, mean of {network.seeds} seed{'s' * (network.seeds != 1)}"}
        about |= {"measured_interval": network.measured_exported_interval, "flash_bytes": network.flash_bytes}
        took = network.emulated_limited
        about |= {f"emulated_{name}": round(took[name]) for name in ("flash_bytes", "ram_bytes") if took}
        about |= {"emulated_latency_ms": took.get("latency_ms")}
        return Line(
            str(path), "finished", ram_bytes=network.arena[1], latency_ms=network.latency_ms, fits=network.fits, **about
        )
    if best := run.best[:1]:
        about |= {"metric": best[0].objective, "measured": best[0].measured_objective, "measured_on": "valid"}
        about |= {"measured_on": "valid, 8-bit weights"} if run.weight_bits < 8 else {}
        about |= {name: getattr(best[0], name) for name in ("flash_bytes", "ram_bytes", "latency_ms")}
        about |= {"fits": False} if run.exceeds(best[0]) else {}
    finished = "finished" if run.result is not None else f"{len(run.records)} of {wanted or '?'} trainings"
    return Line(str(path), "damaged" if not run.config else finished, **about)


def table(lines: list[Line]) -> str:
    """Return the lines as a table for a person, with what is damaged below it."""
    rows = [HEAD, *(_cells(one) for one in lines)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    shown = ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*shown, *(f"{one.run}: {problem}" for one in lines for problem in one.problems)])


def _cells(one: Line) -> tuple[str, ...]:
    best = "-"
    if one.measured is not None:
        within = " [{:.4f} to {:.4f}]".format(*one.measured_interval) if one.measured_interval else ""
        best = f"{words(one.metric or 'objective')} {one.measured:.4f}{within} ({one.measured_on})"
    flash, ram, ms = one.counted
    costs = (size(flash), size(ram), "-" if ms is None else f"{ms:.2f} ms, {one.counted_how}")
    about = (one.task, one.device, one.strategy, one.seed)
    cells = (one.run, *("-" if value is None else str(value) for value in about), one.state, best, *costs)
    return (*(cell.replace(SPACE, " ") for cell in cells), FITS[one.fits] if one.state == "finished" else "-")

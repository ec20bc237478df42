"""What a network was chosen for: device, runtime and limits of its run, which deploying heeds unless told otherwise."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from latent_nas.devices import Device, open_device
from latent_nas.firmware.export import RUNTIME
from latent_nas.jobs.networks import Source
from latent_nas.jobs.search.config import SearchConfig
from latent_nas.limits import Limits
from latent_nas.runs import files
from latent_nas.runs.folder import RunFolder
from latent_nas.runs.read import Run
from latent_nas.runtimes import open_runtime
from latent_nas.target import open_target
from latent_nas.units import COSTS

DEVICE = "stm32f405"  # of a network that was chosen for none


@dataclass(frozen=True)
class ChosenFor:
    """Device, runtime, limits and prefix of names in C of a run, "" and none where there was no run.

    Attributes:
        said: what could not be counted in the limits, a line.
    """

    device: str = ""
    runtime: str = ""
    limits: Limits = field(default_factory=Limits)
    prefix: str = ""
    said: str = ""

    @property
    def counts_image(self) -> bool:
        """Whether the limits are those of a whole firmware of ours."""
        return bool(self.runtime) and open_runtime(self.runtime).counts_image

    def board(self, asked: str) -> Device:
        """Return the device that was asked for, else the run's, else ``DEVICE``.

        Raises:
            ValueError: there is no such device.
        """
        return open_device(asked or self.device or DEVICE)

    def decided(self, asked: str) -> str:
        """Return whose device it is, in a line."""
        if not asked:
            why = "as the run was" if self.device else "as nothing says which"
            return f"for {self.device or DEVICE}, {why} (--device takes another)"
        if self.device and open_device(asked) != open_device(self.device):
            return (
                f"for {asked}, but the run was for {self.device}: whether it fits, and its time, are those of {asked}"
            )
        return ""

    def over(self, report: dict[str, Any]) -> dict[str, float]:
        """Return firmware / limit for every limit that the whole firmware exceeds, by its name."""
        took = sum(report.get("emulated", {}).get("emulated_ms", (0.0, 0.0))) / 2  # the middle of its error bar
        return self.limits.exceeded(report["flash_bytes"], report["ram_bytes"], took)


def chosen_for(source: Source, place: Path) -> ChosenFor:
    """Return what a network was chosen for; ``place``: as it was given, a run or a folder in it."""
    limits, prefix, said = source.limits, "", ""
    for run in (place, place.parent.parent):
        if (run / files.NETWORKS).is_dir() and (run / files.CONFIG).is_file():
            config = RunFolder.open(run)[1]
            limits, said = _counted(Run.read(run), limits)
            prefix = str(config.get("prefix") or "")
            break
    return ChosenFor(source.device, source.runtime, limits, prefix, said)


def _counted(run: Run, limits: Limits) -> tuple[Limits, str]:
    """Return a run's limits, less what its front end takes where they count that too, and a line if that is unknown.

    Args:
        limits: those to return of a run that has none.
    """
    if not run.config.get("limits"):
        return limits, ""
    given = Limits.from_json(run.config["limits"])
    if run.config.get("front_end_apart", True):
        return given, ""
    if run.result is None:  # it has not ended, or the file is damaged
        try:
            setup = open_target(SearchConfig.from_json(run.config).target)
            return setup.beside_front_end(given), ""
        except ValueError as error:
            return given, f"limits count the firmware without a front end that the run may have had: {error}"
    if not (front := run.result.front_end):
        return given, ""
    return given.less(front[f"computed_{name}"] for name in COSTS), ""


def lines(report: dict[str, Any]) -> list[str]:
    """Return what is to be said of a report's device and limits."""
    found = [report["decided"]] if report.get("decided") else []
    if (prefix := report.get("chosen_for", {}).get("prefix")) and prefix == report.get("prefix"):
        found.append(f"names in C begin with {prefix}_, as the run says (--prefix takes another)")
    found += [report["limits_said"]] * bool(report.get("limits_said"))
    for name, ratio in report.get("over_limits", {}).items():
        cost = COSTS[name]
        limit = report["limits"][name] / cost.size
        line = f"over the run's limit: {name.partition('_')[0]} {limit * ratio:.4g} {cost.unit}, {limit:g} allowed"
        if not report["limits_count_image"]:
            line += f"; the run counted the model under {report['chosen_for']['runtime']}, this is a whole image"
        found.append(line)
    if report.get("chosen_for", {}).get("runtime") not in (None, "", RUNTIME):
        found.append(
            f"the run reckoned with {report['chosen_for']['runtime']}; the firmware has our kernels ({RUNTIME})"
        )
    return found

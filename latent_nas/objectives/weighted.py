"""Half accuracy, a quarter each what is left of the flash and of 100 ms."""

from typing import ClassVar

from latent_nas.limits import Limits
from latent_nas.objectives import Objective
from latent_nas.records import Record
from latent_nas.tasks import Task
from latent_nas.units import cost_row

MOST_MS = 100.0


class Weighted(Objective):
    """0.5 * accuracy + 0.25 * (1 - flash / limit) + 0.25 * (1 - latency_ms / 100); 0 beyond flash, RAM or 100 ms.

    Accuracy is the int8 network's, bytes and milliseconds are computed for the device at its clock.
    """

    name = "weighted"
    own: ClassVar[Limits] = Limits(latency_ms=MOST_MS)
    integers = True

    def __init__(self, limits: Limits) -> None:
        """Take the limits.

        Raises:
            ValueError: none of flash.
        """
        super().__init__(limits.tighten(self.own))
        if limits.flash_bytes is None:
            raise ValueError("objective 'weighted' wants a limit of flash; give --limit flash_kb=N or a device")

    def check(self, task: Task) -> None:
        """Return if the task measures accuracy.

        Raises:
            ValueError: it does not.
        """
        if "accuracy" not in {metric.name for metric in task.kind.metrics}:
            raise ValueError(self._refused(task.name))

    def value(self, record: Record) -> float:
        """Return the weighted sum.

        Raises:
            ValueError: the task measures no accuracy.
        """
        if "accuracy" not in record.measured_int8:
            raise ValueError(self._refused(record.task))
        if self.limits.exceeded(*cost_row(record)):
            return 0.0
        flash = record.flash_bytes / (self.limits.flash_bytes or 1)
        return 0.5 * record.measured_int8["accuracy"] + 0.25 * (1 - flash) + 0.25 * (1 - record.latency_ms / MOST_MS)

    def _refused(self, task: str) -> str:
        return f"objective {self.name!r} wants a task that measures accuracy, not {task!r}"


Plugin = Weighted

"""The task's first metric alone; limits are kept, not traded."""

from latent_nas.objectives import Objective
from latent_nas.records import Record


class FirstMetric(Objective):
    """What the training measured."""

    name = "metric"

    def value(self, record: Record) -> float | None:
        """Return None: the record's own."""
        return None


Plugin = FirstMetric

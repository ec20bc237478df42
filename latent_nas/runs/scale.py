"""How what a search optimised is shown: its name, its unit, its direction."""

from collections.abc import Sequence
from dataclasses import dataclass

from latent_nas.records import Record, objective_of, words
from latent_nas.runs.schema import FinalNetwork
from latent_nas.tasks.kinds.confusion import wilson
from latent_nas.units import SPACE, significant

SHARES = ("accuracy",)  # metrics that people read in %


@dataclass(frozen=True)
class Scale:
    """One thing measured, for people.

    Attributes:
        objective: its name in records, e.g. "int8_accuracy". higher_is_better: its direction.
    """

    objective: str = "int8_accuracy"
    higher_is_better: bool = True

    @staticmethod
    def of(records: Sequence[Record]) -> "Scale":
        """Return the scale of what records optimised."""
        return Scale(*objective_of(records))

    @property
    def name(self) -> str:
        """For people: "int8 accuracy", "int8 bits per character"."""
        return words(self.objective)

    @property
    def unit(self) -> str:
        """The unit that is shown: "%" or ""."""
        return "%" if self.share else ""

    @property
    def title(self) -> str:
        """Of an axis or a column: the name with its unit."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    @property
    def share(self) -> bool:
        """Whether it is shown as a share of 100 %."""
        return any(share in self.objective for share in SHARES)

    @property
    def factor(self) -> float:
        """How many times the measured value a shown one is."""
        return 100.0 if self.share else 1.0

    @property
    def sign(self) -> int:
        """1 where higher is better, else -1."""
        return 1 if self.higher_is_better else -1

    def of_value(self, value: float | None) -> float:
        """Return the number that is shown for a measured or predicted value; NaN for None."""
        return float("nan") if value is None else self.factor * value

    def of_record(self, record: Record) -> float:
        """Return the number that is shown for what a record measured; NaN where it failed."""
        return self.of_value(record.measured.get(self.objective) if record.ok else None)

    def number(self, value: float | None) -> str:
        """Return a value in its unit: "98.8 %", "2.314"; "-" for None."""
        return "-" if value is None else self.shown(self.of_value(value))

    def shown(self, value: float) -> str:
        """Return a shown value with its unit."""
        return f"{value:.1f}{SPACE}%" if self.share else significant(value)

    def difference(self, value: float) -> str:
        """Return how far two measured values are apart, in words: "1.2 points", "0.031"."""
        size = abs(self.factor * value)
        return f"{size:.1f} points" if self.share else significant(size, 2)

    def exported(self, network: FinalNetwork) -> str | None:
        """Return what the network that is kept measured itself, in its unit; None where that is not known."""
        value = network.measured_exported_int8.get(self.objective.removeprefix("int8_"))
        return None if value is None or not self.objective.startswith("int8_") else self.number(value)

    def interval(self, network: FinalNetwork) -> str:
        """Return the interval of ``exported``: " (95 %: 97.1 to 99.6 %, 360 samples)"; "" where it is not known."""
        ends = self.ends(network)
        return f" (95 %: {ends[0]} to {ends[1]}, {network.samples:,} samples)" if ends else ""

    def ends(self, network: FinalNetwork) -> tuple[str, str] | None:
        """Return both ends of the 95 % interval of ``exported``, in its unit; None where it is not known."""
        if not network.measured_exported_interval:
            return None
        low, high = network.measured_exported_interval
        return self.number(low), self.number(high)

    def interval_of(self, record: Record) -> str:
        """Return the interval of what one training measured: "  (95 %: 96.1 to 98.9 %, 360 samples)"; "" if unknown.

        Of a training that kept none, Wilson's where the objective is a share of so many samples.
        """
        ends, value = record.interval, record.measured_objective
        if not ends and value is not None and record.samples and self.objective == "int8_accuracy":
            ends = wilson(value * record.samples, record.samples)
        if not ends:
            return ""
        low, high = (self.number(end) for end in ends)
        return f" (95 %: {low} to {high}, {record.samples:,} samples)"

    def final(self, network: FinalNetwork) -> tuple[float, float] | None:
        """Return the shown mean and std of a final network; None where it was not measured in the end."""
        for start, means, stds in (
            ("int8_", network.measured_int8, network.measured_int8_std),
            ("float_", network.measured_float, network.measured_float_std),
            ("", network.measured_beside, network.measured_beside_std),
        ):
            metric = self.objective.removeprefix(start)
            if self.objective.startswith(start) and metric in means:
                return self.factor * means[metric], self.factor * stds.get(metric, 0.0)
        return None

"""What a run maximised, for people: its name, its unit, and numbers of it the way round that people know."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from latent_nas.records import Record, objective_of
from latent_nas.units import SPACE


@dataclass(frozen=True)
class Scale:
    """How a search's numbers, of which more is always better, are shown.

    Attributes:
        name: e.g. "int8 accuracy", "bits per character", "objective 'weighted'". unit: "%" or "". factor: a shown value
            is so many times the search's, negative where people count what is lost. digits: behind the point.
        metric: its name among a record's ``measured_metrics``; "" where it is the int8 accuracy or none of them.
    """

    name: str = "int8 accuracy"
    unit: str = "%"
    factor: float = 100.0
    digits: int = 1
    metric: str = ""

    @staticmethod
    def of(records: Sequence[Record], objective: str = "metric") -> "Scale":
        """Return the scale of records and the objective that a search was told; it is read from what they measured."""
        if objective not in ("", "metric"):
            return Scale(f"objective {objective!r}", "", 1.0, 3)
        name, sign = objective_of(records)
        if name == "int8_accuracy":
            return Scale()
        words, metric = name.replace("_", " "), "" if name == "objective" else name
        return Scale(words, "%", 100.0, 1, metric) if "accuracy" in name else Scale(words, "", sign, 3, metric)

    @property
    def title(self) -> str:
        """Of an axis or a column: the name with its unit."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    @property
    def share(self) -> bool:
        """Whether it is a share of 100 %."""
        return self.unit == "%"

    def of_value(self, value: float | None) -> float:
        """Return the number that is shown for a value of the search; NaN for None."""
        return float("nan") if value is None else self.factor * value

    def number(self, value: float | None) -> str:
        """Return a value of the search in its unit: "98.8 %", "2.314"; "-" for None."""
        return "-" if value is None else self.shown(self.of_value(value))

    def shown(self, value: float) -> str:
        """Return a shown value with its unit."""
        return f"{value:.{self.digits}f}" + (f"{SPACE}{self.unit}" if self.unit else "")

    def difference(self, value: float) -> str:
        """Return how far two values of the search are apart, in words: "1.2 points", "0.031"."""
        size = abs(self.factor * value)
        return f"{size:.1f} points" if self.share else f"{size:.{self.digits}f}"

    def final(self, network: dict[str, Any]) -> tuple[float, float] | None:
        """Return the shown mean and std of a network of ``result.json``; None where it was not measured in the end."""
        if self.metric:
            mean, std = (network.get(key, {}).get(self.metric) for key in ("measured_metrics", "measured_metrics_std"))
            factor = abs(self.factor)
        elif self == Scale():
            mean, std = (network.get(f"measured_int8_accuracy{end}") for end in ("", "_std"))
            factor = 100.0
        else:
            return None
        return None if mean is None else (factor * mean, factor * (std or 0.0))

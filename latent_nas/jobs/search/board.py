"""Logs for TensorBoard (extra ``tensorboard``): what a report shows, while it happens. No result depends on it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from latent_nas.extras import need
from latent_nas.records import Record
from latent_nas.store import Store


class Board:
    """Scalars in a folder that ``tensorboard --logdir`` reads.

    Raises:
        ValueError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        check()
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(folder))

    def scalars(self, group: str, step: float, values: Mapping[str, float | None]) -> None:
        """Write values at a step as ``group/name``; None is left out."""
        for name, value in values.items():
            if value is not None:
                self._writer.add_scalar(f"{group}/{name}", value, int(step))

    def round(self, store: Store, records: Sequence[Record]) -> None:
        """Write the last finished round of a study: its trainings' curves, what it showed, and the agent's school."""
        findings = store.findings()[-1]
        number = findings["round"]
        names = ("rank_correlation", "optimism", "coverage")
        self.scalars("surrogates", number, {name: findings[name] for name in names})
        self.scalars(
            "search", len(records), {f"best_measured_{findings['objective']}": findings["best_measured_objective"]}
        )
        first = len(records) - findings["trainings"]
        for i, record in enumerate(records[first:], first + 1):
            self.scalars(
                "search", i, {f"measured_{record.objective}": record.measured_objective if record.ok else None}
            )
            for epoch, value in enumerate(record.curve, 1):
                self.scalars("trainings", epoch, {f"{i:04d}": value})
        journals = store.journals()
        before = sum(j["school"][-1]["step"] for n, j in journals.items() if n < number and j.get("school"))
        for lesson in journals.get(number, {}).get("school", ()):
            values = {k: v for k, v in lesson.items() if k != "step"}
            self.scalars("agent", before + lesson["step"], values)
        self._writer.flush()

    def close(self) -> None:
        """Finish the files."""
        self._writer.close()


def check() -> None:
    """Raise ValueError where TensorBoard is not installed."""
    need("tensorboard", "tensorboard")


def beside(folder: Path) -> Path:
    """Return where the logs of an artefact lie: beside it, as an artefact's own folder is replaced as a whole."""
    return folder.with_name(f"{folder.name}-tensorboard")

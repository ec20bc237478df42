"""A finished search from Python: tables, pictures, the report, and the final networks."""

import json
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latent_nas import report as page
from latent_nas.api import pictures
from latent_nas.api.network import Network
from latent_nas.jobs.summary import FITS, summary
from latent_nas.records import Record, front
from latent_nas.runs import files
from latent_nas.runs.folder import RunFolder
from latent_nas.runs.read import Run
from latent_nas.runs.schema import read_result

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure


@dataclass(frozen=True, repr=False)
class Result:
    """What a finished search found; shown, it is the table that ends a search.

    Attributes:
        folder: of the run. networks: the final ones, the best on the validation part first. records: every training of
            the search. details: what ``result.json`` says.
    """

    folder: Path
    networks: tuple[Network, ...]
    records: tuple[Record, ...]
    details: dict[str, Any]

    @staticmethod
    def open(folder: str | Path) -> "Result":
        """Return the result of a run folder.

        Raises:
            ValueError: it is none, or not finished.
        """
        run, _ = RunFolder.open(Path(folder))
        file = run.path / files.RESULT
        try:
            found = read_result(json.loads(file.read_text(encoding="utf-8")), str(file))
        except (OSError, json.JSONDecodeError):
            raise ValueError(
                f"{folder} is not finished: it has no result.json; latent-nas search --resume {folder}"
            ) from None
        networks = (Network.of(final, files.network(run.path, i)) for i, final in enumerate(found.networks, 1))
        store = run.store()
        records = tuple(r for r in store.records() if r.fidelity == "search")
        store.close()
        return Result(run.path, tuple(networks), records, found.to_json())

    def __repr__(self) -> str:
        details = json.loads(json.dumps(self.details))  # as a file would hold it, without tuples
        return summary(read_result(details, str(self.folder)), self.folder)

    def _repr_html_(self) -> str:
        """Return the final networks as a table, as notebooks show it."""
        metrics = list(dict.fromkeys(name for n in self.networks for name in n.measured_exported_int8))
        head = [
            "",
            *(f"int8 {name}" for name in metrics),
            "flash, KB",
            "RAM, KB",
            "ms, computed",
            "ms, emulated",
            "limits",
        ]
        rows = [
            [
                str(rank),
                *(f"{n.measured_exported_int8.get(name, float('nan')):.4f}" for name in metrics),
                f"{n.flash_bytes / 1024:.1f}",
                f"{n.ram_bytes / 1024:.1f}",
                f"{n.latency_ms:.2f}",
                f"{n.emulated_limited['latency_ms']:.2f}" if n.emulated_limited else "-",
                FITS[n.fits],
            ]
            for rank, n in enumerate(self.networks, 1)
        ]
        lines = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
        titles = "".join(f"<th>{escape(name)}</th>" for name in head)
        table = "".join(f"<tr>{line}</tr>" for line in (titles, *lines))
        return f"<table>{table}</table><p>{len(self.records)} trainings in {escape(str(self.folder))}</p>"

    def plot_front(self, cost: str = "latency_ms") -> "Figure":
        """Return the measured objective of all trainings against a cost, with the front, as a figure of plotly.

        Args:
            cost: "flash_bytes", "ram_bytes" or "latency_ms".
        """
        return pictures.of_front(Run.read(self.folder), cost)

    def plot_latent(self) -> "Figure":
        """Return where the trained networks lie in the latent, as a figure of plotly.

        Raises:
            ValueError: the run's strategy has no latent.
        """
        return pictures.of_latent(Run.read(self.folder))

    def frame(self) -> "pandas.DataFrame":
        """Return every training of the search in a row, as ``history.csv`` has it: metrics, costs, status, genes."""
        import pandas

        return pandas.read_csv(self.folder / files.HISTORY)

    @property
    def best(self) -> Network:
        """The first of the final networks.

        Raises:
            ValueError: there is none: all trainings failed, or ``top`` was 0.
        """
        if not self.networks:
            raise ValueError("there is no final network; were trainings failing, or was top=0?")
        return self.networks[0]

    @property
    def front(self) -> tuple[Record, ...]:
        """The trainings that no other beats in the measured objective, flash, RAM and latency all at once."""
        return tuple(front(list(self.records)))

    def export(self, file: str | Path) -> Path:
        """Write the best network as ONNX or TFLite, see ``Network.export``."""
        return self.best.export(file)

    def report(self, file: str | Path | None = None) -> Path:
        """Write the run's HTML report anew, by default ``report.html`` in its folder, and return the file."""
        return page.write(self.folder, None if file is None else Path(file))

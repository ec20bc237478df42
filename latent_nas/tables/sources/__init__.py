"""Public tables of trained networks: where their authors keep them, and how they become a table of ours.

A source is one file here with ``SOURCE = Source(...)``. What can be fetched by a command is fetched and its checksum
compared; for the others the user downloads the file that is named, and it is converted.
"""

import csv
import gzip
import importlib
import io
import pkgutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from latent_nas import artifacts
from latent_nas.nearest import meant

Row = Mapping[str, object]
Done = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Source:
    """A public benchmark.

    Attributes:
        name: as in "nas_bench_graph". parts: the column to search by of each of its data sets; a table is called
            NAME-PART. licence, cite: of the data.
        file: what the user downloads, and from where. fetched: gets that file into a folder; None where only a
            person can.
        rows: (file, part, done) -> the rows of the table, values by column; ValueError where the file is another.
        space: that knows the genes, or "".
    """

    name: str
    parts: Mapping[str, str]
    licence: str
    cite: str
    file: str
    fetched: Callable[[Path], Path] | None
    rows: Callable[[Path, str, Done], Iterable[Row]]
    space: str = ""


def sources() -> dict[str, tuple[Source, str]]:
    """Return source and part by the name of the table, as in "nas_bench_graph-cora"."""
    files = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    known = [importlib.import_module(f"{__name__}.{name}").SOURCE for name in files]
    return {f"{source.name}-{part}": (source, part) for source in known for part in source.parts}


def fetch(name: str, given: Path | None, out: Path, done: Done) -> tuple[Source, str]:
    """Write a public table to ``out`` (.csv or .csv.gz) and return where it is from, and the column to search by.

    Args:
        name: one of ``sources``. given: the authors' file, where the user has downloaded it.

    Raises:
        ValueError: an unknown name, a file that is missing, another or can't be fetched, or ``out`` is there.
    """
    known = sources()
    if name not in known:
        raise ValueError(f"--fetch knows no table {name!r}{meant(name, known)}; there are: {', '.join(known)}")
    if not out.name.endswith((".csv", ".csv.gz")):
        raise ValueError(f"--out {out}: a table is written as .csv or .csv.gz")
    if out.exists():
        raise ValueError(f"{out} is there; choose another --out, or move it away")
    source, part = known[name]
    if given is None and source.fetched is None:
        raise ValueError(f"{name} can't be fetched by a command: download {source.file}, and add --from FILE")
    if given is not None and not given.exists():
        raise ValueError(f"--from {given}: there is no such file")
    artifacts.writable(out)
    with tempfile.TemporaryDirectory(prefix="latent_nas-") as folder:
        file = given or (source.fetched(Path(folder)) if source.fetched else Path())
        rows = list(source.rows(file, part, done))
    artifacts.write(out, _packed(rows, out.name.endswith(".gz")))
    return source, source.parts[part]


def _packed(rows: Sequence[Row], compressed: bool) -> bytes:
    """Return rows as CSV, the same bytes for the same rows."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    raw = text.getvalue().encode()
    return gzip.compress(raw, mtime=0) if compressed else raw

"""The only truth of a study: one SQLite file, one transaction per result.

Records, the proposals of every round, what a round showed, and the strategy's state after it. Models are caches.
"""

import json
import sqlite3
import weakref
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from latent_nas.artifacts import make_folder
from latent_nas.records import Record

SCHEMA = """
CREATE TABLE record (
    id INTEGER PRIMARY KEY, genes TEXT NOT NULL, seed INTEGER NOT NULL, fidelity TEXT NOT NULL, part TEXT NOT NULL,
    round INTEGER NOT NULL, body TEXT NOT NULL, UNIQUE (genes, seed, fidelity, part));
CREATE TABLE round (number INTEGER PRIMARY KEY, proposals TEXT NOT NULL, findings TEXT, state BLOB);
CREATE TABLE note (name TEXT PRIMARY KEY, body TEXT NOT NULL);
"""


class Store:
    """A study's results on disk; ``Path(":memory:")`` keeps them in memory, for studies that nobody resumes."""

    def __init__(self, path: Path) -> None:
        """Open a store, or make it.

        Raises:
            ValueError: the file is no store of this project, or is damaged.
        """
        self.path = Path(path)
        if self.path.name != ":memory:":
            make_folder(self.path.parent)
        fresh = not self.path.exists() or self.path.stat().st_size == 0
        try:
            self._db = sqlite3.connect(self.path)
            weakref.finalize(self, _close, self._db)  # Python 3.13 warns of connections that nobody closed
            if fresh:
                self._db.executescript(SCHEMA)
            tables = {name for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            (verdict,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.OperationalError as error:  # it can't even be opened
            raise ValueError(f"{path} can't be opened: {error}; choose another place, or close what locks it") from None
        except sqlite3.DatabaseError as error:
            raise ValueError(f"{path} is not a whole study file: {error}; restore it from a copy") from None
        if verdict != "ok" or not {"record", "round", "note"} <= tables:
            raise ValueError(
                f"{path} is not a whole study file: {verdict if verdict != 'ok' else 'tables are missing'}"
            )

    def add(self, record: Record) -> None:
        """Store a record; one of the same genes, seed, fidelity and part is replaced."""
        key = (_key(record.genes), record.seed, record.fidelity, record.part, record.round)
        with self._db:
            self._db.execute(
                "INSERT OR REPLACE INTO record (genes, seed, fidelity, part, round, body) VALUES (?, ?, ?, ?, ?, ?)",
                (*key, json.dumps(record.to_json())),
            )

    def records(self) -> list[Record]:
        """Return all records in the order in which they were stored."""
        rows = self._db.execute("SELECT id, body FROM record ORDER BY id")
        return [self._record(*row) for row in rows]

    def get(self, genes: Iterable[int], seed: int, fidelity: str, part: str = "valid") -> Record | None:
        """Return the record of a training, or None if there is none."""
        row = self._db.execute(
            "SELECT id, body FROM record WHERE genes = ? AND seed = ? AND fidelity = ? AND part = ?",
            (_key(genes), seed, fidelity, part),
        ).fetchone()
        return self._record(*row) if row else None

    def _record(self, number: int, body: str) -> Record:
        try:
            return Record.from_json(json.loads(body))
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(
                f"{self.path} is not a whole study file: record {number} is damaged ({error}); restore it from a copy"
            ) from None

    def propose(self, number: int, proposals: list[tuple[int, ...]], state: bytes) -> None:
        """Store what a round is going to train, and the strategy's state (safetensors) after it was asked.

        The state of the round before goes: only the last one is ever restored.
        """
        with self._db:
            row = (number, json.dumps(proposals), state)
            self._db.execute("UPDATE round SET state = NULL WHERE number = ?", (number - 1,))
            self._db.execute("INSERT INTO round (number, proposals, state) VALUES (?, ?, ?)", row)

    def close_round(self, number: int, findings: dict[str, Any], state: bytes) -> None:
        """Store what a round showed, and the strategy's state (safetensors) after it was told."""
        with self._db:
            self._db.execute(
                "UPDATE round SET findings = ?, state = ? WHERE number = ?", (json.dumps(findings), state, number)
            )

    def proposals(self, number: int) -> list[tuple[int, ...]] | None:
        """Return a round's proposals, or None where it has not got that far."""
        row = self._db.execute("SELECT proposals FROM round WHERE number = ?", (number,)).fetchone()
        return [tuple(genes) for genes in json.loads(row[0])] if row else None

    def findings(self) -> list[dict[str, Any]]:
        """Return what every finished round showed, in order."""
        rows = self._db.execute("SELECT findings FROM round WHERE findings IS NOT NULL ORDER BY number")
        return [json.loads(body) for (body,) in rows]

    def journals(self) -> dict[int, dict[str, Any]]:
        """Return the strategy's journal by round, of those that have one."""
        rows = self._db.execute("SELECT name, body FROM note WHERE name LIKE 'journal %'")
        return dict(sorted((int(name.removeprefix("journal ")), json.loads(body)) for name, body in rows))

    def write_journal(self, number: int, journal: dict[str, Any]) -> None:
        """Keep what the strategy did in a round, as small JSON values."""
        self.write_note(f"journal {number}", journal)

    def state(self) -> bytes | None:
        """Return the strategy's state after the last time it was asked or told, or None."""
        row = self._db.execute("SELECT state FROM round ORDER BY number DESC LIMIT 1").fetchone()
        return row[0] if row else None

    def write_note(self, name: str, body: Any) -> None:
        """Keep a small JSON value under a name."""
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (name, json.dumps(body)))

    def note(self, name: str) -> Any:
        """Return the value kept under a name, or None."""
        row = self._db.execute("SELECT body FROM note WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None

    def close(self) -> None:
        """Close the file; one that nobody needs any more is closed anyway."""
        self._db.close()


def _close(database: sqlite3.Connection) -> None:
    with suppress(sqlite3.ProgrammingError):  # collected in another thread, which may not close it
        database.close()


def _key(genes: Iterable[int]) -> str:
    return ",".join(str(int(g)) for g in genes)

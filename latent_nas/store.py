"""The only truth of a study: one SQLite file, one transaction per result.

Records, the proposals of every round, what a round showed, and the strategy's state after it. Models are caches. Every
value is stored with a checksum over itself and its keys, as SQLite has none; release 0.1 wrote none either.
"""

import json
import sqlite3
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from latent_nas.artifacts import make_folder
from latent_nas.records import Record

TABLES = """
CREATE TABLE record (
    id INTEGER PRIMARY KEY, genes TEXT NOT NULL, seed INTEGER NOT NULL, fidelity TEXT NOT NULL, part TEXT NOT NULL,
    round INTEGER NOT NULL, body TEXT NOT NULL, UNIQUE (genes, seed, fidelity, part));
CREATE TABLE round (number INTEGER PRIMARY KEY, proposals TEXT NOT NULL, findings TEXT, state BLOB);
CREATE TABLE note (name TEXT PRIMARY KEY, body TEXT NOT NULL);
"""
SEALED = 0x4E415332  # user_version of a file with checksums; no few flipped bits away from 0, that of release 0.1
PATIENCE_S = 30.0  # for another program that reads the file
NEXT = {
    "full": "free some room there, then go on",
    "readonly": "make it writable, then go on",
    "locked": "close the program that holds it, then go on",
}


class Store:
    """A study's results on disk; ``Path(":memory:")`` keeps them in memory, for studies that nobody resumes.

    Every method raises ValueError where the disk is full or read-only, another program holds the file, or what it
    reads is damaged.
    """

    def __init__(self, path: Path) -> None:
        """Open a store, or make it.

        Raises:
            ValueError: the file is not a store of this project, or is damaged.
        """
        self.path = Path(path)
        if self.path.name != ":memory:":
            make_folder(self.path.parent)
        with self._said():
            self._db = sqlite3.connect(self.path, timeout=PATIENCE_S)
            weakref.finalize(self, _close, self._db)  # Python 3.13 warns of connections that nobody closed
            if not self._tables():
                self._make()
            (verdict,) = self._db.execute("PRAGMA integrity_check(1)").fetchone()
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if verdict != "ok" or not {"record", "round", "note"} <= self._tables() or version not in (0, SEALED):
            why = " ".join(verdict.split()) if verdict != "ok" else "tables are missing, or of another version"
            raise ValueError(f"{path} is not a whole study file: {why}; restore it from a copy")
        self._sealed = version == SEALED and self.path.name != ":memory:"

    def _tables(self) -> set[str]:
        return {name for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def _make(self) -> None:
        """Make all tables in one transaction: a file has all of them or none."""
        self._db.execute("BEGIN IMMEDIATE")
        with self._db:
            for statement in TABLES.strip().split(";\n"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {SEALED}")

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Say what SQLite refuses in a line, with the next step."""
        try:
            yield
        except sqlite3.OperationalError as error:
            step = next((what for word, what in NEXT.items() if word in str(error)), "choose another place")
            raise ValueError(f"{self.path} can't be used: {error}; {step}") from None
        except sqlite3.DatabaseError as error:
            raise ValueError(f"{self.path} is not a whole study file: {error}; restore it from a copy") from None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._said(), self._db:
            yield self._db

    def _rows(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._said():
            return self._db.execute(question, values).fetchall()

    def _seal(self, value: Any, *keys: Any) -> str:
        """Return a value as JSON, in a new file with a checksum over it and its keys."""
        if not self._sealed:
            return json.dumps(value)
        value = json.loads(json.dumps(value))  # as it is read back
        return json.dumps({"sha256": _digest([*keys, value]), "value": value})

    def _open(self, text: Any, *keys: Any) -> Any:
        """Return the value of ``_seal``.

        Raises:
            ValueError: it is damaged.
        """
        try:
            value = json.loads(text)
            if not self._sealed:
                return value
            if value["sha256"] == _digest([*keys, value["value"]]):
                return value["value"]
        except (ValueError, TypeError, KeyError, RecursionError):
            pass
        raise ValueError(f"{self.path} is not a whole study file: {keys[0]} is damaged; restore it from a copy")

    def add(self, record: Record) -> None:
        """Store a record; one of the same genes, seed, fidelity and part is replaced."""
        key = (_key(record.genes), record.seed, record.fidelity, record.part, record.round)
        body = self._seal(record.to_json(), "a record", *key)
        with self._writing() as db:
            db.execute(
                "INSERT OR REPLACE INTO record (genes, seed, fidelity, part, round, body) VALUES (?, ?, ?, ?, ?, ?)",
                (*key, body),
            )

    def records(self) -> list[Record]:
        """Return all records in the order in which they were stored."""
        return [self._record(*row) for row in self._rows(f"SELECT {COLUMNS} FROM record ORDER BY id")]

    def get(self, genes: Iterable[int], seed: int, fidelity: str, part: str = "valid") -> Record | None:
        """Return the record of a training, or None if there is none."""
        where = "genes = ? AND seed = ? AND fidelity = ? AND part = ?"
        rows = self._rows(f"SELECT {COLUMNS} FROM record WHERE {where}", _key(genes), seed, fidelity, part)
        return self._record(*rows[0]) if rows else None

    def _record(self, body: str, *key: Any) -> Record:
        data = self._open(body, "a record", *key)
        try:
            record = Record.from_json(data)
            if (_key(record.genes), record.seed, record.fidelity, record.part, record.round) == key:
                return record
            why = "it is not that of its key"
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            why = str(error)
        raise ValueError(f"{self.path} is not a whole study file: a record is damaged ({why}); restore it from a copy")

    def propose(self, number: int, proposals: list[tuple[int, ...]], state: bytes) -> None:
        """Store what a round is going to train, and the strategy's state (safetensors) after it was asked.

        The state of the round before goes: only the last one is ever restored.
        """
        plain = [list(map(int, genes)) for genes in proposals]
        with self._writing() as db:
            row = (number, self._seal(plain, "a round", number), self._sealed_state(state, number))
            db.execute("UPDATE round SET state = NULL WHERE number = ?", (number - 1,))
            db.execute("INSERT INTO round (number, proposals, state) VALUES (?, ?, ?)", row)

    def rounds(self) -> int:
        """Return how many rounds there are, one that is not closed among them."""
        return int(self._rows("SELECT COUNT(*) FROM round")[0][0])

    def shorten(self, number: int, proposals: list[tuple[int, ...]]) -> None:
        """Leave so many proposals of an open round; without any, the round goes."""
        plain = self._seal([list(map(int, genes)) for genes in proposals], "a round", number)
        with self._writing() as db:
            if proposals:
                db.execute("UPDATE round SET proposals = ? WHERE number = ?", (plain, number))
            else:
                db.execute("DELETE FROM round WHERE number = ?", (number,))

    def close_round(self, number: int, findings: dict[str, Any], state: bytes) -> None:
        """Store what a round showed, and the strategy's state (safetensors) after it was told."""
        row = (self._seal(findings, "a round's findings", number), self._sealed_state(state, number), number)
        with self._writing() as db:
            db.execute("UPDATE round SET findings = ?, state = ? WHERE number = ?", row)

    def proposals(self, number: int) -> list[tuple[int, ...]] | None:
        """Return a round's proposals, or None where it has not got that far."""
        rows = self._rows("SELECT proposals FROM round WHERE number = ?", number)
        return [tuple(genes) for genes in self._open(rows[0][0], "a round", number)] if rows else None

    def findings(self) -> list[dict[str, Any]]:
        """Return what every finished round showed, in order."""
        rows = self._rows("SELECT findings, number FROM round WHERE findings IS NOT NULL ORDER BY number")
        return [self._open(body, "a round's findings", number) for body, number in rows]

    def journals(self) -> dict[int, dict[str, Any]]:
        """Return the strategy's journal by round, of those that have one."""
        rows = self._rows("SELECT name, body FROM note WHERE name LIKE 'journal %'")
        found = {name: self._open(body, "a note", name) for name, body in rows}
        return dict(sorted((int(name.removeprefix("journal ")), journal) for name, journal in found.items()))

    def write_journal(self, number: int, journal: dict[str, Any]) -> None:
        """Keep what the strategy did in a round, as small JSON values."""
        self.write_note(f"journal {number}", journal)

    def state(self) -> bytes | None:
        """Return the strategy's state after the last time it was asked or told, or None."""
        rows = self._rows("SELECT state, number FROM round ORDER BY number DESC LIMIT 1")
        if not rows or rows[0][0] is None:
            return None
        state, number = bytes(rows[0][0]), rows[0][1]
        if self._sealed and self._sealed_state(state[32:], number) != state:
            raise ValueError(
                f"{self.path} is not a whole study file: the strategy's state is damaged; restore it from a copy"
            )
        return state[32:] if self._sealed else state

    def _sealed_state(self, state: bytes, number: int) -> bytes:
        return sha256(b"%d " % number + state).digest() + state if self._sealed else state

    def write_note(self, name: str, body: Any) -> None:
        """Keep a small JSON value under a name."""
        body = self._seal(body, "a note", name)
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (name, body))

    def note(self, name: str) -> Any:
        """Return the value kept under a name, or None."""
        rows = self._rows("SELECT body FROM note WHERE name = ?", name)
        return self._open(rows[0][0], "a note", name) if rows else None

    def close(self) -> None:
        """Close the file; one that nobody needs any more is closed anyway."""
        self._db.close()


COLUMNS = "body, genes, seed, fidelity, part, round"


def _close(database: sqlite3.Connection) -> None:
    with suppress(sqlite3.ProgrammingError):  # collected in another thread, which may not close it
        database.close()


def _digest(value: Any) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]


def _key(genes: Iterable[int]) -> str:
    return ",".join(str(int(g)) for g in genes)

"""The folder of a run: its configuration, log, store, and what is written from the store."""

import csv
import io
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import artifacts, lock, sealed, whole
from latent_nas.env import LatentCodec
from latent_nas.graph.deploy import deploy
from latent_nas.limits import Limits
from latent_nas.records import Record, front, objective_of, ranked
from latent_nas.runs import files, own, schema
from latent_nas.runs.schema import Architecture, DataFound, Result
from latent_nas.store import Store
from latent_nas.target import Setup, Target
from latent_nas.units import cost_row

COLUMNS = (
    "flash_bytes",
    "ram_bytes",
    "latency_ms",
    "emulated_flash_bytes",
    "emulated_ram_bytes",
    "emulated_instructions",
    "emulated_latency_ms",
    "macs",
    "parameters",
    "epochs",
    "status",
    "reason",
    "seed",
    "wall_s",
)


@dataclass(frozen=True)
class RunFolder:
    """Files of one run, all written whole."""

    path: Path

    @staticmethod
    def create(path: Path, config: dict[str, Any], **others: Any) -> "RunFolder":
        """Return a new run folder with its configuration, and a copy of the user's own plugins that are in use.

        Args:
            others: what further JSON files hold, by the name before ``.json``. The configuration is written last: a
                folder without one was never begun.

        Raises:
            ValueError: there is something at that place already, or no folder can be made there.
        """
        folder = RunFolder(path)
        if path.exists() and (not path.is_dir() or not folder._unbegun()):
            raise ValueError(
                f"{path} is there already and not empty; choose another --out, or continue it with --resume"
            )
        artifacts.make_folder(path)
        with folder.locked():
            if not folder._unbegun():
                raise ValueError(f"{path} has just been begun by another process; choose another --out")
            try:
                plugins = own.keep(path)
                for name, value in others.items():
                    folder.write_json(f"{name}.json", value)
                more = {own.KEY: plugins} if plugins else {}
                folder.write_json(files.CONFIG, sealed.seal({"version": schema.VERSION, **config, **more}))
            except BaseException:  # so that it can be begun again
                for name in others:
                    (path / f"{name}.json").unlink(missing_ok=True)
                shutil.rmtree(path / files.PLUGINS, ignore_errors=True)
                raise
        return folder

    def _unbegun(self) -> bool:
        """Return whether nothing lies here, or only what a process left that died before it had begun the run."""
        names = {path.name for path in self.path.iterdir() if not path.name.startswith(whole.UNFINISHED)}
        return not names or (files.LOCK in names and names <= files.UNBEGUN)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from this folder for as long as the block runs; removes what a dead one has left.

        Raises:
            lock.Busy: another process works on it. ValueError: a file or folder in it is a link out of it.
        """
        self.check_links()
        with lock.held(self.path / files.LOCK, self.path):
            whole.sweep(self.path, deep=True)
            yield

    def check_links(self) -> None:
        """Raise ValueError where something in here is a link to elsewhere, which a run would write through."""
        inside = os.path.realpath(self.path)
        for root, folders, names in os.walk(self.path):
            for path in (Path(root) / name for name in (*folders, *names)):
                if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(inside):
                    raise ValueError(
                        f"{path} is a link out of the run folder, and nothing is written through it; put a copy in"
                        " its place"
                    )

    @staticmethod
    def open(path: Path) -> tuple["RunFolder", dict[str, Any]]:
        """Return an existing run folder and its configuration.

        Raises:
            ValueError: it is not one, its configuration is damaged, or a later release wrote it.
        """
        try:
            config = json.loads((path / files.CONFIG).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            raise ValueError(f"{path} is not a run folder: it has no config.json") from None
        except (ValueError, RecursionError):
            raise ValueError(f"{path / files.CONFIG} is damaged; restore it from a copy") from None
        config = sealed.unseal(config, str(path / files.CONFIG))
        if "strategy" not in config:
            raise ValueError(f"{path} is not a run folder: its config.json names no strategy")
        schema.versioned(config, str(path / files.CONFIG))
        return RunFolder(path), {key: value for key, value in config.items() if key not in ("version", own.KEY)}

    def go_on(self, config: dict[str, Any]) -> None:
        """Keep the configuration with which a run goes on, if it is another; what it had come to is then no result."""
        before = RunFolder.open(self.path)[1]
        held = json.loads((self.path / files.CONFIG).read_text(encoding="utf-8"))
        if before != json.loads(json.dumps(config)):
            (self.path / files.RESULT).unlink(missing_ok=True)
            kept = {name: held[name] for name in ("version", own.KEY) if name in held}
            self.write_json(files.CONFIG, sealed.seal({**kept, **config}))

    def store(self) -> Store:
        """Return the run's store.

        Raises:
            ValueError: it is damaged, or gone although the folder shows that trainings were stored.
        """
        file, shown = self.path / files.STORE, self.path / files.HISTORY
        if shown.exists() and not (file.exists() and file.stat().st_size):
            raise ValueError(f"{file} is gone or empty, but {shown} has trainings of it; restore it from a copy")
        return Store(file)

    def log(self, line: str) -> None:
        """Append a line with the time to ``search.log``."""
        try:
            with open(self.path / files.LOG, "a", encoding="utf-8") as file:
                file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")
        except OSError as error:
            raise ValueError(f"{self.path / files.LOG} can't be written: {error.strerror}; {whole.MEANWHILE}") from None

    def write_tables(self, setup: Setup, records: list[Record], store: Store, limits: Limits | None = None) -> None:
        """Write ``history.csv``, ``rounds.csv``, ``pareto.csv``, ``best_architecture.json`` and what else there is.

        Args:
            limits: which the best has to keep, as they may have changed since it was trained.
        """
        objective, higher_is_better = objective_of(records)
        names = sorted({name for record in records for name in record.measured})
        rows = {id(record): _row(setup.target, record, names) for record in records}
        best, history = None, []
        for number, record in enumerate(records, 1):
            best = max(
                (r for r in (best, record) if r and r.score is not None), key=lambda r: r.score or 0, default=None
            )
            first = {"training": number, "round": record.round, f"best_{objective}": best and best.measured_objective}
            history.append({**first, **rows[id(record)]})
        self._csv(files.HISTORY, history)
        rounds = [schema.read_round(f, files.STORE, objective, higher_is_better) for f in store.findings()]
        predictions = [{"round": r.round, **_named(asdict(p), objective)} for r in rounds for p in r.predictions]
        lessons = [{"round": n, **lesson} for n, j in store.journals().items() for lesson in j.get("school", ())]
        left_out = (
            ("predictions", "objective", "short") if not any(r.short for r in rounds) else ("predictions", "objective")
        )
        kept = [{k: v for k, v in asdict(r).items() if k not in left_out} for r in rounds]
        self._csv(files.ROUNDS, [_named(row, objective) for row in kept])
        if predictions:
            self._csv(files.PREDICTIONS, [{**p, "genes": _words(p["genes"])} for p in predictions])
        if lessons:
            self._csv(files.AGENT, lessons)
        self._csv(files.PARETO, [rows[id(r)] for r in front(records)])
        top = [r for r in ranked(records) if limits is None or not limits.exceeded(*cost_row(r))][:1]
        if top:
            self.write_json(files.BEST, sealed.seal(architecture(setup, top[0]).to_json()))
        else:  # what was best under other limits is no candidate
            (self.path / files.BEST).unlink(missing_ok=True)

    def write_latent(self, codec: LatentCodec, records: list[Record]) -> None:
        """Write the codec's "codebook" (slots, codes, dim), and "genes" (n, genes) with their "codes" (n, slots)."""
        genes = np.array([r.genes for r in records], np.int64)
        arrays = {"codebook": codec.codebook, "genes": genes, "codes": codec.encode(genes)}
        artifacts.write(self.path / files.LATENT, artifacts.pack(arrays))

    def write_data(self, found: DataFound, picture: str) -> None:
        """Write ``data.json``, and ``samples.svg`` unless there is no picture."""
        self.write_json(files.DATA, asdict(found))
        if picture:
            artifacts.write(self.path / files.SAMPLES, picture)

    def write_result(self, result: Result) -> None:
        """Write ``result.json``."""
        self.write_json(files.RESULT, sealed.seal(result.to_json()))

    def write_json(self, name: str, value: Any) -> None:
        """Write a JSON file."""
        artifacts.write(self.path / name, json.dumps(value, indent=1) + "\n")

    def _csv(self, name: str, rows: list[dict[str, Any]]) -> None:
        text = io.StringIO()
        if rows:
            writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        artifacts.write(self.path / name, text.getvalue())


def new_path(name: str) -> Path:
    """Return where a run goes whose user names no folder: runs/<time>-<name>, of a second run in one second -2."""
    whole = f"{time.strftime('%Y%m%d-%H%M%S')}-{name}"
    names = (whole, *(f"{whole}-{i}" for i in range(2, 100)))
    return next((place for one in names if not (place := Path("runs") / one).exists()), Path("runs") / whole)


def architecture(setup: Setup, record: Record) -> Architecture:
    """Return one trained network for people and programs: genes, deployed graph, layers, costs, metrics."""
    graph, cost = setup.built(record.genes)
    layers = [
        {
            "kernel": layer.kernel,
            "macs": layer.macs,
            "flash_bytes": layer.flash_bytes,
            "live_bytes": layer.live_bytes,
            "cycles": round(layer.cycles),
        }
        for layer in cost.layers
    ]
    return Architecture(
        space=record.space,
        task=record.task,
        genes=record.genes,
        architecture=setup.space.describe(record.genes),
        graph=tuple(deploy(setup.narrow(graph)).graph.to_json()),
        layers=tuple(layers),
        measured_on=record.part,
        fidelity=record.fidelity,
        seed=record.seed,
        measured_float=dict(record.measured_float),
        measured_int8=dict(record.measured_int8),
        measured_beside=dict(record.measured_beside),
        device=record.device,
        runtime=record.runtime,
        flash_bytes=cost.flash_bytes,
        ram_bytes=cost.ram_bytes,
        ram_low_bytes=cost.ram_low_bytes,
        ram_high_bytes=cost.ram_high_bytes,
        region=cost.region,
        latency_ms=cost.latency_ms,
        latency_error_ms=cost.latency_error_ms,
        energy_uj=cost.energy_uj,
        energy_error_uj=cost.energy_error_uj,
        emulated_flash_bytes=record.emulated_flash_bytes,
        emulated_ram_bytes=record.emulated_ram_bytes,
        emulated_instructions=record.emulated_instructions,
        emulated_latency_ms=record.emulated_latency_ms,
        macs=cost.macs,
        parameters=cost.parameters,
        weight_bits=setup.target.weight_bits,
        measured_weight_bits=setup.target.measured_bits(record.fidelity),
    )


def _row(target: Target, record: Record, measured: Iterable[str]) -> dict[str, Any]:
    values: dict[str, Any] = {f"measured_{name}": record.measured.get(name) for name in measured}
    if target.weight_bits < 8:
        bits = target.measured_bits(record.fidelity)
        values = {**values, "measured_weight_bits": bits, "weight_bits": target.weight_bits}
    return {**values, **{name: getattr(record, name) for name in COLUMNS}, "genes": _words(record.genes)}


def _named(row: dict[str, Any], objective: str) -> dict[str, Any]:
    """Return a row whose columns name what was measured: best_measured_int8_accuracy, predicted_int8_accuracy, ..."""
    return {name.replace("_objective", f"_{objective}"): value for name, value in row.items()}


def _words(genes: Iterable[int]) -> str:
    return " ".join(map(str, genes))

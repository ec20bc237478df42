"""Files of runs, artefacts and benches, truncated or with flipped bytes: found, or without any effect.

    python benchmarks/damage.py --place runs/kills --count 2000 --out damage.json

--place holds what benchmarks/kills.py has made: a search in done/run, a training and a bench. A file is damaged, all
that reads it is asked, and it is put back. Every reader has to say what it says of the whole file, or refuse in a line;
a report may go without the file, and then has a line about it.
"""

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import sealed
from latent_nas.api.result import Result
from latent_nas.artifacts import unpack
from latent_nas.jobs import train_config
from latent_nas.jobs.networks import open_source
from latent_nas.jobs.search.config import SearchConfig
from latent_nas.runs.folder import RunFolder
from latent_nas.runs.read import Run
from latent_nas.training.checkpoint import SUM, _sum  # the file's own check, without the torch around it

UNREAD = (".html", ".log", ".csv", ".svg")  # for people
SAID = "said in a line"


def of_search(run: Path) -> dict[str, Callable[[], Any]]:
    """Return the readers of a search's folder."""

    def store() -> Any:
        held = RunFolder(run).store()
        found = held.records(), held.proposals(0), held.findings(), held.state(), held.note("test_reads")
        held.close()
        return repr(found)

    def report() -> Any:
        found = Run.read(run)
        config = {name: value for name, value in found.config.items() if not name.startswith("sha256")}
        parts = (config, found.result, found.records, found.finals, found.rounds, found.firmware)
        return SAID if found.problems else repr((parts, {k: v.tolist() for k, v in sorted(found.latent.items())}))

    def network() -> Any:
        integers, made = open_source(run).quantised()
        outputs = integers.outputs(np.ones((1, *integers.graph.input_shape), np.float32))
        return repr((integers.graph.to_json(), made, outputs.tolist()))

    return {
        "store": store,
        "report": report,
        "result": lambda: repr(Result.open(run).details),
        "configuration": lambda: repr(SearchConfig.from_json(RunFolder.open(run)[1])),
        "best": lambda: repr(open_source(run / "best_architecture.json").genes),
        "network": network,
    }


def of_training(run: Path) -> dict[str, Callable[[], Any]]:
    """Return the readers of a training's folder."""

    def checkpoint() -> Any:
        arrays = unpack((run / "checkpoint.safetensors").read_bytes())
        known = arrays.pop(SUM)
        if (known != _sum(arrays)).any():
            raise ValueError("the checksum differs")
        return repr({name: array.tolist() for name, array in sorted(arrays.items())})

    def begun() -> Any:
        config, graph, _ = train_config.resumed(run)
        return repr((config, graph.to_json()))

    return {"configuration": begun, "checkpoint": checkpoint, "network": lambda: repr(open_source(run).quantised()[1])}


def of_bench(file: Path) -> dict[str, Callable[[], Any]]:
    """Return the reader of a bench's file."""
    return {"bench": lambda: repr(sealed.unseal(json.loads(file.read_text(encoding="utf-8")), file.name))}


def ask(readers: dict[str, Callable[[], Any]]) -> dict[str, Any]:
    """Return what every reader says; a refusal in a line is SAID, anything else that is raised its type."""
    found = {}
    for name, read in readers.items():
        try:
            found[name] = read()
        except (ValueError, OSError, RecursionError) as error:  # one line of the command line each
            found[name] = SAID if "\n" not in str(error).strip() else f"several lines: {error}"
        except Exception as error:  # noqa: BLE001 - what is looked for
            found[name] = f"TRACEBACK {type(error).__name__}: {error}"
    return found


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Return a file cut, emptied, or with one to three bytes changed."""
    kind = rng.random()
    if kind < 0.1 or not data:
        return b""
    if kind < 0.35:
        return data[: rng.randrange(len(data))]
    changed = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def main() -> None:
    """Damage files and count what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--place", type=Path, default=Path("runs/kills"))
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=Path("damage.json"))
    options = parser.parse_args()
    rng, started = random.Random(0), time.monotonic()
    search = options.place / "done" / "run"
    training = next(p.parent for p in sorted(options.place.glob("whole-*/run/checkpoint.safetensors")))
    bench = next(iter(sorted(options.place.glob("whole-*/bench.json"))))
    groups = [(search, of_search(search)), (training, of_training(training)), (bench, of_bench(bench))]
    files = []
    for root, readers in groups:
        paths = sorted(root.rglob("*")) if root.is_dir() else [root]
        files += [(path, readers) for path in paths if path.is_file() and path.suffix not in UNREAD]
    whole = {id(readers): ask(readers) for _, readers in groups}
    counts, wrong = Counter[str](), list[str]()
    for number in range(options.count):
        path, readers = files[number % len(files)]
        data = path.read_bytes()
        path.write_bytes(damaged(data, rng))
        try:
            found = ask(readers)
        finally:
            path.write_bytes(data)
        if number % 100 == 99:
            print(number + 1, dict(counts), wrong[-3:], f"{time.monotonic() - started:.0f} s", flush=True)
        for name, value in found.items():
            right = value == whole[id(readers)][name]
            kind = "as if whole" if right else "refused" if value == SAID else "WRONG"
            counts[kind] += 1
            if kind == "WRONG":
                wrong.append(f"{path}: {name}: {str(value)[:300]}")
    result = {"files": options.count, "readings": dict(counts), "wrong": wrong[:50], "wrong_count": len(wrong)}
    options.out.write_text(json.dumps({**result, "seconds": round(time.monotonic() - started)}, indent=1) + "\n")
    print(options.out.read_text())


if __name__ == "__main__":
    main()

"""SIGKILL at random points of every command that goes on: nothing lost or doubled, the same result, nothing left over.

    python benchmarks/kills.py --kills 200 --out kills.json

A command runs once undisturbed; then again and again, each time killed (the main process alone) at a random point of
its time and repeated, until it has been killed --most times, and then to its end. Looked at are what it then holds,
processes that still run 5 s after a kill, and files of the unfinished in its folder.
"""

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

ORPHANS_S, GIVEN_UP_S = 5.0, 120.0
TWO = ["--batch", "2", "--workers", "2"]
QUICK = [*TWO, "--limit", "flash_kb=3", "--limit", "ram_kb=2", "--limit", "latency_ms=0.6"]
LINKED = [*TWO, "--limit", "flash_kb=8", "--limit", "ram_kb=4", "--limit", "latency_ms=1"]  # code and stack count, too
DATA = ["--task", "../tiny.npz", "--space", "mcu_cnn"]  # 80 images of noise, half of them with a bar
TIMED = {"wall_s", "seconds", "search_s", "versions"}


@dataclass(frozen=True)
class Case:
    """A command that is killed: how it begins, how it goes on, and what of its folder has to be the same in the end."""

    begin: list[str]
    again: list[str]
    essence: Callable[[Path], Any]


def plain(value: Any) -> Any:
    """Return a JSON value without times and checksums."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if k not in TIMED and not k.startswith("sha256")}
    return [plain(v) for v in value] if isinstance(value, list) else value


def records(store: Path) -> list[Any]:
    """Return the bodies of a store's records in order of their keys; doubled ones would show."""
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT body FROM record ORDER BY genes, seed, fidelity, part").fetchall()
    return [plain(json.loads(body)["value"]) for (body,) in rows]


def of_run(folder: Path) -> Any:
    """Return what a search holds."""
    networks = plain(json.loads((folder / "run/result.json").read_text())["networks"])
    return records(folder / "run/study.sqlite"), networks, hashes(folder / "run/networks")


def counts(folder: Path) -> Any:
    """Return what an asynchronous search holds whatever its timing: as many records, each once."""
    found = records(folder / "run/study.sqlite")
    search = [tuple(r["genes"]) for r in found if r["fidelity"] == "search"]
    return len(search), len(set(search)), all(r["status"] == "ok" for r in found)


def hashes(folder: Path) -> dict[str, str]:
    """Return the hash of every file of a folder, of manifests without times."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        data = path.read_bytes()
        if path.suffix == ".json":
            data = json.dumps(plain(json.loads(data)), sort_keys=True).encode()
        found[path.relative_to(folder).as_posix()] = sha256(data).hexdigest()
    return found


def trained(folder: Path) -> Any:
    """Return what a training holds."""
    rows = [line.rsplit(",", 1)[0] for line in (folder / "run/metrics.csv").read_text().splitlines()]
    return rows, plain(json.loads((folder / "run/result.json").read_text())), hashes(folder / "run/int8")


def search(strategy: str, *more: str, quick: Sequence[str] = QUICK) -> Case:
    """Return a search by a strategy, of small networks."""
    words = ["search", "--strategy", strategy, "--trainings", "6", "--top", "1", "--final-seeds", "1"]
    words += [*DATA, *quick, *more]
    essence = counts if "--async" in more else of_run
    return Case([*words, "--out", "run"], ["search", "--resume", "run"], essence)


def same(command: list[str], essence: Callable[[Path], Any]) -> Case:
    """Return a command that is simply repeated."""
    return Case(command, command, essence)


def cases() -> dict[str, Case]:
    """Return all commands by name, the quick ones first."""
    bench = ["bench", "--table", "../table.csv", "--objective", "metric.score", "--strategies", "random,evolution"]
    bench += ["--trainings", "120", "--seeds", "8", "--workers", "2", "--out", "bench.json"]
    train = ["train", "../genes.json", "--task", "../tiny.npz", "--epochs", "40", "--test", "--out", "run"]
    build = ["dataset", "build", "--networks", "6", "--repeats", "2", "--repeat-seeds", "2", "--workers", "2"]
    build += [*DATA, "--limit", "flash_kb=3", "--work", "work.sqlite", "--out", "table"]
    strategies = ("random", "evolution", "local_search", "nsga2", "greedy_surrogate", "bayesian", "gp", "reinforce")
    return {
        "search random": search("random"),
        "bench": same(bench, lambda folder: plain(json.loads((folder / "bench.json").read_text()))["runs"]),
        "train": Case(train, ["train", "--resume", "run"], trained),
        "search --async": search("evolution", "--async"),
        "search --measure emulate": search("random", "--measure", "emulate", quick=LINKED),
        "dataset build": same(build, lambda folder: records(folder / "work.sqlite")),
        "deploy": same(["deploy", "../done/run", "--out", "fw", "--emulate"], lambda folder: hashes(folder / "fw")),
        "codec train": same(["codec", "train", "--steps", "60", "--out", "codec"], lambda f: hashes(f / "codec")),
        "agent train": same(["agent", "train", "--steps", "4096", "--out", "agent"], lambda f: hashes(f / "agent")),
        **{f"search {name}": search(name) for name in (*strategies, "latent_rl") if name != "random"},
    }


def start(words: list[str], folder: Path) -> "subprocess.Popen[bytes]":
    """Begin a command in a session of its own, so that its processes can be found."""
    command = [sys.executable, "-m", "latent_nas", *words]
    log = open(folder / "output.txt", "ab")  # noqa: SIM115 - the process's, closed here at once
    with log:
        return subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)


def alive(session: int) -> list[int]:
    """Return the processes of a session that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, of = path.read_text().rpartition(")")[2].split()[:4]
        except (OSError, ValueError):
            continue
        if int(of) == session and state != "Z":
            found.append(int(path.parent.name))
    return found


def orphans(session: int) -> list[str]:
    """Return the commands of a session that still run after ``ORPHANS_S``, and when they had ended.

    On a busy machine a process may not have had the processor by then.
    """
    killed, late = time.monotonic(), list[str]()
    while left := alive(session):
        passed = time.monotonic() - killed
        if passed > ORPHANS_S and not late:
            late = [command(number) for number in left]
        if passed > GIVEN_UP_S:
            return [f"{one}: not gone after {passed:.0f} s" for one in late]
        time.sleep(0.1)
    return [f"{one}: gone after {time.monotonic() - killed:.0f} s" for one in late]


def command(number: int) -> str:
    """Return the beginning of a process's command."""
    try:
        return Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:150]
    except OSError:
        return "gone"


def ready(case: Case, words: list[str], folder: Path) -> list[str]:
    """Return how to go on: from the start where a kill came before anything was kept."""
    began = words is case.begin and not (folder / "run/config.json").exists()
    return case.begin if began else case.again


def killed(case: Case, folder: Path, took_s: float, most: int, rng: random.Random) -> dict[str, Any]:
    """Return what came of a command that is killed up to ``most`` times."""
    folder.mkdir()
    words, kills, left_alive = case.begin, 0, list[str]()
    while True:
        process = start(words, folder)
        try:
            process.wait(timeout=None if kills >= most else rng.uniform(0.02, 0.6) * took_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            left_alive += orphans(process.pid)
            words = ready(case, words, folder)
            continue
        left_alive += orphans(process.pid)
        left = [str(p) for p in folder.rglob(".*") if p.name.startswith(".latent_nas-") or p.name.endswith("lock")]
        return {"kills": kills, "code": process.returncode, "orphans": left_alive, "left": left}


def inputs(place: Path) -> None:
    """Make what the commands read: a table, data, genes."""
    rng = np.random.default_rng(0)
    genes = np.unique(rng.integers(0, 4, (400, 6)), axis=0)
    lines = ["id," + ",".join(f"gene.g{i}" for i in range(6)) + ",metric.score"]
    lines += [f"{i},{','.join(map(str, row))},{-((row - 2) ** 2).sum() / 10:.4f}" for i, row in enumerate(genes)]
    (place / "table.csv").write_text("\n".join(lines) + "\n")
    x = rng.normal(size=(80, 8, 8, 1)).astype(np.float32)
    y = np.arange(80) % 2
    x[y == 1, 2:5] += 1.0
    np.savez(place / "tiny.npz", x=x, y=y)


def main() -> None:
    """Run the cases and write what came of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--most", type=int, default=5, help="kills of one run, before it may end")
    parser.add_argument("--only", default="", help="names of cases, with commas between")
    parser.add_argument("--place", type=Path, default=Path("runs/kills"))
    parser.add_argument("--out", type=Path, default=Path("kills.json"))
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no further run after so many seconds")
    options = parser.parse_args()
    place, rng, started = options.place.resolve(), random.Random(0), time.monotonic()
    os.environ["OMP_NUM_THREADS"] = "1"
    place.mkdir(parents=True)
    inputs(place)
    known = cases()
    chosen = {name: known[name] for name in (options.only.split(",") if options.only else known)}
    whole: dict[str, tuple[Any, float]] = {}
    found: dict[str, dict[str, Any]] = {}
    number = 0
    while sum(one["kills"] for one in found.values()) < options.kills and time.monotonic() - started < options.seconds:
        for name, case in chosen.items():
            if time.monotonic() - started >= options.seconds:
                break
            if name not in whole:
                folder = place / ("done" if name == "search random" else f"whole-{len(whole)}")
                folder.mkdir()
                began = time.monotonic()
                code = start(case.begin, folder).wait()
                assert code == 0, (name, code, (folder / "output.txt").read_text()[-1000:])
                whole[name] = case.essence(folder), time.monotonic() - began
                if name == "search random":
                    (place / "genes.json").write_bytes((folder / "run/best_architecture.json").read_bytes())
            number += 1
            folder = place / f"killed-{number}"
            one = killed(case, folder, whole[name][1], options.most, rng)
            right = one["code"] == 0 and case.essence(folder) == whole[name][0]
            sums = found.setdefault(name, {"runs": 0, "kills": 0, "wrong": [], "orphans": [], "left": []})
            sums["runs"] += 1
            sums["kills"] += one["kills"]
            sums["orphans"] += one["orphans"]
            sums["left"] += one["left"]
            sums["wrong"] += [] if right else [str(folder)]
            print(f"{time.monotonic() - started:7.0f} s  {name}: {sums}", flush=True)
            options.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()

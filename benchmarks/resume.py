"""Same seed twice, and killed and resumed: are proposals, records and the best identical?

Runs ``latent-nas search`` as a user does, in processes of their own: twice whole with unlike --workers, once killed
(SIGKILL) after every few records until it gets through. Prints JSON and exits with 1 if anything differs.
"""

import argparse
import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path


def rows(folder: Path, question: str) -> list:
    """Return what the store answers; nothing while it is not there."""
    try:
        with closing(sqlite3.connect(f"file:{folder / 'study.sqlite'}?mode=ro", uri=True)) as store:
            return store.execute(question).fetchall()
    except sqlite3.OperationalError:
        return []


def essence(folder: Path) -> dict:
    """Return everything that must be equal: proposals, and records without their times."""
    bodies = [json.loads(b)["value"] for (b,) in rows(folder, "SELECT body FROM record")]
    for body in bodies:
        del body["wall_s"]
    return {
        "proposals": rows(folder, "SELECT number, proposals FROM round ORDER BY number"),
        "records": sorted(json.dumps(b, sort_keys=True) for b in bodies),
        "best": json.loads((folder / "result.json").read_text())["best_measured_valid"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strategy", default="latent_rl")
    parser.add_argument("--trainings", type=int, default=12)
    parser.add_argument("--measure", default="training")
    parser.add_argument("--kill-every", type=int, default=3, help="records between two kills")
    parser.add_argument("--work", type=Path, default=Path("runs/resume"))
    options = parser.parse_args()
    common = [sys.executable, "-m", "latent_nas", "search", "--json"]
    asked = ["--strategy", options.strategy, "--trainings", str(options.trainings), "--top", "1", "--final-seeds", "2"]
    asked += ["--measure", options.measure]
    for name, workers in (("one", "1"), ("two", "2")):
        command = [*common, *asked, "--workers", workers, "--out", str(options.work / name)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    cut, kills = options.work / "cut", 0
    command = [*common, *asked, "--workers", "2", "--out", str(cut)]
    while True:
        before = len(rows(cut, "SELECT id FROM record"))
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and len(rows(cut, "SELECT id FROM record")) < before + options.kill_every:
            time.sleep(0.02)
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
        command = [*common, "--resume", str(cut)]
    found = {name: essence(options.work / name) for name in ("one", "two", "cut")}
    same = {name: found[name] == found["one"] for name in ("two", "cut")}
    summary = {"records": len(found["one"]["records"]), "kills": kills, "identical to the first": same}
    print(json.dumps(summary, indent=1))
    sys.exit(0 if all(same.values()) else 1)


if __name__ == "__main__":
    main()

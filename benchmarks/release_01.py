"""What release 0.1 reached with its trainings, and in how many processor seconds: the reference of "a third".

python benchmarks/release_01.py --task digits --trainings 24 --out release_01.jsonl
python benchmarks/release_01.py --images 10000 --trainings 40 --out release_01.jsonl

Its commit is checked out beside --out (`git worktree remove` takes it away) and searches by its own command and with
its own defaults, one training process.
Its records tell the wall time of a training; here its clock is that of the process, so they are processor seconds.
The first training also loads torch's parts; it counts as much as the one in the middle, or less.
Only validation is read: a search is stopped before its final trainings.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from halving import LIMITS, write

COMMIT = "6831ff4"
ROOT = Path(__file__).parent.parent
CLOCK = "import time\ntime.perf_counter = time.process_time\n"


def checkout(place):
    """Return the folder of the release's files, with the processor's clock in place of its own."""
    folder = place / "release_01"
    if not folder.exists():
        subprocess.run(["git", "-C", ROOT, "worktree", "add", "--detach", folder.resolve(), COMMIT], check=True)
        (folder / "sitecustomize.py").write_text(CLOCK, encoding="utf-8")
    return folder


def history(run):
    """Return the trainings of all rounds that are over, in order."""
    file = run / "history.csv"
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines())) if file.exists() else []


def search(package, run, task, trainings, limits, seed):
    """Return [processor seconds of all trainings till then, int8 validation accuracy] of every training in order."""
    command = [sys.executable, "-m", "latent_nas", "search", "--json", "--workers", "1", "--top", "1"]
    command += ["--final-seeds", "1", "--task", task, "--trainings", str(trainings), "--seed", str(seed)]
    command += ["--out", str(run.resolve())] + [part for limit in limits for part in ("--limit", limit)]
    env = {**os.environ, "PYTHONPATH": str(package.resolve()), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, cwd=package, env=env, stdout=subprocess.DEVNULL) as searching:
        while len(rows := history(run)) < trainings and searching.poll() is None:
            time.sleep(1)
        searching.terminate()  # its final training is not wanted
    if len(rows) < trainings:
        raise SystemExit(f"the search ended after {len(rows)} of {trainings} trainings; see {run}")
    seconds = np.array([float(row["wall_s"]) for row in rows])
    seconds[0] = min(seconds[0], np.median(seconds))
    scores = [float(row["measured_int8_accuracy"] or "nan") for row in rows]
    return [[round(spent, 2), score] for spent, score in zip(np.cumsum(seconds), scores, strict=True)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", default="digits")
    parser.add_argument("--images", type=int, default=0, help="of fashion_mnist, in place of --task")
    parser.add_argument("--trainings", type=int, default=24)
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument(
        "--out", type=Path, required=True, help="rows are added; those that are there are not run again"
    )
    options = parser.parse_args()
    place, task, limits = options.out.parent, options.task, []
    if options.images:
        task, limits = str((place / f"fashion_{options.images}.npz").resolve()), LIMITS
        if not Path(task).exists():
            write(Path(task), options.images)
    package, name = checkout(place), Path(task).stem
    known = options.out.read_text(encoding="utf-8").splitlines() if options.out.exists() else []
    done = {(row["task"], row["trainings"], row["seed"]) for row in map(json.loads, known)}
    for seed in map(int, options.seeds.split(",")):
        if (name, options.trainings, seed) in done:
            continue
        found = search(package, place / f"{name}-{seed}", task, options.trainings, limits, seed)
        best = max(score for _, score in found if score == score)  # a failed training has none
        row = {"task": name, "trainings": options.trainings, "seed": seed, "best": best, "trainings_s": found[-1][0]}
        row["reached_at_s"] = next(at for at, score in found if score == best)
        print(json.dumps(row), flush=True)
        with options.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row | {"all": found}) + "\n")


if __name__ == "__main__":
    main()

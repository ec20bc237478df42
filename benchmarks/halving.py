"""Successive halving against full fidelity, at the same number of full trainings' worth, on part of fashion_mnist.

python benchmarks/halving.py --images 10000 --trainings 12 --seeds 0,1,2 --out runs/halving
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from latent_nas.tasks import open_task
from latent_nas.training import subset

LIMITS = ["flash_kb=32", "ram_kb=16", "latency_ms=10"]


def write(path, images):
    """Write a share of the training part, all of the others."""
    task = open_task("fashion_mnist")
    data = task.data()
    train = subset(task, data.train, images / len(data.train))
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = {"train": train, "valid": data.valid, "test": data.test}
    x = {f"x_{name}": np.round(part.x * 255).astype(np.uint8) for name, part in parts.items()}
    np.savez_compressed(path, **x, **{f"y_{name}": part.y for name, part in parts.items()})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--trainings", type=int, default=12)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--halving", default="0,4", help="short trainings for one promotion, each tried; 0 is none")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("runs/halving"))
    options = parser.parse_args()
    data = options.out / f"fashion_{options.images}.npz"
    if not data.exists():
        write(data, options.images)
    print("| halving | seed | search s | trainings | best valid | final int8 on test |\n|---|---|---|---|---|---|")
    finals: dict[str, list[float]] = {}
    for seed in options.seeds.split(","):
        for halving in options.halving.split(","):
            place = options.out / f"halving{halving}-seed{seed}"
            command = [sys.executable, "-m", "latent_nas", "search", "--json"]
            if (place / "config.json").exists():
                command += ["--resume", str(place)]
            else:
                command += ["--task", str(data), "--trainings", str(options.trainings), "--halving", halving]
                command += ["--seed", seed, "--top", "1", "--final-seeds", "1", "--out", str(place)]
                command += [part for limit in LIMITS for part in ("--limit", limit)]
            command += ["--workers", str(options.workers)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            result = json.loads(done.stdout)
            final = result["networks"][0]["measured_int8"]["accuracy"]
            finals.setdefault(halving, []).append(final)
            row = f"{result['search_s']:.0f} | {result['trainings']}"
            row += f" | {result['best_measured_valid']['int8_accuracy']:.4f} | {final:.4f}"
            print(f"| {halving} | {seed} | {row} |", flush=True)
    for halving, values in finals.items():
        spread = np.std(values, ddof=1) if len(values) > 1 else 0.0
        print(f"halving {halving}: {np.mean(values):.4f} +- {spread:.4f} over {len(values)} seeds")


if __name__ == "__main__":
    main()

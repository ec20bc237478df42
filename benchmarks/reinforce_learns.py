r"""Does a strategy get better while it searches? Mean reward of the first and of the last trainings of a bench's runs.

latent-nas bench --table nb201.csv.gz --objective metric.valid_accuracy --space nasbench201 \
    --strategies reinforce --trainings 300 --seeds 10 --out reinforce.json
python benchmarks/reinforce_learns.py reinforce.json
"""

import argparse
import json
from pathlib import Path

import numpy as np


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=Path, help="JSON file of `latent-nas bench`")
    parser.add_argument("--part", type=int, default=50, help="trainings of either part")
    arguments = parser.parse_args()
    runs = json.loads(arguments.bench.read_text(encoding="utf-8"))["runs"]
    print(
        "| strategy | seed | trainings | mean of the first | mean of the last | difference |\n|---|---|---|---|---|---|"
    )
    for name in dict.fromkeys(run["strategy"] for run in runs):
        differences = []
        for run in (r for r in runs if r["strategy"] == name):
            measured = np.array(run["measured"])
            first, last = measured[: arguments.part].mean(), measured[-arguments.part :].mean()
            differences.append(last - first)
            print(f"| {name} | {run['seed']} | {len(measured)} | {first:.2f} | {last:.2f} | {last - first:+.2f} |")
        better = sum(d > 0 for d in differences)
        print(f"\n{name}: the last {arguments.part} above the first in {better} of {len(differences)} seeds;", end=" ")
        print(f"mean difference {np.mean(differences):+.2f}, std {np.std(differences, ddof=1):.2f}\n")


if __name__ == "__main__":
    main()

"""Read files of ``latent-nas bench`` and compare one strategy with all others, seed by seed; JSON.

python benchmarks/regret.py bench.json [more.json ...] [--reference latent_rl] [--area 100] [--at 25 50 100 150 192]

A bench prints the same of its own strategies; this joins files of one table, such as those of an ablation.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from latent_nas import artifacts
from latent_nas.jobs.bench.regret import standings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+", help="of one table and objective")
    parser.add_argument("--reference", default="latent_rl")
    parser.add_argument("--area", type=int, default=100, help="trainings over which regret is averaged")
    parser.add_argument("--at", type=int, nargs="+", default=[25, 50, 100, 150, 192])
    parser.add_argument("--out", type=Path, help="also write the JSON here")
    args = parser.parse_args()

    benches = [json.loads(path.read_text()) for path in args.files]
    optima = {bench["table"]["optimum"] for bench in benches}
    if len(optima) > 1:
        raise SystemExit(f"the files are of different tables: optima {sorted(optima)}")
    runs = [run for bench in benches for run in bench["runs"]]
    result = {}
    for name, stand in standings(runs, optima.pop(), args.area, args.reference).items():
        own = [run for run in runs if run["strategy"] == name]
        best = np.array([run["incumbents"] for run in own])
        at = [n for n in args.at if n <= best.shape[1]]
        result[name] = stand.plain() | {
            "mean_incumbent": {str(n): round(float(best[:, n - 1].mean()), 4) for n in at},
            "std_incumbent": {str(n): round(float(best[:, n - 1].std(ddof=1)), 4) for n in at},
            "median_seconds": float(np.median([run["seconds"] for run in own])),
        }
    text = json.dumps(result, indent=1)
    print(text)
    if args.out:
        artifacts.write(args.out, text + "\n")


if __name__ == "__main__":
    main()

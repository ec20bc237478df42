"""Read files of ``latent-nas bench`` and compare one strategy with all others, seed by seed; JSON.

python benchmarks/regret.py bench.json [more.json ...] [--reference latent_rl] [--area 100] [--at 25 50 100 150 192]

Regret is the distance of the best network so far from the table's optimum; its area the mean over the first trainings.
Differences are paired by seed, with 95 % intervals of Student's t; medians have bootstrapped intervals.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from scipy.stats import t as student

from latent_nas import artifacts


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
    optimum = optima.pop()
    runs: dict[str, dict[int, dict]] = {}
    for bench in benches:
        for run in bench["runs"]:
            runs.setdefault(run["strategy"], {})[run["seed"]] = run
    reference = runs[args.reference]
    result = {name: judged(found, optimum, args.area, args.at) for name, found in runs.items()}
    for name, found in runs.items():
        both = sorted(reference.keys() & found.keys())
        if name != args.reference and len(both) > 1:
            gap = [area(found[s], optimum, args.area) - area(reference[s], optimum, args.area) for s in both]
            last = [abs(found[s]["incumbents"][-1] - optimum) for s in both]
            mine = [abs(reference[s]["incumbents"][-1] - optimum) for s in both]
            result[name][f"regret_area_minus_{args.reference}"] = paired(np.array(gap))
            result[name][f"final_regret_minus_{args.reference}"] = paired(np.array(last) - np.array(mine))
    text = json.dumps(result, indent=1)
    print(text)
    if args.out:
        artifacts.write(args.out, text + "\n")


def area(run: dict, optimum: float, trainings: int) -> float:
    """Return the mean regret over the first trainings of a run."""
    return float(np.abs(np.array(run["incumbents"][:trainings]) - optimum).mean())


def judged(found: dict[int, dict], optimum: float, trainings: int, at: list[int]) -> dict:
    """Return what the runs of one strategy came to."""
    to = np.array([run["trainings_to_optimum"] or np.inf for run in found.values()])
    draws = np.random.default_rng(0).integers(len(to), size=(2000, len(to)))
    medians = np.median(to[draws], axis=1)
    best = np.array([run["incumbents"] for run in found.values()])
    areas = np.array([area(run, optimum, trainings) for run in found.values()])
    return {
        "seeds": len(found),
        "median_to_optimum": finite(np.median(to)),
        "median_95": [finite(q) for q in np.quantile(medians, [0.025, 0.975], method="nearest")],
        "reached_within_150": float((to <= 150).mean()),
        "most_to_optimum": finite(to.max()),
        "mean_incumbent": {str(n): round(float(best[:, n - 1].mean()), 4) for n in at if n <= best.shape[1]},
        "std_incumbent": {str(n): round(float(best[:, n - 1].std(ddof=1)), 4) for n in at if n <= best.shape[1]},
        "regret_area": round(float(areas.mean()), 4),
        "median_seconds": float(np.median([run["seconds"] for run in found.values()])),
    }


def paired(differences: np.ndarray) -> dict[str, float]:
    """Return the mean and its 95 % interval."""
    half = student.ppf(0.975, len(differences) - 1) * differences.std(ddof=1) / np.sqrt(len(differences))
    mean = float(differences.mean())
    return {"mean": round(mean, 4), "low": round(mean - half, 4), "high": round(mean + half, 4)}


def finite(value: float) -> float | None:
    """Return the number, None for infinity."""
    return float(value) if np.isfinite(value) else None


if __name__ == "__main__":
    main()

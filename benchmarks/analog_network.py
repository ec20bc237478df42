"""Accuracy of one digits network in analog memory as time goes by, with and without noise-aware training.

python benchmarks/analog_network.py --seeds 5
"""

import argparse
import json

import numpy as np

from latent_nas.analog import DRAWINGS, TIMES_S
from latent_nas.evaluators import Job
from latent_nas.evaluators.analog import Analog
from latent_nas.target import Target

SPACE = "resnet_analog:first=8;stages=3;repeats=1;block=A;width=1,2;branches=1"
GENES = (0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0)  # 8, 16 and 16 channels, one basic block each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--fidelity", default="full", help="the task's recipe")
    args = parser.parse_args()
    found = {}
    for aware in (False, True):
        evaluator = Analog(Target(SPACE, "digits", "stm32h743", "cmsis_nn"), args.workers, aware=aware)
        jobs = [Job(GENES, seed, args.fidelity) for seed in range(args.seeds)]
        records = sorted(evaluator.evaluate(jobs), key=lambda r: r.seed)
        evaluator.close()
        failed = [r.reason for r in records if not r.ok]
        if failed:
            raise SystemExit(f"trainings failed: {failed}")
        found[aware] = {
            "digital": [r.measured_float["accuracy"] for r in records],
            **{t: [r.measured_beside[f"analog_accuracy_{t}"] for r in records] for t in TIMES_S},
            **{f"{t} std": [r.measured_beside[f"analog_accuracy_{t}_std"] for r in records] for t in TIMES_S},
        }
    print(f"{args.seeds} trainings each, recipe {args.fidelity}, {DRAWINGS} programmings of each, validation part\n")
    print("| training | digital |", " | ".join(TIMES_S), "|\n|---|---|" + "---|" * len(TIMES_S))
    for aware, rows in found.items():
        cells = [_cell(rows["digital"], [0.0])] + [_cell(rows[t], rows[f"{t} std"]) for t in TIMES_S]
        print(f"| {'noise-aware' if aware else 'plain'} |", " | ".join(cells), "|")
    gain = np.array(found[True]["1d"]) - np.array(found[False]["1d"])
    print(f"\nnoise-aware less plain after a day: {gain.mean():+.4f} +- {gain.std(ddof=1):.4f} over seeds")
    print(json.dumps({("aware" if k else "plain"): v for k, v in found.items()}))


def _cell(means: list[float], stds: list[float]) -> str:
    """Return mean over seeds, std over programmings (root mean square) and over seeds."""
    within = float(np.sqrt(np.mean(np.square(stds))))
    return f"{np.mean(means):.4f} +- {within:.4f} ({np.std(means, ddof=1):.4f})"


if __name__ == "__main__":
    main()

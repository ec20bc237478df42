"""What the shipped surrogates say of random networks, against what these come to when they are trained in full.

python benchmarks/recipe_changes.py --task digits --networks 48 --full --seeds 2 --rows full.jsonl
python benchmarks/predicted_ends.py full.jsonl

A search's trainings are short, and what is learnt from them is judged here by what a user gets in the end: Kendall's
tau-b of the predictions and the mean int8 accuracy on validation, of all networks and of the better half by that mean,
and the mean absolute difference. The test part is not read.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from recipe_changes import DRAWN, drawn
from scipy.stats import kendalltau

from latent_nas import threads
from latent_nas.jobs.make import artefacts
from latent_nas.target import MAIN_TARGET, open_target


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("rows", type=Path)
    options = parser.parse_args()
    measured = {}
    for row in map(json.loads, options.rows.read_text(encoding="utf-8").splitlines()):
        measured.setdefault(row["network"], []).append(row["int8"])
    ends = np.array([np.mean(measured[i]) for i in range(len(measured))])
    setup = open_target(MAIN_TARGET)
    genes = drawn(setup, setup.task.limits)[: len(ends)]
    with threads.one():
        scorer, _ = artefacts.open_scorer(setup, setup.task.limits, None, None, 0, print)
        told = scorer.rerank(genes).predicted_accuracy
    better = ends >= np.median(ends)
    print(f"{len(ends)} networks of {DRAWN:,} drawn, of {len(measured[0])} full trainings each")
    print(f"tau-b {kendalltau(told, ends).statistic:.3f}, of the better half", end=" ")
    print(f"{kendalltau(told[better], ends[better]).statistic:.3f}", end="")
    print(f"; mean absolute difference {np.abs(told - ends).mean():.4f}, mean difference {(told - ends).mean():+.4f}")


if __name__ == "__main__":
    main()

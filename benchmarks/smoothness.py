"""How far measured accuracy moves by one code edit and by one gene mutation, from networks of a shipped table; JSON.

python benchmarks/smoothness.py --codec pretrained/mcu_cnn-digits/codec [--networks 60] [--workers 2]

Trains both children of every network for real, with the seed of the table. The seed alone moves the accuracy as well:
the same mean absolute change between two trainings of one network of the table stands beside.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import artifacts, plugins, seeds
from latent_nas.codec import Codec
from latent_nas.codec.quality import edited
from latent_nas.evaluators import Job
from latent_nas.jobs.make import artefacts, dataset
from latent_nas.target import MAIN_TARGET, Setup


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codec", type=Path, required=True, help="folder of the codec")
    parser.add_argument("--networks", type=int, default=60)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="also write the JSON here")
    args = parser.parse_args()

    setup = Setup(MAIN_TARGET).check()
    codec = Codec.load(args.codec, setup.space)
    records = [r for r in dataset.read(artefacts.shipped_table(setup)) if r.ok]
    known = {r.genes: r.measured_int8["accuracy"] for r in records if r.seed == 0}
    rng = seeds.rng(args.seed, "smoothness")
    genes = rng.permutation(np.array(sorted(known)))
    before, after, changed = edited(codec, genes, rng)
    kept = np.flatnonzero(changed & (before == genes).all(axis=1))[: args.networks]
    children = {"code_edit": after[kept], "gene_mutation": setup.space.mutate(genes[kept], rng)}
    parents = np.array([known[tuple(g)] for g in genes[kept].tolist()])
    evaluator = plugins.load("evaluators", "training")(MAIN_TARGET, args.workers)
    result: dict[str, Any] = {"networks": len(kept), "seed_alone": seed_alone(records)}
    for name, rows in children.items():
        jobs = [Job(tuple(g), 0) for g in rows.tolist()]
        found = {r.genes: r.measured_int8["accuracy"] for r in evaluator.evaluate(jobs) if r.ok}
        change = np.abs(np.array([found.get(job.genes, np.nan) for job in jobs], float) - parents)
        change = change[np.isfinite(change)]
        half = 1.96 * change.std(ddof=1) / np.sqrt(len(change))
        result[name] = {"mean_absolute_change": float(change.mean()), "half_width_95": float(half), "n": len(change)}
    evaluator.close()
    text = json.dumps(result, indent=1)
    print(text)
    if args.out:
        artifacts.write(args.out, text + "\n")


def seed_alone(records: list) -> float:
    """Return the mean absolute difference of the accuracies of seeds 0 and 1 of one network."""
    by_seed = [{r.genes: r.measured_int8["accuracy"] for r in records if r.seed == s} for s in (0, 1)]
    both = by_seed[0].keys() & by_seed[1].keys()
    return float(np.mean([abs(by_seed[0][g] - by_seed[1][g]) for g in both]))


if __name__ == "__main__":
    main()

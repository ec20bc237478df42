"""Agent against random code edits against evolution on one scorer, at equal queries; JSON.

python benchmarks/scorer_search.py [--codec DIR] [--surrogates DIR] [--queries 2000 20000] [--seeds 10]

All move the same population (size, tournament, elitism, start); every architecture that the scorer is asked counts,
those of the start as well. "agent" was trained before on this scorer, apart from the count; "agent, training counted"
spends half of its queries on the training, whose finds start its population.
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from scipy.stats import t as student

from latent_nas import artifacts, seeds
from latent_nas.agent.policy import Agent
from latent_nas.agent.population import CodeEdits, GeneMutations, Pool, judged_pool, search
from latent_nas.agent.training import train_from_best
from latent_nas.env.core import EditCore
from latent_nas.jobs.make import artefacts
from latent_nas.judge.scorer import Scorer
from latent_nas.limits import Limits
from latent_nas.strategies.latent_rl import LatentRL
from latent_nas.target import MAIN_LIMITS, MAIN_TARGET, Setup

METHODS = ("agent", "agent, training counted", "random codes", "evolution")
BATCH = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codec", type=Path, help="folder of the codec; default: the shipped one")
    parser.add_argument("--surrogates", type=Path, help="folder of the surrogates; default: the shipped ones")
    parser.add_argument("--queries", type=int, nargs="+", default=[2_000, 20_000, 200_000])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0, help="to share the seeds out over processes")
    parser.add_argument("--training", type=int, default=262_144, help="steps of the agent trained apart")
    parser.add_argument("--limit", action="append", help="e.g. flash_kb=32; default: those of the main job")
    parser.add_argument("--out", type=Path, help="also write the JSON here")
    args = parser.parse_args()

    import torch

    torch.set_num_threads(1)
    limits = Limits.parse(args.limit) if args.limit else MAIN_LIMITS
    setup = Setup(MAIN_TARGET).check()
    scorer, codec = artefacts.open_scorer(setup, limits, args.codec, args.surrogates, 0, lambda line: None)
    row = limits.row()
    found: dict[int, dict[str, list[float]]] = {q: {m: [] for m in METHODS} for q in args.queries}
    seconds: dict[str, float] = dict.fromkeys(("training apart", *METHODS), 0.0)
    for seed in range(args.first_seed, args.first_seed + args.seeds):
        clock = time.process_time()
        core = EditCore(codec, scorer, row, LatentRL.episode, keep=True)
        agent, _ = train_from_best(core, start(core, scorer, seed), None, args.training, seed)
        seconds["training apart"] += time.process_time() - clock
        for queries in args.queries:
            for method in METHODS:
                clock = time.process_time()
                found[queries][method].append(best(method, scorer, row, agent, queries, seed))
                seconds[method] += time.process_time() - clock
    result = {
        "limits": limits.to_json(),
        "training_steps_apart": args.training,
        "queries": {str(q): summary(scores) for q, scores in found.items()},
        "cpu_s": {name: round(value, 1) for name, value in seconds.items()},
    }
    text = json.dumps(result, indent=1)
    print(text)
    if args.out:
        artifacts.write(args.out, text + "\n")


def start(core: EditCore, scorer: Scorer, seed: int) -> Pool:
    """Return the random networks that every method of a seed starts from."""
    genes = scorer.space.sample(seeds.rng(seed, "start"), LatentRL.population)
    return judged_pool(core, core.codec.encode(genes), genes, core.limits[0])


def best(method: str, scorer: Scorer, row: np.ndarray, agent: Agent, queries: int, seed: int) -> float:
    """Return the best pessimistic score that a method finds with so many queries."""
    codec: Any = scorer.codec
    core = EditCore(codec, scorer, row, LatentRL.episode, keep=True)
    pool = start(core, scorer, seed)
    if method == "agent, training counted":
        steps = queries // 2
        envs = min(LatentRL.envs, max(steps // 64, 8))
        agent, archive = train_from_best(core, pool, None, steps, seed, envs)
        pool = archive.pool.best(LatentRL.population)
    if method == "evolution":
        moves: Any = GeneMutations(scorer.space)
    else:
        moves = CodeEdits(core, None if method == "random codes" else agent)
    rng = seeds.rng(seed, "search")
    return float(search(core, pool, moves, rng, queries - core.queries, LatentRL.population, BATCH).values[0])


def summary(scores: dict[str, list[float]]) -> dict[str, Any]:
    """Return each method's scores and the paired differences of the agents' with 95 % intervals."""
    rows = {name: np.array(values) for name, values in scores.items()}
    pairs = {f"{a} - {b}": rows[a] - rows[b] for a in METHODS[:2] for b in METHODS[2:]}
    return {
        "best": {name: {"mean": float(v.mean()), "each": v.round(5).tolist()} for name, v in rows.items()},
        "difference": {name: interval(d) for name, d in pairs.items()},
    }


def interval(differences: np.ndarray) -> dict[str, float]:
    """Return the mean and the half width of its 95 % interval (Student's t)."""
    n = len(differences)
    half = student.ppf(0.975, n - 1) * differences.std(ddof=1) / np.sqrt(n) if n > 1 else np.inf
    return {"mean": float(differences.mean()), "half_width_95": float(half)}


if __name__ == "__main__":
    main()

"""One agent under limits it never saw, beside evolution at as many and at three times the queries; JSON.

python benchmarks/unseen_limits.py [--limits 100] [--queries 2000] [--agent DIR]
python benchmarks/unseen_limits.py --answers      # only what ``latent-nas query`` answers, and how long it takes

Limits are log-uniform between the 2nd and the 60th percentile of random networks' predicted costs. "agent", "random
codes" and "mutations" start from the good networks that the agent met at school; "evolution" starts from random ones.
Every answer of ``latent-nas query`` is checked against the exact costs.
"""

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from scipy.stats import t as student

from latent_nas import artifacts, seeds
from latent_nas.agent import universal
from latent_nas.agent.population import GeneMutations, judged_pool
from latent_nas.env.core import EditCore
from latent_nas.jobs import models, query
from latent_nas.jobs.make import artefacts
from latent_nas.limits import Limits
from latent_nas.strategies.latent_rl import LatentRL
from latent_nas.target import MAIN_TARGET, Setup

LONG = 20_000  # queries of evolution before "none found" is taken for the truth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codec", type=Path, help="folder of the codec; default: the shipped one")
    parser.add_argument("--surrogates", type=Path, help="folder of the surrogates; default: the shipped ones")
    parser.add_argument("--agent", type=Path, help="folder of the agent; default: the shipped one")
    parser.add_argument("--limits", type=int, default=100)
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument("--top", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--answers", action="store_true", help="time the answers; compare no ways to search")
    parser.add_argument("--out", type=Path, help="also write the JSON here")
    args = parser.parse_args()

    setup = Setup(MAIN_TARGET).check()
    scorer, codec = artefacts.open_scorer(setup, Limits(), args.codec, args.surrogates, 0, lambda line: None)
    adept = universal.Adept.load(args.agent or models.pretrained(setup, "agent"), codec)
    methods = () if args.answers else ("agent", "random codes", "mutations", "evolution")
    scores: dict[str, list[float]] = {name: [] for name in (*methods, "evolution, 3 times") if methods}
    seconds, cpu_seconds, answers, empty = [], [], 0, []
    for number, row in enumerate(universal.unseen(scorer, args.seed, args.limits)):
        if methods:
            for name, value in universal.compare(scorer, codec, adept, row, args.queries, number, methods).items():
                scores[name].append(value)
            tripled = universal.compare(scorer, codec, adept, row, 3 * args.queries, number, ("evolution",))
            scores["evolution, 3 times"].append(tripled["evolution"])
        limits = Limits(int(row[0]), int(row[1]), float(row[2]))
        start, cpu = time.perf_counter(), time.process_time()
        genes = query.within(setup, scorer, codec, adept, limits, args.queries, args.top, number)
        seconds.append(time.perf_counter() - start)
        cpu_seconds.append(time.process_time() - cpu)
        answers += len(genes)
        assert setup.fits(genes, limits).all()
        if not len(genes):
            empty.append({"limits": row.tolist(), "evolution finds one": reachable(setup, scorer, codec, row, limits)})
    others = [name for name in scores if name != "agent"]
    result = {
        "limits": args.limits,
        "queries": args.queries,
        "mean_best_predicted_score": {name: float(np.mean(v)) for name, v in scores.items()},
        "agent_minus": {name: interval(np.array(scores["agent"]) - np.array(scores[name])) for name in others},
        "answers_that_keep_the_exact_limits": answers,
        "none_found": empty,
        "seconds_per_answer": {"median": float(np.median(seconds)), "most": float(np.max(seconds))},
        "cpu_seconds_per_answer": {"median": float(np.median(cpu_seconds)), "most": float(np.max(cpu_seconds))},
    }
    text = json.dumps(result, indent=1)
    print(text)
    if args.out:
        artifacts.write(args.out, text + "\n")


def reachable(setup: Setup, scorer, codec, row: np.ndarray, limits: Limits) -> bool:
    """Return whether a long evolution finds a network that keeps the limits exactly."""
    core = EditCore(codec, scorer, row, LatentRL.episode)
    genes = setup.space.sample(seeds.rng(0, "long"), universal.START)
    first = judged_pool(core, np.zeros((len(genes), core.slots), np.int64), genes, row)
    pool = universal.answer(core, first, GeneMutations(setup.space), seeds.rng(0, "long evolution"), LONG, 256)
    return bool(setup.fits(pool.genes, limits).any())


def interval(differences: np.ndarray) -> dict[str, float]:
    """Return the mean and the half width of its 95 % interval (Student's t)."""
    half = student.ppf(0.975, len(differences) - 1) * differences.std(ddof=1) / np.sqrt(len(differences))
    return {"mean": float(differences.mean()), "half_width_95": float(half)}


if __name__ == "__main__":
    main()

"""What the agent's edits are worth, by queries: beside random codes, genes, more MAP-Elites and evolution; JSON.

python benchmarks/agent_queries.py [--seeds 3] [--limits 100]
python benchmarks/agent_queries.py --space mcu_cnn1d --task FILE.py --codec DIR --surrogates DIR --steps 100000

For each training seed an agent is trained on the surrogates (the shipped ones, or those of ``--surrogates``), and
judged under limits that neither its training nor its settings have seen. From equal elites: "agent", "random codes",
"genes" and "genes and critic" (the agent without its edits) start from the agent's grid; "MAP-Elites" from a grid that
was given the agent's training queries as well, as gene mutations. From random starts: all, and "evolution with
restarts", from the same 64 networks, which count for none. With --start also the agent that starts from nothing, with
as many steps. A query is a network that the search had not judged before. The best pessimistic score after so many
queries; differences are paired, with 95 % intervals over limits and seeds (Student's t).
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
from latent_nas.agent import universal
from latent_nas.agent.critic import Foreseen
from latent_nas.agent.elites import Elites
from latent_nas.agent.gains import Gains
from latent_nas.agent.population import CodeEdits, GeneMutations, Pool, judged_pool, search
from latent_nas.codec import Codec
from latent_nas.env.core import EditCore
from latent_nas.jobs.make import artefacts
from latent_nas.judge.scorer import Scorer
from latent_nas.limits import Limits
from latent_nas.target import MAIN_TARGET, Target, open_target

QUERIES = (10, 50, 200, 1000, 2000)
STALE = 500  # queries without a better network after which evolution starts anew
FRESH = 20260  # seed of the limits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", default=MAIN_TARGET.space)
    parser.add_argument("--task", default=MAIN_TARGET.task)
    parser.add_argument("--device", default=MAIN_TARGET.device)
    parser.add_argument("--runtime", default=MAIN_TARGET.runtime)
    parser.add_argument("--codec", type=Path, help="folder of the codec; default: the shipped one")
    parser.add_argument("--surrogates", type=Path, help="folder of the surrogates; default: the shipped ones")
    parser.add_argument("--limits", type=int, default=100)
    parser.add_argument("--limits-seed", type=int, default=FRESH)
    parser.add_argument("--seeds", type=int, default=3, help="of trainings")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=500_000)
    parser.add_argument("--learner", default="q")
    parser.add_argument("--start", type=Path, help="folder of a Q agent, of the same codec, to start from")
    parser.add_argument("--out", type=Path, help="also write the JSON here")
    args = parser.parse_args()
    setup = open_target(Target(args.space, args.task, args.device, args.runtime), anew=True).check()
    scorer, codec = artefacts.open_scorer(setup, Limits(), args.codec, args.surrogates, 0, lambda line: None)
    text = json.dumps(contest(scorer, codec, args), indent=1)
    print(text)
    if args.out:
        artifacts.write(args.out, text + "\n")


def contest(scorer: Scorer, codec: Codec, args: argparse.Namespace) -> dict[str, Any]:
    """Return the table of all methods, over all seeds and limits."""
    import torch

    torch.set_num_threads(1)
    limits = universal.unseen(scorer, args.limits_seed, args.limits)
    begin = universal.Adept.load(args.start, codec).agent if args.start else None
    assert begin is None or isinstance(begin, Gains), "only a Q agent goes on"
    found: dict[str, list[np.ndarray]] = {}
    seconds = []
    for seed in range(args.first_seed, args.first_seed + args.seeds):
        clock = time.process_time()
        adept = universal.train_universal(scorer, codec, None, args.steps, seed, args.learner, begin=begin)
        seconds.append(time.process_time() - clock)
        fresh = universal.train_universal(scorer, codec, None, args.steps, seed) if begin else None
        more = mapped(scorer, codec, args.steps, seed)
        for number, row in enumerate(limits):
            for name, curve in curves(scorer, codec, adept, more, row, seed * 1000 + number, fresh).items():
                found.setdefault(name, []).append(curve)
    return {
        "limits": args.limits,
        "training_seeds": args.seeds,
        "training_cpu_s": [round(s, 1) for s in seconds],
        "queries": [0, *QUERIES],
        "mean_best": {name: np.mean(v, axis=0).round(5).tolist() for name, v in found.items()},
        "difference": {f"{a} - {b}": intervals(np.array(found[a]) - np.array(found[b])) for a, b in pairs(found)},
    }


def pairs(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the agent of each kind of start, with each of its rivals."""
    kinds = {name.partition(": ")[0] for name in found}
    return [(f"{k}: agent", n) for k in sorted(kinds) for n in found if n.startswith(k) and n != f"{k}: agent"]


def mapped(scorer: Scorer, codec: Codec, queries: int, seed: int) -> Elites:
    """Return a grid filled by gene mutations alone."""
    rng = seeds.rng(seed, "agent", "school")  # begins as the agent's does
    core = EditCore(codec, scorer, np.ones(3), memo_bits=0)
    genes = scorer.space.sample(rng, universal.SAMPLES)
    judged = core.judge_open(genes)
    elites = Elites.empty(judged[:, 2:5], codec.slots, genes.shape[1])
    elites.add(codec.encode(genes), genes, judged)
    elites.fill(core, scorer.space, rng, queries)
    return elites.front()


def curves(
    scorer: Scorer,
    codec: Codec,
    adept: universal.Adept,
    more: Elites,
    row: np.ndarray,
    seed: int,
    fresh: universal.Adept | None,
) -> dict[str, np.ndarray]:
    """Return the best score after each of ``QUERIES`` of all methods under limits (3,).

    Args:
        more: the grid of MAP-Elites. fresh: an agent that started from nothing, to be compared too.
    """
    found = {}
    genes = GeneMutations(scorer.space)
    core = adept.core(codec, scorer, row)
    elites = universal.start(core, adept, row)
    chosen = Foreseen(adept.critic, scorer, [genes, genes]) if adept.critic else genes
    for name in ("agent", "random codes", "genes", "genes and critic"):
        core = adept.core(codec, scorer, row)
        moves = {"agent": universal.edits(core, adept), "random codes": CodeEdits(core, None), "genes": genes}
        found[f"elites: {name}"] = curve(core, elites, moves.get(name, chosen), seeds.rng(seed, name))
    core = adept.core(codec, scorer, row)
    best = more.best(row[None], universal.START, scorer.weight, scorer.margin)[0]
    first = judged_pool(core, np.full((len(best), codec.slots), -1), more.genes[best], row)
    core = adept.core(codec, scorer, row)
    found["elites: MAP-Elites"] = curve(core, first, genes, seeds.rng(seed, "MAP-Elites"))
    some = scorer.space.sample(seeds.rng(seed, "random start"), 64)
    core = adept.core(codec, scorer, row)
    first = judged_pool(core, codec.encode(some), some, row)
    core = adept.core(codec, scorer, row)
    found["random: agent"] = curve(core, first, universal.edits(core, adept), seeds.rng(seed, "agent"))
    found["random: random codes"] = curve(core, first, CodeEdits(core, None), seeds.rng(seed, "random codes"))
    if fresh:
        own = universal.start(core, fresh, row)
        for kind, begun in (("elites", own), ("random", first)):
            core = fresh.core(codec, scorer, row)
            move = universal.edits(core, fresh)
            found[f"{kind}: agent from nothing"] = curve(core, begun, move, seeds.rng(seed, "agent"))
    found["random: genes and critic"] = curve(core, first, chosen, seeds.rng(seed, "genes and critic"))
    found["random: evolution with restarts"] = restarted(core, first, genes, seed)
    return found


def curve(core: EditCore, first: Pool, move: Any, rng: np.random.Generator, queries: int = QUERIES[-1]) -> np.ndarray:
    """Return the best value at the start and after each of ``QUERIES``, (1 + queries,)."""
    return _at([first.values.max()], _met(core, first, move, rng, queries))


def restarted(core: EditCore, first: Pool, move: Any, seed: int) -> np.ndarray:
    """Return the same of evolution that starts from new random networks, which count, when it is stale."""
    values, pool, run = np.zeros(0), first, 0
    while len(values) < QUERIES[-1]:
        met = _met(core, pool, move, seeds.rng(seed, "evolution", run), QUERIES[-1] - len(values))
        best = np.maximum.accumulate(np.append(pool.values.max(), met))
        since = np.arange(len(best)) - np.searchsorted(best, best)  # since the value was first reached
        end = np.flatnonzero(since > STALE)
        values, run = np.append(values, met[: end[0]] if len(end) else met), run + 1
        assert core.scorer is not None
        genes = core.scorer.space.sample(seeds.rng(seed, "restart", run), 64)
        pool = judged_pool(core, np.full((len(genes), core.slots), -1), genes, pool.limits)
        values = np.append(values, pool.values)
    return _at([first.values.max()], values)


def _met(core: EditCore, first: Pool, move: Any, rng: np.random.Generator, queries: int) -> np.ndarray:
    values: list[np.ndarray] = [np.zeros(0)]
    search(core, first, move, rng, queries, each=lambda children: values.append(children.values))
    return np.concatenate(values)


def _at(start: list[float], values: np.ndarray) -> np.ndarray:
    best = np.maximum.accumulate(np.append(start, values))
    return best[np.minimum([0, *QUERIES], len(best) - 1)]


def intervals(differences: np.ndarray) -> list[str]:
    """Return mean +- the half width of its 95 % interval (Student's t) of each column of (n, queries)."""
    n = len(differences)
    half = student.ppf(0.975, n - 1) * differences.std(axis=0, ddof=1) / np.sqrt(n)
    return [f"{m:+.5f} +- {h:.5f}" for m, h in zip(differences.mean(axis=0), half, strict=True)]


if __name__ == "__main__":
    main()

"""Count the steps that the batched environment makes per second on one core, as JSON.

python benchmarks/env_throughput.py [--codec DIR] [--surrogates DIR] [--no-memory]

Random actions from fresh random starts: the environment alone (decoding, a judge that costs nothing), with the scorer,
and with PPO training on top; observations are brief, as PPO has them. The Q agent takes steps of one edit from
the elites that ship: random ones, its own, and its own with its training as in ``agent train``. Per second of the wall
clock and of this process's CPU time, which on a busy machine is the steadier of the two.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from latent_nas import artifacts, seeds
from latent_nas.agent import universal
from latent_nas.agent.gains import Gains
from latent_nas.agent.learner import train
from latent_nas.agent.q_school import Parents, Plan, attend, edited
from latent_nas.agent.universal import Adept
from latent_nas.env.batched import BatchedEditEnv
from latent_nas.env.core import EditCore
from latent_nas.jobs import models
from latent_nas.jobs.make import artefacts
from latent_nas.strategies.latent_rl import LatentRL
from latent_nas.target import MAIN_LIMITS, MAIN_TARGET, Setup

ROWS = 4096  # of the Q agent's episodes at a time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codec", type=Path, help="folder of the codec; default: the shipped one")
    parser.add_argument("--surrogates", type=Path, help="folder of the surrogates; default: the shipped ones")
    parser.add_argument("--envs", type=int, default=1024)
    parser.add_argument("--steps", type=int, default=65_536, help="of all environments together, per repeat")
    parser.add_argument("--repeats", type=int, default=3, help="the best counts")
    parser.add_argument("--no-memory", action="store_true", help="judge again what was judged before")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="also write the JSON here")
    args = parser.parse_args()

    import torch

    torch.set_num_threads(1)
    setup = Setup(MAIN_TARGET).check()
    scorer, codec = artefacts.open_scorer(setup, MAIN_LIMITS, args.codec, args.surrogates, args.seed, lambda line: None)
    bits = 0 if args.no_memory else 16

    def core(judge: Any) -> EditCore:
        return EditCore(codec, judge, MAIN_LIMITS.row(), LatentRL.episode, memo_bits=bits)

    adept = Adept.load(models.pretrained(setup, "agent"), codec)
    agent = adept.agent
    assert isinstance(agent, Gains)  # which is the agent that ships

    def learn() -> int:
        train(core(scorer), None, args.steps, args.seed, args.envs)
        return args.steps

    jobs: dict[str, Callable[[], int]] = {
        "env": lambda: wander(core(_free), args.envs, args.steps, args.seed),
        "env + scorer": lambda: wander(core(scorer), args.envs, args.steps, args.seed),
        "env + scorer + PPO": learn,
        "Q: env + scorer": lambda: edits(core(scorer), adept, args.steps, args.seed, None),
        "Q: env + scorer + its choice": lambda: edits(core(scorer), adept, args.steps, args.seed, agent),
        "Q: all of a school": lambda: school(core(scorer), adept, args.steps, args.seed),
    }
    result = {
        "envs": args.envs,
        "memory": not args.no_memory,
        "actions": core(_free).actions,
        "steps_per_second": {name: best(job, args.repeats) for name, job in jobs.items()},
    }
    text = json.dumps(result, indent=1)
    print(text)
    if args.out:
        artifacts.write(args.out, text + "\n")


def wander(core: EditCore, envs: int, steps: int, seed: int) -> int:
    """Make random steps and return how many."""
    env, rng = BatchedEditEnv(core, envs, brief=True), seeds.rng(seed, "wander")
    env.reset(seed=seed)
    rounds = max(steps // envs, 1)
    for _ in range(rounds):
        env.step(rng.integers(core.actions, size=envs))
    return rounds * envs


def edits(core: EditCore, adept: Adept, steps: int, seed: int, gains: Gains | None) -> int:
    """Make steps of the Q agent's episodes, from the elites under the main job's limits, and return how many."""
    parents, rng = _parents(core, adept), seeds.rng(seed, "edits")
    done = 0
    while done < steps:
        done += len(edited(core, parents, gains, rng)[0])
    return done


def school(core: EditCore, adept: Adept, steps: int, seed: int) -> int:
    """Train a Q agent on so many steps, with as many updates for a step as what ships, and return how many."""
    batches = max(steps // ROWS, 2)
    first, last = (int(share * steps / (1 - universal.GRID_SHARE)) for share in universal.UPDATES)
    plan = Plan(batches // 4, first, batches - batches // 4, last)
    attend(core, _parents(core, adept), None, adept.agent.weights["unit"], plan, seed, None)
    return batches * ROWS


def _parents(core: EditCore, adept: Adept) -> Parents:
    """Return what gives the same elites again and again, so that only the environment's steps take time."""
    elites = adept.elites
    best = elites.best(core.limits[:1], 64, 1.0, 0.02)[0]
    cells = np.resize(best, ROWS)
    given = elites.coded(cells, core.codec), elites.judged[cells], np.broadcast_to(core.limits[0], (ROWS, 3))
    return lambda rng: given


def best(job: Callable[[], int], repeats: int) -> dict[str, int]:
    """Return the most steps per second of wall and of CPU time over repeats, after one to warm up."""
    job()
    found = {"wall": 0.0, "cpu": 0.0}
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        steps = job()
        wall, cpu = steps / (time.perf_counter() - wall), steps / (time.process_time() - cpu)
        found = {"wall": max(found["wall"], wall), "cpu": max(found["cpu"], cpu)}
    return {name: int(value) for name, value in found.items()}


def _free(genes: np.ndarray, limits: np.ndarray | None = None) -> SimpleNamespace:
    """Judge for nothing."""
    zero, one = np.zeros(len(genes)), np.ones(len(genes))
    costs = {f"predicted_{name}": one for name in ("flash_bytes", "ram_bytes", "latency_ms")}
    return SimpleNamespace(pessimistic=zero, acquisition=zero, penalty=zero, predicted_accuracy=zero, **costs)


if __name__ == "__main__":
    main()

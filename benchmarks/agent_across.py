"""School a Q agent over several judges of one space, bootstrapped from tables, to start from on another task.

python benchmarks/agent_across.py --table datasets_arch/mcu_cnn-digits.parquet --out DIR [--judges 4] [--labels 300]
python benchmarks/agent_queries.py --start DIR ...

Each judge is fitted to ``--labels`` networks drawn with replacement from one of the tables, in turns; the agent goes on
from one judge to the next. Tables are of one task's networks, or of several tasks with one input.
"""

import argparse
import json
import os
import time
from hashlib import sha256
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from latent_nas import seeds
from latent_nas.agent import universal
from latent_nas.agent.gains import Gains
from latent_nas.jobs import models
from latent_nas.jobs.make import dataset
from latent_nas.judge.scorer import Scorer
from latent_nas.limits import Limits
from latent_nas.records import Record
from latent_nas.target import MAIN_TARGET, Target, open_target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", default=MAIN_TARGET.space)
    parser.add_argument("--task", default=MAIN_TARGET.task)
    parser.add_argument("--device", default=MAIN_TARGET.device)
    parser.add_argument("--runtime", default=MAIN_TARGET.runtime)
    parser.add_argument("--codec", type=Path, help="folder of the codec; default: the shipped one")
    parser.add_argument("--table", type=Path, action="append", required=True, help="may be repeated")
    parser.add_argument("--judges", type=int, default=4)
    parser.add_argument("--labels", type=int, default=300)
    parser.add_argument("--steps", type=int, default=100_000, help="per judge")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    setup = open_target(Target(args.space, args.task, args.device, args.runtime), anew=True).check()
    codec = models.ready(setup, args.codec, args.seed, print)
    costs = models.cost_surrogate(setup, args.seed, print)
    tables = [dataset.read(table) for table in args.table]
    adept, clock = None, time.process_time()
    for number in range(args.judges):
        scorer = Scorer(setup.space, Limits(), costs, codec, args.seed + number)
        scorer.refit(drawn(tables[number % len(tables)], args.labels, args.seed, number))
        agent = adept.agent if adept else None
        assert agent is None or isinstance(agent, Gains)
        adept = universal.train_universal(scorer, codec, None, args.steps, args.seed + number, begin=agent)
        print(f"judge {number}: {time.process_time() - clock:.0f} s of CPU", flush=True)
    assert adept is not None
    made = {**vars(args), "codec": sha256(codec.codebook.tobytes()).hexdigest()[:16]}
    adept.save(args.out, json.loads(json.dumps(made, default=str)), {})


def drawn(records: list[Record], n: int, seed: int, number: int) -> list[Record]:
    """Return the records of n networks drawn with replacement."""
    networks = sorted({r.genes for r in records if r.ok})
    taken = {networks[i] for i in seeds.rng(seed, "judge", number).integers(len(networks), size=n)}
    return [r for r in records if r.genes in taken]


if __name__ == "__main__":
    main()

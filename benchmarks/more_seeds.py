"""Two ways to search a table in pairs, on seeds that nothing was chosen on; the mean difference of regret with 95 %.

python benchmarks/more_seeds.py --table arxiv.csv.gz --first 60 --seeds 100 --rival local_search --out arxiv.jsonl
python benchmarks/more_seeds.py --table cs.csv.gz --related cora.csv.gz --related computers.csv.gz --trainings 40 \
    --first 40 --seeds 100 --out cs.jsonl

The first is latent_rl from scratch; the second the rival, or latent_rl with --related tables. Say how many seeds before
the first is run: a run is added to --out, and one that is stopped goes on.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from latent_nas import threads
from latent_nas.jobs.bench.config import BenchConfig, open_contest
from latent_nas.jobs.bench.contest import trained_codec
from latent_nas.jobs.bench.regret import area, paired


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--table", required=True)
    parser.add_argument("--objective", default="metric.valid_accuracy")
    parser.add_argument("--trainings", type=int, default=150)
    parser.add_argument("--rival", default="latent_rl")
    parser.add_argument("--related", action="append", default=[], help="table of another task, repeatable")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    scratch = BenchConfig(options.table, options.objective, ("latent_rl",), options.trainings).check()
    other = replace(scratch, sources=tuple(options.related), related=bool(options.related)).check()
    contests = {"scratch": open_contest(scratch), "other": open_contest(other)}
    codec = trained_codec(contests["scratch"], options.out, print)
    known = options.out.read_text(encoding="utf-8").splitlines() if options.out.exists() else []
    runs = {(row["seed"], row["way"]): row["regret"] for row in map(json.loads, known)}
    with threads.one(), options.out.open("a", encoding="utf-8") as file:
        for seed in range(options.first, options.first + options.seeds):
            for way, strategy in (("scratch", "latent_rl"), ("other", options.rival)):
                if (seed, way) in runs:
                    continue
                match = contests[way]
                runs[seed, way] = area(match.run(strategy, seed, codec), match.optimum, options.trainings)
                file.write(json.dumps({"seed": seed, "way": way, "regret": runs[seed, way]}) + "\n")
                file.flush()
    seeds = range(options.first, options.first + options.seeds)
    ours, theirs = (np.array([runs[seed, way] for seed in seeds]) for way in ("scratch", "other"))
    found = paired(list(theirs - ours))
    print(f"scratch {ours.mean():.4g}, other {theirs.mean():.4g} over {options.trainings} trainings, {len(ours)} seeds")
    print(f"other - scratch: {found.mean:+.4g} [{found.low:+.4g}, {found.high:+.4g}]")


if __name__ == "__main__":
    main()

"""What the loop of a study costs beside the trainings: a strategy on a generated table, whose evaluations cost nothing.

Prints JSON: milliseconds per training, over all and in the last tenth. ``--profile`` prints where the time goes.
"""

import argparse
import cProfile
import json
import pstats
import tempfile
import time
from pathlib import Path

import numpy as np

from latent_nas.jobs.bench.config import BenchConfig, open_contest


def generated(path: Path, rows: int, genes: int, choices: int, seed: int = 0) -> Path:
    """Write a table of distinct random networks with a random metric; return its path."""
    import pyarrow as pa
    import pyarrow.csv

    rng = np.random.default_rng(seed)
    place = np.unique(rng.integers(choices**genes, size=2 * rows))
    place = rng.permutation(place)[:rows]
    if len(place) < rows:
        raise SystemExit(f"{choices} ** {genes} combinations do not give {rows} distinct rows; take more genes")
    values = [place // choices**i % choices for i in range(genes)]
    columns = {f"gene.g{i}": value for i, value in enumerate(values)}
    metric = sum(np.sin(3 * i + value) for i, value in enumerate(values)) + rng.normal(size=rows) / 10
    pa.csv.write_csv(pa.table({"id": np.arange(rows), **columns, "metric.value": metric}), path)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--genes", type=int, default=8)
    parser.add_argument("--choices", type=int, default=5)
    parser.add_argument("--trainings", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--strategy", default="random")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = generated(Path(folder) / "table.csv", options.rows, options.genes, options.choices)
        started = time.perf_counter()
        config = BenchConfig(
            str(table), "metric.value", (options.strategy,), options.trainings, batch=options.batch
        ).check()
        match = open_contest(config)
        opened = time.perf_counter() - started
    profile = cProfile.Profile()
    if options.profile:
        profile.enable()
    run = match.run(options.strategy, 0, Path())
    if options.profile:
        profile.disable()
        pstats.Stats(profile).sort_stats("cumulative").print_stats(35)
    done = len(run["incumbents"])
    print(json.dumps({"opened_s": round(opened, 2), "trainings": done, "ms_per_training": 1e3 * run["seconds"] / done}))


if __name__ == "__main__":
    main()

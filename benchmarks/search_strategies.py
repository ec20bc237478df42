"""The main job's search, strategy against strategy: measured accuracy of the best at equal true trainings.

Runs every (strategy, seed) as ``latent-nas search --top 0`` does, one process each; resumes what is in --work.
Prints means and paired differences over seeds with 95 % intervals as JSON.
"""

import argparse
import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from scipy import stats


def run(strategy: str, seed: int, trainings: int, batch: int, work: Path, warm_start: str) -> dict:
    """Return the best measured int8 validation accuracy after each training of one search."""
    import torch

    torch.set_num_threads(1)
    from latent_nas.jobs.search.config import SearchConfig
    from latent_nas.jobs.search.prepare import prepare
    from latent_nas.jobs.search.run import search
    from latent_nas.runs.folder import RunFolder

    path = work / f"{strategy}-{seed}"
    config = SearchConfig(
        strategy=strategy,
        seed=seed,
        trainings=trainings,
        batch=batch,
        workers=1,
        top=0,
        warm_start=(warm_start,) if warm_start else (),
    )
    if path.exists():
        folder, saved = RunFolder.open(path)
        if replace(SearchConfig.from_json(saved), trainings=trainings) != config:
            raise ValueError(f"{path} holds another search; choose another --work")
    else:
        folder = RunFolder.create(path, config.to_json())
    if not (path / "result.json").exists():
        search(prepare(config), folder, lambda line: None, lambda what, finished, wanted: None)
    best = [float(row.split(",")[2] or 0) for row in (path / "history.csv").read_text().splitlines()[1:]]
    result = json.loads((path / "result.json").read_text())
    rounds = folder.store().findings()
    return {"strategy": strategy, "seed": seed, "best": best, "wall_s": result["wall_s"], "rounds": rounds}


def paired(a: np.ndarray, b: np.ndarray) -> dict:
    """Return the mean of a - b over seeds with its 95 % interval (Student's t), and Wilcoxon's two-sided p."""
    difference = a - b
    half = stats.t.ppf(0.975, len(a) - 1) * difference.std(ddof=1) / np.sqrt(len(a)) if len(a) > 1 else float("nan")
    p = float(stats.wilcoxon(difference).pvalue) if (difference != 0).any() else 1.0
    return {
        "mean": float(difference.mean()),
        "low": float(difference.mean() - half),
        "high": float(difference.mean() + half),
        "p": p,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strategies", default="latent_rl,random,evolution")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--trainings", type=int, default=24)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--warm-start", default="")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--work", type=Path, default=Path("runs/search_strategies"))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    names = options.strategies.split(",")
    jobs = [(name, seed) for seed in range(options.seeds) for name in names]
    common = (options.trainings, options.batch, options.work, options.warm_start)
    with ProcessPoolExecutor(options.workers, get_context("spawn")) as pool:
        runs = [f.result() for f in [pool.submit(run, name, seed, *common) for name, seed in jobs]]
    best = {name: np.array([r["best"][-1] for r in runs if r["strategy"] == name]) for name in names}
    summary = {
        "trainings": options.trainings,
        "seeds": options.seeds,
        "best": {
            name: {"mean": float(v.mean()), "std": float(v.std(ddof=1)) if len(v) > 1 else None, "each": v.tolist()}
            for name, v in best.items()
        },
        "difference": {f"{a} - {b}": paired(best[a], best[b]) for i, a in enumerate(names) for b in names[i + 1 :]},
        "wall_s": {name: float(np.mean([r["wall_s"] for r in runs if r["strategy"] == name])) for name in names},
    }
    print(json.dumps(summary, indent=1))
    if options.out:
        options.out.write_text(json.dumps({**summary, "runs": runs}, indent=1) + "\n")


if __name__ == "__main__":
    main()

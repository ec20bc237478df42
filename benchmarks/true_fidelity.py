"""Processor seconds of true trainings until a search has reached an accuracy, with short trainings and without.

python benchmarks/true_fidelity.py --task digits --enough 0.976 --seeds 0,1,2,3,4 --fidelity none,0.5,0.375
python benchmarks/true_fidelity.py --images 10000 --trainings 40 --fidelity none,data1 --enough 0.86 --out fashion.jsonl
python benchmarks/true_fidelity.py --curves datasets_arch/mcu_cnn-digits.parquet

The trainings are done one after another in this process and timed by its processor clock, so that other jobs on the
machine count little. With --images, of so many training images of fashion_mnist, written beside --out as a file of your
own (``halving.write``: drawn once, stratified) with all of its validation and test images. With --curves, how trainings
of a table of records rank after each epoch.
"""

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from halving import LIMITS, write
from scipy.stats import spearmanr

from latent_nas import threads
from latent_nas.evaluators import Evaluator
from latent_nas.evaluators.work import record_of
from latent_nas.jobs.make import dataset
from latent_nas.jobs.search.assemble import assemble
from latent_nas.jobs.search.config import new_config
from latent_nas.jobs.search.prepare import prepare
from latent_nas.limits import Limits
from latent_nas.objectives import Judged, open_objective
from latent_nas.runs.folder import RunFolder
from latent_nas.target import Target


class Timed(Evaluator):
    """Trains in this process, and notes the processor seconds that full and short trainings have taken till each."""

    def __init__(self, target):
        self.target, self.spent, self.log = target, 0.0, []

    def evaluate(self, jobs):
        for job in jobs:
            started = time.process_time()
            record = record_of(self.target, job)
            self.spent += time.process_time() - started
            self.log.append((self.spent, record.fidelity, record.score))
            yield record


def search(options, fidelity, seed):
    """Return what a search came to: processor seconds of trainings and of all, and what they found."""
    if fidelity.startswith("halving"):
        asked = {"halving": int(fidelity.removeprefix("halving"))}
    else:
        asked = {"fidelities": () if fidelity == "none" else tuple(map(named, fidelity.split("+")))}
    limits = Limits.parse(options.limit) if options.limit else None
    config = new_config(
        Target("", options.task, options.device, options.runtime),
        trainings=options.trainings,
        limits=limits,
        seed=seed,
        strategy=options.strategy,
        batch=options.batch,
        settings=tuple(options.set),
        **asked,
    )
    with tempfile.TemporaryDirectory() as place, threads.one():
        prepared = prepare(config)
        folder = RunFolder.create(Path(place) / "run", config.to_json())
        timed = Timed(config.target)
        begun = time.process_time()
        study = assemble(
            prepared,
            folder,
            Judged(timed, open_objective(config.objective, prepared.limits)),
            lambda s: None,
            lambda *_: None,
        )
        study.budget = replace(study.budget, enough=options.enough)
        started = time.process_time()
        records = study.run()
        ended = time.process_time()
        study.store.close()
    full = [(at, score) for at, fidelity, score in timed.log if fidelity == "search"]
    reached = [at for at, score in full if score is not None and score >= options.enough]
    return {
        "fidelity": fidelity,
        "settings": options.set,
        "seed": seed,
        "reached_at_s": round(reached[0], 1) if reached else None,
        "trainings_s": round(timed.spent, 1),
        "rounds_s": round(ended - started - timed.spent, 1),
        "begin_s": round(started - begun, 1),
        "all_s": round(ended - begun, 1),
        "full": len(records),
        "short": len(timed.log) - len(full),
        "best": max((r.score for r in records if r.ok), default=None),
        "steps": steps(full),
    }


def named(share):
    """Return what --fidelity calls a share: "0.5" is of a training's epochs, "data0.5" of the data for one epoch."""
    return f"data={share.removeprefix('data')}" if share.startswith("data") else f"epochs={share}"


def steps(full):
    """Return [processor seconds, score] of every full training that was better than all before it."""
    found = []
    for at, score in full:
        if score is not None and (not found or score > found[-1][1]):
            found.append([round(at, 1), score])
    return found


def curves(path):
    """Print how the score after each epoch ranks networks as their final score does."""
    records = [r for r in dataset.read(path) if r.ok and r.part == "valid" and r.score is not None]
    epochs = max(len(r.curve) for r in records)
    records = [r for r in records if len(r.curve) == epochs]
    final, values = np.array([r.score for r in records]), np.array([r.curve for r in records])
    top = final >= np.quantile(final, 0.75)
    print(f"{len(records)} trainings of {epochs} epochs\n")
    print("| epochs | rank correlation | of the top quarter | rank of the best |")
    print("|---|---|---|---|")
    for i in range(epochs):
        whole, best = spearmanr(values[:, i], final).statistic, spearmanr(values[top, i], final[top]).statistic
        print(f"| {i + 1} | {whole:.3f} | {best:.3f} | {(values[:, i] > values[final.argmax(), i]).sum() + 1} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", default="digits")
    parser.add_argument("--device", default="stm32f405")
    parser.add_argument("--strategy", default="latent_rl")
    parser.add_argument("--set", action="append", default=[], help="as latent_rl.updates=4, repeatable")
    parser.add_argument("--limit", action="append", help="as flash_kb=32; default: the task's")
    parser.add_argument("--trainings", type=int, default=24)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--enough", type=float, default=0.976)
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument(
        "--fidelity", default="none,0.5", help="each tried: none, halving4, shares as 0.25+0.5, or data0.5"
    )
    parser.add_argument("--images", type=int, default=0, help="of fashion_mnist, in place of --task")
    parser.add_argument("--runtime", default="", help="default: that of the evaluator")
    parser.add_argument("--out", type=Path, help="rows are added to this file; those that are there are not run again")
    parser.add_argument("--curves", type=Path, help="a table of records; nothing is trained")
    options = parser.parse_args()
    if options.curves:
        curves(options.curves)
        return
    if options.images:
        place = (options.out.parent if options.out else Path()) / f"fashion_{options.images}.npz"
        if not place.exists():
            write(place, options.images)
        options.task, options.limit = str(place), options.limit or LIMITS
    known = options.out.read_text().splitlines() if options.out and options.out.exists() else []
    done = {(row["fidelity"], row["seed"]) for row in map(json.loads, known) if row.get("settings", []) == options.set}
    for fidelity in options.fidelity.split(","):
        for seed in map(int, options.seeds.split(",")):
            if (fidelity, seed) in done:
                continue
            row = json.dumps(search(options, fidelity, seed))
            print(row, flush=True)
            if options.out:
                with options.out.open("a") as file:
                    file.write(row + "\n")


if __name__ == "__main__":
    main()

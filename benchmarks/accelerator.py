"""Trainings per hour of a search's candidates on a GPU with all workers, against one CPU core; and whether they agree.

LATENT_NAS_DATA=FOLDER python benchmarks/accelerator.py --task fashion_mnist --networks 128 --alone 8

Random networks of mcu_cnn within the task's limits on an STM32F405, of the quarter with most MACs, as a search begins
with; the search's recipe, int8 and validation included. The workers have begun and have loaded the data before the
clock starts: each trains one network first. ``--alone`` of them are trained on one core of the same machine's CPU too.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from latent_nas import accelerator, seeds
from latent_nas.evaluators import Job
from latent_nas.evaluators.training import Training
from latent_nas.limits import Limits
from latent_nas.target import Target, open_target

DRAWN = 60_000


def candidates(target, limits: Limits, n: int):
    """Return genes of n networks within the limits, drawn at random of the quarter with most MACs."""
    opened = open_target(target)
    space = opened.space
    drawn = np.unique(space.canonical(space.sample(seeds.rng(0, "accelerator"), DRAWN)), axis=0)
    sizes = space.features(drawn)[:, space.feature_names.index("macs")]
    found, missed = [], 0
    for row in drawn[np.argsort(sizes, kind="stable")]:  # the smallest first: beyond some size none fits
        built = opened.built(tuple(map(int, row)))
        costs = built.costs
        fits = not limits.exceeded(costs.flash_bytes, costs.ram_bytes, costs.latency_ms)
        missed = 0 if fits else missed + 1
        if fits:
            found.append((built.graph.macs, tuple(map(int, row))))
        if missed > 300:
            break
    large = [genes for _, genes in sorted(found)[len(found) * 3 // 4 :]]
    if len(large) < n:
        raise SystemExit(f"{len(large)} networks were found; ask for fewer")
    return [large[i] for i in seeds.rng(0, "accelerator", "chosen").permutation(len(large))[:n]]


def trained(target, jobs, workers, first):
    """Return records by genes, and the seconds that all but the ``first`` jobs took."""
    evaluator = Training(target, workers)
    try:
        begun = list(evaluator.evaluate(jobs[:first]))
        started = time.perf_counter()
        found = [*begun, *evaluator.evaluate(jobs[first:])]
    finally:
        evaluator.close()
    return {record.genes: record for record in found}, time.perf_counter() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", default="fashion_mnist")
    parser.add_argument("--networks", type=int, default=128, help="timed, beside one for every worker")
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--alone", type=int, default=8, help="trained on one core as well")
    parser.add_argument("--accelerator", default="auto")
    parser.add_argument("--out", type=Path, help="JSON of all of it")
    options = parser.parse_args()
    kind = accelerator.resolve(options.accelerator)
    plain = Target("mcu_cnn", options.task, "stm32f405", "cmsis_nn")
    task = open_target(plain).task
    genes = candidates(plain, task.limits, options.networks + options.workers)
    jobs = [Job(one, 0) for one in genes]
    print(accelerator.said(kind), flush=True)
    begun = time.perf_counter()
    there, seconds = trained(replace(plain, accelerator=kind), jobs, options.workers, options.workers)
    whole = time.perf_counter() - begun
    per_hour = 3600 * options.networks / seconds
    print(f"{options.networks} trainings, {options.workers} workers: {seconds:.1f} s, {per_hour:,.0f} an hour;"
          f" {whole:.1f} s with the first {options.workers} and the workers' start", flush=True)  # fmt: skip
    failed = [record.reason for record in there.values() if not record.ok]
    if failed:
        print(f"{len(failed)} failed: {failed[0]}")
    about = {"kind": kind, "workers": options.workers, "networks": options.networks, "per_hour": per_hour}
    if options.alone:
        here, alone_s = trained(plain, jobs[options.workers - 1 :][: options.alone + 1], 1, 1)
        alone = 3600 * options.alone / alone_s
        both = [(there[g], here[g]) for g in here if there[g].ok and here[g].ok]
        gaps = np.array([a.measured_int8["accuracy"] - b.measured_int8["accuracy"] for a, b in both])
        print(f"one core: {options.alone} trainings in {alone_s:.1f} s, {alone:,.0f} an hour; ratio"
              f" {per_hour / alone:.1f}; int8 accuracy there minus here {gaps.mean():+.4f} +- {gaps.std(ddof=1):.4f}"
              f" ({len(gaps)} networks)")  # fmt: skip
        about |= {"one_core_per_hour": alone, "gaps": gaps.tolist()}
    if options.out:
        options.out.write_text(json.dumps(about), encoding="utf-8")


if __name__ == "__main__":
    main()

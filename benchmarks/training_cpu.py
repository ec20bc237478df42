"""Processor seconds of the same trainings by this package and by another version of it, and whether they are alike.

python benchmarks/training_cpu.py --package FOLDER      # FOLDER holds the other version's latent_nas, e.g. a worktree

Random networks of mcu_cnn within the main job's limits on flash, digits, the search's recipe, seed 0. Each version
trains in a process of its own, the two by turns and several times over, so that other jobs on the machine slow both;
a network's time is the least of its times. The first network's is left out, as torch loads half of itself there.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent.parent


def trained(networks):
    """Train in this process with whichever version is on the path; return seconds and int8 accuracies."""
    import torch

    from latent_nas import seeds
    from latent_nas.spaces import open_space
    from latent_nas.tasks import open_task
    from latent_nas.training import train

    torch.set_num_threads(1)
    task = open_task("digits")
    space = open_space("mcu_cnn", task.input_shape, task.outputs)
    data, recipe = task.data(), task.recipe("search")
    seconds, accuracies = [], []
    for genes in space.sample(seeds.rng(0, "training_cpu"), networks + 1):
        graph = space.graph(tuple(map(int, genes)))
        started = time.process_time()
        made = train(graph, task, recipe, 0, data.train, data.valid)
        seconds.append(time.process_time() - started)
        accuracies.append(made.int8_metrics["accuracy"])
    return {"seconds": seconds[1:], "accuracies": accuracies[1:]}


def asked(package, networks):
    """Return what ``trained`` gives in a process that imports the package of a folder."""
    command = [sys.executable, __file__, "--networks", str(networks), "--here"]
    where = {**os.environ, "PYTHONPATH": str(package), "OMP_NUM_THREADS": "1"}
    return json.loads(subprocess.run(command, env=where, check=True, capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--package", type=Path, help="folder that holds the other version's latent_nas")
    parser.add_argument("--networks", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--here", action="store_true", help="train in this process and print JSON")
    options = parser.parse_args()
    if options.here:
        print(json.dumps(trained(options.networks)))
        return
    if options.package is None:
        parser.error("--package FOLDER names the other version")
    runs = [[asked(folder, options.networks) for folder in (HERE, options.package)] for _ in range(options.repeats)]
    ours, theirs = (np.min([turn[i]["seconds"] for turn in runs], axis=0) for i in (0, 1))
    ratios = ours / theirs
    alike = np.equal(*(runs[0][i]["accuracies"] for i in (0, 1)))
    print(f"{len(ours)} networks, least of {options.repeats}: {ours.sum():.2f} s here, {theirs.sum():.2f} s there,"
          f" ratio {ours.sum() / theirs.sum():.3f} (of single networks {ratios.min():.2f} to {ratios.max():.2f},"
          f" median {np.median(ratios):.2f}); {alike.sum()} of {len(alike)} accuracies equal")  # fmt: skip


if __name__ == "__main__":
    main()

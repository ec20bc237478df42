"""A pruned network against others of the same flash that were trained from scratch, int8 on validation.

python benchmarks/pruning.py --task digits --limit flash_kb=16 --limit flash_kb=22 --out pruning.jsonl    # goes on
python benchmarks/pruning.py --out pruning.jsonl --table                                            # the table alone

The network that is pruned has the most parameters of 300 drawn ones that keep the task's limits, as in recipes.py.
Every training goes to the last epoch of its schedule; those from scratch have the epochs of the pruned one and its
learning on together.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from recipes import DRAWN, EPOCHS, network
from scipy import stats

from latent_nas import seeds
from latent_nas.costs import costs
from latent_nas.jobs.fitting import excess
from latent_nas.limits import Limits
from latent_nas.target import Target, open_target
from latent_nas.training import train

WAYS = ("as it was", "pruned", "its shape from scratch", "of the space from scratch")


def drawn(setup, limit):
    """Return the network with the most parameters of those drawn that keep a limit."""
    rows = setup.space.canonical(setup.space.sample(seeds.rng(0, "recipes"), DRAWN))
    fits = [tuple(map(int, row)) for row in rows[setup.fits(rows, Limits.parse([limit]).tighten(setup.task.limits))]]
    return max(fits, key=lambda genes: (setup.costs(genes).parameters, genes))


def measure(setup, graph, seed, epochs, limit=None):
    """Return a training's network, and what is said of it."""
    task, data = setup.task, setup.task.data()
    recipe = replace(task.recipe("full"), epochs=epochs, augment=False, to_end=True)
    fitting = excess([limit], setup.target.task, setup.target.device, setup.target.runtime) if limit else None
    started = time.process_time()
    made = train(graph, task, recipe, seed, data.train, data.valid, excess=fitting)
    cost = costs(made.network.graph, setup.device, setup.runtime)
    name = task.kind.metric.name
    row = {"int8": made.int8_metrics[name], "float": made.float_metrics[name], "flash_bytes": cost.flash_bytes}
    row |= {"macs": cost.macs, "parameters": cost.parameters, "latency_ms": round(cost.latency_ms, 2)}
    row |= {"epochs": epochs + (made.pruned.epochs if made.pruned else 0)}
    row |= {"cut": made.pruned.cut, "channels": made.pruned.channels} if made.pruned else {}
    return made.model.graph, row | {"cpu_s": round(time.process_time() - started, 1)}


def table(rows):
    """Print what each way measures, with its difference to the pruned network of the same seed."""
    print(
        "| limit | | int8, validation | less the pruned one, 95 % of pairs | flash | ms | CPU s |\n" + "|---" * 7 + "|"
    )
    for limit in dict.fromkeys(row["limit"] for row in rows):
        pruned = {row["seed"]: row["int8"] for row in rows if (row["limit"], row["way"]) == (limit, "pruned")}
        for way in WAYS:
            own = [row for row in rows if (row["limit"], row["way"]) == (limit, way)]
            value = 100 * np.array([row["int8"] for row in own])
            less = 100 * np.array([row["int8"] - pruned[row["seed"]] for row in own if row["seed"] in pruned])
            half = stats.t.ppf(0.975, len(less) - 1) * less.std(ddof=1) / len(less) ** 0.5 if len(less) > 1 else np.nan
            apart = "" if way == "pruned" else f"{less.mean():+.2f} +- {half:.2f}"
            size, late, cpu = (np.mean([row[name] for row in own]) for name in ("flash_bytes", "latency_ms", "cpu_s"))
            cells = (limit, way, f"{value.mean():.2f} +- {value.std():.2f}", apart, f"{size:,.0f}", f"{late:.2f}")
            print(f"| {' | '.join(cells)} | {cpu:.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", default="digits")
    parser.add_argument("--limit", action="append", default=[], help="to prune to, as flash_kb=16; may be repeated")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--macs", type=int, default=600_000)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--table", action="store_true", help="print the table of what there is, train nothing")
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows = [json.loads(line) for line in given.out.read_text().splitlines()] if given.out.exists() else []
    done = {(row["limit"], row["way"], row["seed"]) for row in rows}
    if not given.table:
        setup = open_target(
            Target("mcu_cnn1d" if given.task.startswith("spoken") else "mcu_cnn", given.task, "stm32f405", "native")
        )
        graph, once = setup.space.graph(network(setup, given.macs)), EPOCHS[setup.task.name]
    for seed in range(0 if given.table else given.seeds):
        for limit in given.limit:
            if {(limit, way, seed) for way in WAYS} <= done:
                continue
            small, pruned = measure(setup, graph, seed, once, limit)
            other = setup.space.graph(drawn(setup, limit))
            made = [measure(setup, graph, seed, once)[1], pruned]
            made += [measure(setup, one, seed, pruned["epochs"])[1] for one in (small, other)]
            for way, row in zip(WAYS, made, strict=True):
                rows.append({"task": given.task, "limit": limit, "way": way, "seed": seed, **row})
                print(json.dumps(rows[-1]), flush=True)
                with given.out.open("a") as file:
                    file.write(json.dumps(rows[-1]) + "\n")
    table(rows)


if __name__ == "__main__":
    main()

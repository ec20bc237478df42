"""Train every network of ``tiny_transformer`` with the short recipe and write the table and its card.

    LATENT_NAS_DATA=DATA python benchmarks/char_lm_table.py --store runs/char_lm.sqlite --out datasets_arch

Results are stored as they come; run again, it goes on. Weights of 4 and 8 bits share a float training: floats know
nothing of bits, so that the same seed would give the same floats twice. The validation part is read, the test part not.
"""

import argparse
import csv
import io
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from latent_nas import artifacts
from latent_nas.crews.local import start_worker
from latent_nas.evaluators import Job
from latent_nas.evaluators.work import blank
from latent_nas.objectives import open_objective
from latent_nas.records import Record, versions
from latent_nas.store import Store
from latent_nas.target import Target, open_target

NAME = "tiny_transformer-char_lm"
BITS = "weight_bits"


def main() -> None:
    """Train what is missing, then write both files."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--task", default="char_lm")
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--most", type=int, default=1000, help="float trainings of this call")
    arguments = parser.parse_args()
    target = Target("tiny_transformer", arguments.task, "stm32f405", "native")
    space = open_target(target).space
    assert space.listed is not None
    arguments.store.parent.mkdir(parents=True, exist_ok=True)
    store = Store(arguments.store)
    groups: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
    for row in map(tuple, space.listed.tolist()):
        apart = tuple(g for gene, g in zip(space.genes, row, strict=True) if gene.name != BITS)
        groups.setdefault(apart, []).append(row)
    missing = [g for g in groups.values() if any(store.get(row, arguments.seed, "search") is None for row in g)]
    print(f"{len(groups) - len(missing)} of {len(groups)} float trainings are stored", flush=True)
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(arguments.workers, get_context("spawn"), initializer=start_worker) as pool:
        futures = [pool.submit(pair, target, group, arguments.seed) for group in missing[: arguments.most]]
        for future in as_completed(futures):
            for record in future.result():
                store.add(record)
                print(space.describe(record.genes), dict(record.measured), record.wall_s, flush=True)
    records = [store.get(row, arguments.seed, "search") for group in groups.values() for row in group]
    if any(record is None for record in records):
        print("not all are trained yet: nothing is written; run again")
        return
    found = sorted((r for r in records if r is not None), key=lambda r: r.genes)
    artifacts.write(arguments.out / f"{NAME}.csv", table(target, found))
    artifacts.write(arguments.out / f"{NAME}.md", card(target, found))
    print(card(target, found))


def pair(target: Target, group: list[tuple[int, ...]], seed: int) -> list[Record]:
    """Return the records of networks that differ in the bits of their weights only."""
    from latent_nas.training.fit import fit
    from latent_nas.training.quantise import quantise
    from latent_nas.training.stage import Stage

    space, task = open_target(target).space, open_target(target).task
    graph, recipe = space.graph(group[0]), task.recipes["search"]
    data, started = task.data_of(graph), time.process_time()
    model, _, _ = fit(graph, Stage(task, recipe, seed, data.train, stop_at=recipe.epochs))
    floats = task.kind.measure(model.outputs(data.valid.x), data.valid.y)
    found = []
    for genes in group:
        network = quantise(space.graph(genes), model, data.train.x[:512])
        metrics = task.kind.measure(network.outputs(data.valid.x), data.valid.y)
        record = replace(
            blank(target, Job(genes, seed)),
            measured_float=floats,
            measured_int8=metrics,
            objective="int8_bits_per_character",
            higher_is_better=False,
            epochs=recipe.epochs,
        )
        found.append(record)
    spent = round((time.process_time() - started) / len(group), 1)
    return [replace(record, wall_s=spent) for record in found]


def table(target: Target, records: list[Record]) -> str:
    """Return the CSV: genes by their meaning, metrics of the int8 network on the validation part, computed costs."""
    space, device = open_target(target).space, open_target(target).device
    weighted = open_objective("weighted", device.limits)
    text = io.StringIO()
    rows = []
    for number, record in enumerate(records):
        named = {f"gene.{name}": value for name, value in space.describe(record.genes).items()}
        metrics = {**record.measured_int8, "float_bits_per_character": record.measured_float["bits_per_character"]}
        measured = {f"metric.{name}": round(value, 6) for name, value in metrics.items()}
        measured["metric.weighted"] = round(weighted.judge(record).score or 0.0, 6)
        cost = {"cost.flash_bytes": record.flash_bytes, "cost.ram_bytes": record.ram_bytes}
        cost |= {"cost.latency_ms": round(record.latency_ms, 4), "cost.macs": record.macs}
        rows.append({"id": number, **named, **measured, **cost, "proxy.parameters": record.parameters})
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def card(target: Target, records: list[Record]) -> str:
    """Return the table's description in Markdown."""
    space, task = open_target(target).space, open_target(target).task
    bits = np.array([r.measured_int8["bits_per_character"] for r in records])
    accuracy = np.array([r.measured_int8["accuracy"] for r in records], float)
    best = records[int(bits.argmin())]
    four, eight = (
        np.mean([b for b, r in zip(bits, records, strict=True) if space.describe(r.genes)[BITS] == n]) for n in (4, 8)
    )
    made = ", ".join(f"{k} {v}" for k, v in versions().items())
    lines = [
        "# tiny_transformer on char_lm",
        "",
        f"All {len(records)} networks of the space's own lists, each trained once, seed {records[0].seed}.",
        "",
        f"- **Trained** with the task's recipe `search`: {task.recipes['search']}. Weights of 4 and 8 bits share a"
        " float training, which would be the same twice.",
        "- **Measured** on the validation part by the integer reference: bits per character, next-character accuracy;"
        " `metric.float_bits_per_character` is the float network's. The test part was not read.",
        f"- **Bits per character**: best {bits.min():.4f} ({json.dumps(space.describe(best.genes))}), median"
        f" {np.median(bits):.4f}, worst {bits.max():.4f}; mean {eight:.4f} with 8-bit weights, {four:.4f} with 4-bit"
        f" ones. Next-character accuracy {accuracy.min():.4f} to {accuracy.max():.4f}.",
        f"- **Costs** are computed for {target.device} with runtime {target.runtime}, for one token behind a full"
        " window; RAM with keys and values. `metric.weighted` is the objective `weighted` with the device's limits.",
        f"- **Time**: {sum(r.wall_s for r in records) / 60:.0f} CPU minutes of one core.",
        f"- **Made by** `benchmarks/char_lm_table.py` with {made}.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

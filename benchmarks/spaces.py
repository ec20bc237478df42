"""Two spaces against each other: the best of as many random networks of each, under the same limits, equally trained.

    LATENT_NAS_DATA=FOLDER python benchmarks/spaces.py --task spoken_digits --spaces mcu_cnn1d,mcu_cnn1d_sized \
        --networks 8 --epochs 6 --seeds 3 --limit flash_kb=16 --limit ram_kb=8 --limit latency_ms=10 --rows rows.jsonl

Of every seed and space so many networks are drawn by the space's own sampler until they keep the limits, and each is
trained with the search's recipe, and fine-tuned where the space chooses bits of weights; what counts is the int8 metric
on the validation part. The test part is not read. A network that is in ``--rows`` already is not trained again.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from latent_nas import seeds
from latent_nas.limits import Limits
from latent_nas.records import SEARCH
from latent_nas.target import Target, open_target
from latent_nas.tasks import Part
from latent_nas.training import TrainingFailed, train


def main() -> None:
    """Print best, median and share within the limits per seed and space, and the mean of the bests."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--task", default="digits")
    parser.add_argument("--spaces", default="mcu_cnn,mcu_cnn_sized")
    parser.add_argument("--networks", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=0, help="of a training; the recipe's where not given")
    parser.add_argument("--samples", type=int, help="of the training part; all where not given")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--device", default="stm32f405")
    parser.add_argument("--limit", action="append", default=[])
    parser.add_argument("--rows", type=Path, required=True)
    arguments = parser.parse_args()
    lines = arguments.rows.read_text(encoding="utf-8").splitlines() if arguments.rows.exists() else []
    known = {(row["space"], row["seed"], row["network"]): row for row in map(json.loads, lines)}
    limits, bests = Limits.parse(arguments.limit), dict[str, list[float]]()
    for seed in range(arguments.seeds):
        for name in arguments.spaces.split(","):
            setup = open_target(Target(name, arguments.task, arguments.device, "native", arguments.epochs, qat="auto"))
            drawn = setup.space.sample(seeds.rng(seed, "spaces", name), 2000)
            rows: list[dict[str, object]] = []
            tried = 0
            for genes in drawn:
                tried += 1
                if not setup.fits(genes[None], limits)[0]:
                    continue
                key = name, seed, len(rows)
                if key not in known:
                    known[key] = one(setup, genes, seed, key, arguments.samples)
                    with open(arguments.rows, "a", encoding="utf-8") as file:
                        file.write(json.dumps(known[key]) + "\n")
                rows.append(known[key])
                if len(rows) == arguments.networks:
                    break
            values = [float(row["int8"]) for row in rows]  # type: ignore[arg-type]
            bests.setdefault(name, []).append(max(values))
            text = (
                f"best {max(values):.4f}, upper quarter {np.quantile(values, 0.75):.4f}, median {np.median(values):.4f}"
            )
            print(f"seed {seed} {name:16} {text}, {len(rows) / tried:.0%} of networks within the limits", flush=True)
    for name, found in bests.items():
        text = f"mean {np.mean(found):.4f}, std {np.std(found):.4f} of {len(found)} seeds"
        print(f"{name:16} best of {arguments.networks}: {text}")


def one(setup, genes, seed, key, samples):
    """Return what a training of one network measured, as a row."""
    task, data = setup.task, setup.task.data()
    try:
        recipe, learn = setup.target.recipe(task, SEARCH), Part(data.train.x[:samples], data.train.y[:samples])
        trained = train(setup.built(tuple(genes)).graph, task, recipe, seed, learn, data.valid)
        int8 = trained.int8_metrics[task.kind.metric.name]
    except TrainingFailed:
        int8 = 0.0
    costs = setup.costs(tuple(genes))
    row = dict(zip(("space", "seed", "network"), key, strict=True))
    return row | {"genes": [int(g) for g in genes], "int8": int8, "latency_ms": costs.latency_ms}


if __name__ == "__main__":
    main()

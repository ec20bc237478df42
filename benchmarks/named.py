"""Named results: a network by its genes, trained with the final recipe, int8, three seeds, one command each.

python benchmarks/named.py mnist --source DATA --out named        # goes on where it was stopped
python benchmarks/named.py mnist --source DATA --out named --test # the same, and then the test part, read once

A network learns from the train part and is judged on the validation part; nothing is chosen by either while it trains.
With --together it learns from both, as a search's final networks do, and the test part alone judges it.
"""

import argparse
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from latent_nas import artifacts
from latent_nas.target import Target, open_target
from latent_nas.training import train
from latent_nas.training.metadata import metadata_of
from latent_nas.training.quantise import QuantisedNetwork

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Named:
    """A result by name.

    Attributes:
        task: its name. genes: of ``space``, see docs/results/recipes.md. recipe: what differs from the task's full one.
    """

    task: str
    genes: list[int]
    recipe: dict[str, Any]
    space: str = "mcu_cnn"


def rows(file):
    """Return what was measured so far, by seed."""
    if not file.exists():
        return {}
    return {one["seed"]: one for one in map(json.loads, file.read_text(encoding="utf-8").splitlines())}


def trained(setup, named, seed, folder, together):
    """Train one seed into its folder; return what was measured on validation, if that was not learnt from."""
    data, recipe = setup.task.data(), replace(setup.task.recipe("full"), to_end=True, **named.recipe)

    def watch(history):
        _, loss, score, wall_s = history[-1]
        judged = f"loss {loss:.4f}" if together else f"validation {score:.4f}"
        print(f"seed {seed}, epoch {len(history)}: {judged}, {wall_s:.0f} s", flush=True)

    graph, started = setup.space.graph(tuple(named.genes)), time.process_time()
    learn, stop_at = (data.learn, recipe.epochs) if together else (data.train, None)
    made = train(graph, setup.task, recipe, seed, learn, data.valid, stop_at, folder / "state", watch,
                 lesson=(data.train, data.valid), say=print)  # fmt: skip
    cpu_s = time.process_time() - started  # since the last start
    row = {} if together else {"valid_int8": made.int8_metrics, "valid_float": made.float_metrics}
    measured = {} if together else {f"valid_{k}": v for k, v in made.int8_metrics.items()}
    about = metadata_of(setup.task, made.network, measured)
    made.network.save(folder / "int8", {"named": named.task, "seed": seed}, about.files())
    (folder / "state").unlink()
    return {"seed": seed} | row | {"epochs": recipe.epochs, "samples": len(learn), "cpu_s": round(cpu_s, 1)}


def tested(setup, place, known):
    """Return the int8 networks' metric on the test part, by seed; a part that was read is not read again."""
    metric, file, test = setup.task.kind.metric.name, place / "test.json", setup.task.data().test
    read = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for seed in known:
        if str(seed) not in read:
            outputs = QuantisedNetwork.load(place / str(seed) / "int8").outputs(test.x)
            read[str(seed)] = setup.task.kind.measure(outputs, test.y)[metric]
    artifacts.write(file, json.dumps(read))
    return [read[str(seed)] for seed in known]


def summary(values):
    return f"{np.mean(values):.4f} +- {np.std(values):.4f} ({', '.join(f'{v:.4f}' for v in values)})"


def main():
    named = {file.stem: file for file in sorted((HERE / "named").glob("*.json"))}
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("name", choices=sorted(named))
    parser.add_argument("--source", default="", help="file or folder of the task's data; default: fetched")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--together", action="store_true", help="learn from train and validation samples")
    parser.add_argument("--test", action="store_true", help="read the test part, once, after all seeds")
    options = parser.parse_args()
    torch.set_num_threads(1)
    one = Named(**json.loads(named[options.name].read_text(encoding="utf-8")))
    task = f"{one.task}:{options.source}" if options.source else one.task
    setup = open_target(Target(one.space, task, "stm32f405", "native"))
    costs = setup.costs(tuple(one.genes))
    print(f"{options.name}: {costs.weights_bytes} bytes of weights, {costs.flash_bytes} of flash, arena"
          f" {costs.arena_bytes}, RAM {costs.ram_bytes}, {costs.latency_ms:.1f} ms, {costs.macs} MACs")  # fmt: skip
    place = options.out / (options.name + "_together" * options.together)
    place.mkdir(parents=True, exist_ok=True)
    known = rows(place / "seeds.jsonl")
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        if seed not in known:
            known[seed] = trained(setup, one, seed, place / str(seed), options.together)
            text = "".join(json.dumps(row) + "\n" for row in known.values())
            artifacts.write(place / "seeds.jsonl", text)
        print(json.dumps(known[seed]), flush=True)
    metric = setup.task.kind.metric.name
    if not options.together:
        print(f"validation, int8: {summary([row['valid_int8'][metric] for row in known.values()])}")
    if options.test:
        print(f"test, int8: {summary(tested(setup, place, known))}")


if __name__ == "__main__":
    main()

"""Train a network of ``tiny_transformer`` in full, quantise it, and measure it on tiny Shakespeare.

    LATENT_NAS_DATA=DATA python benchmarks/char_lm_best.py --out runs/char_lm_best [--vocabulary 500] [--test]

The largest of its vocabulary; the test part is read with ``--test`` alone, so that networks are chosen without it. One
float training on the train part, the epoch chosen on the validation part; weights of 8 and of 4 bits are quantised
from it. Both networks are kept as int8 networks for ``latent-nas deploy OUT/8 --out fw --emulate``. Run again, it goes
on from the last epoch or the float network that it finds. They are measured as a device runs them as well: on and on,
the oldest token forgotten, the others kept.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from latent_nas import artifacts
from latent_nas.costs import costs
from latent_nas.devices import open_device
from latent_nas.graph import Graph
from latent_nas.runtimes import open_runtime
from latent_nas.spaces import open_space
from latent_nas.tasks import Recipe, Task, open_task
from latent_nas.training.fit import fit
from latent_nas.training.network import Network
from latent_nas.training.quantise import QuantisedNetwork, quantise
from latent_nas.training.stage import Stage

LARGEST = {"layers": 2, "hidden": 256, "heads": 4, "feed_forward": 256}
FLOAT = "float network"


def main() -> None:
    """Print a row of metrics per part and number of bits."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--task", default="char_lm")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--vocabulary", default="characters", help="characters, 500 or 1000")
    parser.add_argument("--test", action="store_true", help="read the test part as well")
    parser.add_argument("--epochs", type=int, help="of the recipe `full`; default: its own")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    task = open_task(arguments.task)
    space = open_space("tiny_transformer", task.input_shape, task.outputs)
    recipe = task.recipes["full"]
    recipe = replace(recipe, epochs=arguments.epochs or recipe.epochs)

    def graph(bits: int) -> Graph:
        vocabulary = arguments.vocabulary if arguments.vocabulary == "characters" else int(arguments.vocabulary)
        wanted = {**LARGEST, "layers": arguments.layers, "vocabulary": vocabulary, "weight_bits": bits}
        return space.graph([gene.choices.index(wanted[gene.name]) for gene in space.genes])

    model = _float(arguments.out / "float", graph(8), task, recipe, arguments.seed)
    data = task.data_of(graph(8))
    parts = ("valid", "test") if arguments.test else ("valid",)
    rows = [
        ("float", part, task.kind.measure(model.outputs(getattr(data, part).x), getattr(data, part).y))
        for part in parts
    ]
    device, runtime = open_device("stm32f405"), open_runtime("native")
    for bits in (8, 4):
        network = quantise(graph(bits), model, data.train.x[:512])
        network.save(arguments.out / str(bits), {"task": arguments.task, "seed": arguments.seed})
        cost = costs(graph(bits), device, runtime)
        print(
            f"{bits} bits: flash {cost.flash_bytes} B and {cost.code_bytes} B of code, RAM {cost.ram_bytes} B of which"
            f" {cost.state_bytes} B are kept, {cost.latency_ms:.1f} +- {cost.latency_error_ms:.1f} ms computed"
        )
        for part in parts:
            x, y = getattr(data, part).x, getattr(data, part).y
            rows.append((f"{bits} bits", part, task.kind.measure(network.outputs(x), y)))
            rows.append((f"{bits} bits, as a device runs", part, _running(network, task, x, y)))
    print("| network | part | bits per character | next-character accuracy |\n|---|---|---|---|")
    for name, part, found in rows:
        print(f"| {name} | {part} | {found['bits_per_character']:.4f} | {found['accuracy']:.4f} |")


def _float(folder: Path, graph: Graph, task: Task, recipe: Recipe, seed: int) -> Network:
    """Return the float network of a folder, trained now where there is none."""
    model = Network(graph)
    if not folder.is_dir():
        data, started = task.data_of(graph), time.process_time()
        folder.parent.mkdir(parents=True, exist_ok=True)
        state = folder.with_name("training.safetensors")
        model, curve, epochs = fit(graph, Stage(task, recipe, seed, data.train, data.valid, keep=state))
        made = {"task": task.name, "seed": seed, "recipe": str(recipe), "epochs": epochs, "curve": curve}
        made["cpu_s"] = round(time.process_time() - started)
        weights = {name: value.numpy() for name, value in model.state_dict().items()}
        artifacts.save(folder, artifacts.Artifact(FLOAT, made, {}, {"weights.safetensors": artifacts.pack(weights)}))
    found = artifacts.load(folder, FLOAT)
    print(json.dumps(found.made))
    arrays = artifacts.unpack(found.files["weights.safetensors"])
    model.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in arrays.items()})
    return model


def _running(network: QuantisedNetwork, task: Task, x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Return the metrics of a text read on and on: 512 tokens at a time, the first 64 of them for a start only."""
    tokens = np.concatenate([x[0, :1], y[y >= 0]])
    begins = range(0, len(tokens) - 512, 448)
    rows = np.stack([tokens[b : b + 513] for b in begins])
    logits = np.concatenate([network.outputs(row[None, :-1])[:, 64:] for row in rows])
    return task.kind.measure(logits, rows[:, 65:])


if __name__ == "__main__":
    main()

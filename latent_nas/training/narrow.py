"""Weights of fewer bits: of all layers, or of all but the first and the last, as the validation part decides."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from latent_nas.graph import Graph
from latent_nas.graph.bits import ends, with_weight_bits
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.records import words
from latent_nas.tasks import Part, Recipe, Task
from latent_nas.training import Trained, aware
from latent_nas.training.quantise import quantise


def narrowed(
    plain: Trained,
    bits: int,
    graph: Graph,
    task: Task,
    recipe: Recipe,
    seed: int,
    learn: Part,
    judge: Part,
    calibration: np.ndarray,
    keep: Path | None,
    watch: Callable[[np.ndarray], None],
    soft: np.ndarray | None,
) -> Trained:
    """Return a training whose network has weights of ``bits`` bits, fine-tuned unless the recipe's ``qat`` is "never".

    All layers have them if that loses at most ``aware.NARROW_LOST`` against 8 bits on ``judge``; else what is better
    there, that or 8 bits in the first and the last layer.
    """

    def one(whole: tuple[int, ...]) -> Trained:
        """Return a training with weights of ``bits`` bits but in the layers ``whole``."""
        narrow = with_weight_bits(graph, bits, whole)
        network, epochs = quantise(narrow, plain.model, calibration, task.kind.output_range(learn.y)), 0
        before = task.kind.measure(network.outputs(judge.x), judge.y)
        if recipe.qat != aware.NEVER:
            state = keep and keep.with_suffix(f".bits{bits}{'.ends' if whole else ''}{keep.suffix}")
            tuned = aware.tune(narrow, plain.model, network, task, recipe, seed, learn, judge, None, state, watch, soft)
            network, epochs = tuned.network, tuned.epochs
        answers = network.outputs(judge.x)
        return replace(
            plain,
            network=network,
            int8_metrics=task.kind.measure(answers, judge.y),
            answers=answers,
            qat_epochs=epochs,
            without_qat=before if epochs else {},
            eight_bits=plain.int8_metrics,
        )

    all_layers = one(())
    if aware.lost(task, plain.int8_metrics, all_layers.int8_metrics) <= aware.NARROW_LOST + 1e-9:
        return all_layers
    return max((all_layers, one(ends(graph))), key=lambda made: task.kind.signed(made.int8_metrics))


def said(task: Task, trained: Trained) -> str:
    """Return what was decided, in a line: metrics on validation of float, 8 bits and the network's own."""
    layers = [n.operator for n in trained.network.graph.nodes if isinstance(n.operator, (Conv2d, Dense))]
    bits, name = min(one.bits for one in layers), task.kind.metric.name
    whole = sum(one.bits == 8 for one in layers)
    which = f"{len(layers) - whole} of {len(layers)} layers" if whole else "all layers"
    values = (trained.float_metrics[name], trained.eight_bits[name], trained.int8_metrics[name])
    many = f"after {trained.qat_epochs} epochs of fine-tuning" if trained.qat_epochs else "without fine-tuning"
    return (
        f"{bits}-bit weights in {which}: {words(name)} on validation float {values[0]:.4f}, 8 bits {values[1]:.4f},"
        f" {bits} bits {values[2]:.4f} {many}"
    )

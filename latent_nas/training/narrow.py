"""Weights of fewer bits: of all layers, or of all but the first and the last, as the validation part decides."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from latent_nas.graph import Graph
from latent_nas.graph.bits import ends, with_weight_bits
from latent_nas.records import words
from latent_nas.tasks import Part, Recipe, Task
from latent_nas.training import Trained, aware
from latent_nas.training.quantise import quantise
from latent_nas.training.teacher import Teacher


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
    teacher: Teacher | None,
    eight_bit_ends: bool | None = None,
    epochs: int | None = None,
) -> Trained:
    """Return a training whose network has weights of ``bits`` bits, fine-tuned unless the recipe's ``qat`` is "never".

    All layers have them if that loses at most ``aware.NARROW_LOST`` against 8 bits on ``judge``; else what is better
    there, that or 8 bits in the first and the last layer.

    Args:
        eight_bit_ends: which of both it is, where that is decided already. epochs: of fine-tuning without a look at
            ``judge``, 0 for none; None: ``judge`` decides.
    """

    def one(whole: tuple[int, ...]) -> Trained:
        """Return a training with weights of ``bits`` bits but in the layers ``whole``."""
        narrow = with_weight_bits(graph, bits, whole)
        network, learnt = quantise(narrow, plain.model, calibration, task.kind.output_range(learn.y)), 0
        before = task.kind.measure(network.outputs(judge.x), judge.y)
        if recipe.qat != aware.NEVER if epochs is None else epochs:
            state = keep and keep.with_suffix(f".bits{bits}{'.ends' if whole else ''}{keep.suffix}")
            judged_on, made = judge if epochs is None else None, (narrow, plain.model, network)
            tuned = aware.tune(*made, task, recipe, seed, learn, judged_on, epochs, state, watch, teacher)
            network, learnt = tuned.network, tuned.epochs
        answers = network.outputs(judge.x)
        return replace(
            plain,
            network=network,
            int8_metrics=task.kind.measure(answers, judge.y),
            answers=answers,
            qat_epochs=learnt,
            without_qat=before if learnt else {},
            eight_bits=plain.int8_metrics,
            eight_bit_ends=bool(whole),
        )

    if eight_bit_ends is not None:
        return one(ends(graph) if eight_bit_ends else ())
    all_layers = one(())
    if aware.lost(task, plain.int8_metrics, all_layers.int8_metrics) <= aware.NARROW_LOST + 1e-9:
        return all_layers
    return max((all_layers, one(ends(graph))), key=lambda made: task.kind.signed(made.int8_metrics))


def said(
    task: Task,
    bits: int,
    eight_bit_ends: bool,
    floats: Mapping[str, float],
    eight: Mapping[str, float],
    own: Mapping[str, float],
    epochs: int,
) -> str:
    """Return what was decided, in a line: metrics on validation of float, 8 bits and the network's own.

    Args:
        epochs: of fine-tuning.
    """
    name = task.kind.metric.name
    which = "all layers but the first and the last" if eight_bit_ends else "all layers"
    values = floats[name], eight[name], own[name]
    many = f"after {epochs} epoch{'s' * (epochs > 1)} of fine-tuning" if epochs else "without fine-tuning"
    return (
        f"{bits}-bit weights in {which}: {words(name)} on validation float {values[0]:.4f}, 8 bits {values[1]:.4f},"
        f" {bits} bits {values[2]:.4f} {many}"
    )

"""Weights of fewer bits: of all layers, or of all but the first and the last, as the validation part decides."""

from collections.abc import Mapping

import numpy as np

from latent_nas.graph.bits import ends, with_weight_bits
from latent_nas.records import words
from latent_nas.tasks import Part, Task
from latent_nas.training import Trained, aware
from latent_nas.training.quantise import quantise
from latent_nas.training.stage import Stage


def narrowed(
    plain: Trained, bits: int, stage: Stage, part: Part, calibration: np.ndarray, eight_bit_ends: bool | None
) -> Trained:
    """Return a training whose network has weights of ``bits`` bits, fine-tuned unless the recipe's ``qat`` is "never".

    All layers have them if that loses at most ``aware.NARROW_LOST`` against 8 bits on ``part``; else what is better
    there, that or 8 bits in the first and the last layer.

    Args:
        stage: of fine-tuning; one without ``judge`` is for ``stop_at`` epochs, 0 for none.
        part: samples that the networks are measured on. calibration: training inputs for the activations' ranges.
        eight_bit_ends: which of both it is, where that is decided already.
    """
    task, graph = stage.task, plain.model.graph
    tunes = bool(stage.stop_at) if stage.judge is None else stage.recipe.qat != aware.NEVER

    def one(whole: tuple[int, ...]) -> Trained:
        """Return a training with weights of ``bits`` bits but in the layers ``whole``."""
        narrow = with_weight_bits(graph, bits, whole)
        network = quantise(narrow, plain.model, calibration, task.kind.output_range(stage.learn.y))
        own = plain.with_network(network, task, part, eight_bits=plain.int8_metrics, eight_bit_ends=bool(whole))
        if not tunes:
            return own
        tuned = aware.tune(narrow, plain.model, network, stage.named(f"bits{bits}{'.ends' if whole else ''}"))
        return own.with_network(tuned.network, task, part, qat_epochs=tuned.epochs, without_qat=own.int8_metrics)

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

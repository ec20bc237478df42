"""The proof of a firmware from raw data: which inputs, what they become there, and what training made of them."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import seeds
from latent_nas.firmware.export import Project
from latent_nas.firmware.raw import run
from latent_nas.tasks import open_task
from latent_nas.training.quantise import QuantisedNetwork


def inputs_of(network: QuantisedNetwork, made: dict[str, Any], n: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Return inputs (n, ...) of validation, of all classes, and the raw data they are made of, None where unknown."""
    vocabulary = network.graph.input.vocabulary
    if vocabulary:
        n = max(n, 2 * network.graph.input_shape[0])  # so that the oldest tokens are forgotten
        if "task" in made:
            return open_task(made["task"]).data_of(network.graph).valid.x.reshape(1, -1)[:, :n], None
        return seeds.rng(0, "firmware inputs").integers(0, vocabulary, (1, n)), None
    if "task" in made:
        task = open_task(made["task"])
        x = task.with_raw(task.data().valid).x
        if x.shape[1:] == network.graph.input_shape:
            x = x[np.linspace(0, len(x) - 1, min(n, len(x))).astype(int)]  # of all classes, whatever the order
            return x, task.raw(x)
    drawn: np.ndarray = seeds.rng(0, "firmware inputs").normal(size=(n, *network.graph.input_shape))
    return drawn.astype(np.float32), None


def from_raw(
    firmware: Project, raw: np.ndarray, plain: bool, toolchain: str, found: dict[str, Any]
) -> tuple[dict[str, Any], np.ndarray]:
    """Return what was found of a firmware with the proof from raw data (n, ...), and its int8 outputs (n, ...)."""
    with tempfile.TemporaryDirectory() as folder:
        proof = run(firmware, Path(folder), raw, plain, toolchain)
    more = {
        "from_raw": True,
        "inputs": proof.inputs,
        "equal_inputs": proof.equal_inputs / proof.inputs,
        "equal_outputs": proof.equal_outputs / proof.inputs if found["bit_exact"] else found["equal_outputs"],
        "preprocess_instructions": proof.preprocess_instructions,
        "preprocess_cycles": list(proof.preprocess_cycles),
    }
    return {**found, **more, "bit_exact": found["bit_exact"] and proof.bit_exact}, proof.outputs


def same_answers(network: QuantisedNetwork, x: np.ndarray, outputs: np.ndarray) -> float:
    """Return for how many inputs, as a share, raw data and what training saw have the same largest output."""
    return float((outputs.argmax(axis=-1) == network.integers(x).argmax(axis=-1)).mean())


def entering(firmware: Project, x: np.ndarray, raw: np.ndarray | None) -> np.ndarray:
    """Return the int8 inputs (n, ...) that raw data or, without them, real inputs become."""
    quant, seen = firmware.network.quants[0], firmware.component.seen
    return quant.quantise(x) if raw is None or seen is None else seen.integers(raw, quant)

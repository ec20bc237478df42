"""The proof of a firmware from raw data: which inputs, what they become there, and what training made of them."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import seeds
from latent_nas.firmware.export import Project
from latent_nas.firmware.frame import ram_bytes
from latent_nas.firmware.raw import run
from latent_nas.resampling import METHODS, Frame
from latent_nas.tasks import open_task
from latent_nas.training.metadata import Metadata
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
    if firmware.component.frame is not None:  # its main loop is of raw data
        firmware = replace(firmware, component=replace(firmware.component, frame=None))
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


def camera_of(text: str, about: Metadata) -> Frame:
    """Return a camera's frame, "320x240:rgb565", that is brought to size as the training data were.

    Raises:
        ValueError: it is none.
    """
    resize = about.preprocessing.resize if about.preprocessing else ""
    return Frame.parse(text, next((method for method in METHODS if resize.startswith(method)), METHODS[0]))


def from_frames(firmware: Project, n: int, plain: bool, toolchain: str) -> dict[str, Any]:
    """Return what a firmware that takes a camera's frames makes of n random ones."""
    camera, shape = firmware.component.frame, firmware.network.graph.input_shape
    assert camera is not None
    frames = seeds.rng(0, "frames").integers(0, 256, (n, camera.height * camera.row_bytes), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        proof = run(firmware, Path(folder), frames, plain, toolchain)
    return {
        "frame": str(camera),
        "method": camera.method,
        "inputs": n,
        "bit_exact": proof.bit_exact,
        "instructions": proof.preprocess_instructions,
        "cycles": list(proof.preprocess_cycles),
        "ram_bytes": ram_bytes(camera, shape),
    }


def same_answers(network: QuantisedNetwork, x: np.ndarray, outputs: np.ndarray) -> float:
    """Return for how many inputs, as a share, raw data and what training saw have the same largest output."""
    return float((outputs.argmax(axis=-1) == network.integers(x).argmax(axis=-1)).mean())


def entering(firmware: Project, x: np.ndarray, raw: np.ndarray | None) -> np.ndarray:
    """Return the int8 inputs (n, ...) that raw data or, without them, real inputs become."""
    quant, seen = firmware.network.quants[0], firmware.component.seen
    return quant.quantise(x) if raw is None or seen is None else seen.integers(raw, quant)

"""A .tflite file as an int8 network: its own integers, or quantised by given data where it is float."""

import sys
from pathlib import Path

from latent_nas.graph import Graph
from latent_nas.interchange import Said, calibration_data, float_weights
from latent_nas.interchange.tflite_import import Model, read_model
from latent_nas.interchange.tflite_oracle import compare_float, compare_int8
from latent_nas.training.quantise import QuantisedNetwork, quantise


def read(path: Path, output: str = "") -> Graph:
    """Return the graph of a .tflite file, and say what was decided on the way.

    Raises:
        ValueError: see ``tflite_import.read_model``.
    """
    model = _read(path)
    if not model.quants:
        print(f"note: {path} is float: what it costs is that of its int8 network", file=sys.stderr)
    return model.graph


def said(path: Path, output: str = "") -> Said:
    """Return which closing function of a .tflite file was left out; the other notes are printed when it is read."""
    return Said(left_out=next((note for note in read_model(path).notes if note.startswith("the closing")), ""))


def open_int8(path: Path, calibration: Path | None = None, output: str = "") -> QuantisedNetwork:
    """Return the int8 network of a .tflite file.

    What was read is compared with the file's interpreter before it is given out, see ``tflite_oracle``.

    Args:
        calibration: an .npz or .npy file of input data, shaped as the model's input; for a float model only.

    Raises:
        ValueError: the file can't be read; it is float and there is no calibration data; or the interpreter computes
            something else of it.
    """
    model = _read(path)
    if not model.quants:
        if calibration is None:
            raise ValueError(f"{path} is a float model: quantising it wants data, --calibration FILE.npz")
        network = float_weights.network(model.graph, model.weights, path)
        shape = model.graph.input_shape
        x = calibration_data.read(calibration, model.file.tensors[model.file.input].dims[1:], shape)
        x = x.reshape(len(x), *shape)
        compare_float(path, model, network, float(x.min()), float(x.max()))
        return quantise(model.graph, network, x)
    if calibration is not None:
        raise ValueError(f"{path} is quantised already; leave --calibration out")
    rounded = QuantisedNetwork(model.graph, model.quants, model.constants)
    compare_int8(path, model, rounded)
    return rounded


def _read(path: Path) -> Model:
    model = read_model(path)
    for note in model.notes:
        print(f"note: {path}: {note}", file=sys.stderr)
    return model

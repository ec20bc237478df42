"""A .tflite file as an int8 network: its own integers, or quantised by given data where it is float."""

from pathlib import Path

import numpy as np

from latent_nas.graph import Graph
from latent_nas.interchange import FLOAT, Said, agreement, calibration_data, float_weights
from latent_nas.interchange.tflite_file import File
from latent_nas.interchange.tflite_import import read_model
from latent_nas.interchange.tflite_oracle import compare_float, compare_int8
from latent_nas.training.quantise import QuantisedNetwork, quantise


def read(path: Path, output: str = "") -> Graph:
    """Return the graph of a .tflite file; see ``tflite_import.read_model``."""
    return read_model(path, output).graph


def said(path: Path, output: str = "") -> Said:
    """Return what was decided in reading a .tflite file."""
    model = read_model(path, output)
    kind = "" if model.quants else FLOAT
    return Said((*filter(None, [model.ending, kind]), *model.notes), model.ending)


def about(path: Path, output: str = "") -> str:
    """Return the JSON that travels with a .tflite file of this project, "" with any other."""
    return File.open(path, output).about


def open_int8(path: Path, calibration: Path | None = None, output: str = "") -> QuantisedNetwork:
    """Return the int8 network of a .tflite file.

    What was read is compared with the file's interpreter before it is given out, see ``tflite_oracle``.

    Args:
        calibration: an .npz or .npy file of input data, shaped as the model's input; for a float model only.
        output: which of several, by name.

    Raises:
        ValueError: the file can't be read; it is float and there is no calibration data; or the interpreter computes
            something else of it.
    """
    model = read_model(path, output)
    if not model.quants:
        if calibration is None:
            raise ValueError(f"{path} is a float model: quantising it wants data, --calibration FILE.npz")
        network = float_weights.network(model.graph, model.weights, path)
        shape = model.graph.input_shape
        x = calibration_data.read(calibration, model.file.tensors[model.file.input].dims[1:], shape)
        x = model.entered(x)
        compare_float(path, model, network, float(x.min()), float(x.max()))
        made = quantise(model.graph, network, x)
        some = x[: agreement.MOST].astype(np.float32)
        agreement.say_loss(path, some, network.outputs(some), made.outputs(some), made.quants[0].scale)
        return made
    if calibration is not None:
        raise ValueError(f"{path} is quantised already; leave --calibration out")
    rounded = QuantisedNetwork(model.graph, model.quants, model.constants)
    compare_int8(path, model, rounded)
    return rounded

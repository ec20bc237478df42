"""Costs and firmware from Python: of a PyTorch module, or of whatever the commands take.

found = latent_nas.cost(model, (3, 96, 96), device="stm32f446")
report = latent_nas.deploy(model, "firmware", (3, 96, 96), calibration=x, emulate=True)
"""

import operator
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_nas.interchange import torch_module
from latent_nas.interchange.onnx_ending import ONE_OF_THEM
from latent_nas.jobs import cost as costing
from latent_nas.jobs import deploy as job
from latent_nas.jobs.build import Build
from latent_nas.jobs.networks import open_source
from latent_nas.limits import Limits, settings
from latent_nas.operators import Shape
from latent_nas.ranges import check_least

DATA = "calibration.npy"
RETURN_ONE = "hand over a module that returns one of them"

if TYPE_CHECKING:
    from torch import nn


def cost(
    network: "str | Path | nn.Module",
    input_shape: Shape | None = None,
    device: str = "stm32f405",
    runtime: str = "native",
    limits: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Return what a network costs as int8, as `latent-nas cost --json` prints it.

    Args:
        network: a PyTorch module, or what the command takes: a file (.onnx, .tflite, .json), a folder, a name.
        input_shape: of one sample as a module reads it, without the batch: (channels, height, width) of an image.
        limits: e.g. {"flash_kb": 32, "ram_kb": 16, "latency_ms": 5}, beside the device's own.

    Raises:
        ValueError: the network, the device or the runtime can't be read; a module without ``input_shape``.
    """
    bounds = Limits.parse(settings(limits))
    with _named(network, input_shape) as given:
        source = open_source(given)
        source = source.bound(source.task or "digits")
        graph, front = source.deployed(), source.front_end()
        found = costing.explain(graph, device, runtime, bounds, softmax=source.softmax(), front_end=front)
        return found | {"as_int8": source.floats(), "notes": source.notes()}


def deploy(
    network: "str | Path | nn.Module",
    out: str | Path,
    input_shape: Shape | None = None,
    calibration: "str | Path | np.ndarray | None" = None,
    device: str = "stm32f405",
    emulate: bool = False,
    inputs: int = 10,
) -> dict[str, Any]:
    """Write a network's C project, compile it, run it on the emulated device if wanted, and return the report.

    Args:
        network, input_shape: as of ``cost``.
        calibration: inputs (n, ...) as the module or float file reads them, or an .npz or .npy file of them: its ranges
            make the int8 network. Not of a network that is int8 already.
        inputs: how many to run on the emulated device.

    Raises:
        ValueError: the network can't be read, compared or built, or does not fit; a float one without ``calibration``.
        latent_nas.firmware.Fault: the firmware did what the device can't.
    """
    check_least(1, inputs=inputs)
    how = Build(emulator="unicorn" if emulate else "")
    with _named(network, input_shape) as given, tempfile.TemporaryDirectory() as folder:
        data = None if calibration is None else _file(calibration, Path(folder))
        try:
            return job.deploy(Path(given), device, Path(out), how, inputs, 1, lambda line: None, data)
        except ValueError as error:
            raise type(error)(str(error).replace(str(Path(folder) / DATA), "calibration")) from None


@contextmanager
def _named(network: "str | Path | nn.Module", input_shape: Shape | None) -> Iterator[str]:
    """Give a name or file of the network that jobs can open; a module's lasts as long as this."""
    if isinstance(network, (str, Path)):
        if input_shape is not None:
            raise ValueError(f"{network} has an input shape of its own; leave input_shape out")
        yield str(network)
        return
    if isinstance(network, type):
        raise ValueError(f"{network.__name__} is a class; wanted a network of it, {network.__name__}(...)")
    if not callable(getattr(network, "state_dict", None)) or not callable(getattr(network, "modules", None)):
        raise ValueError(
            f"a {type(network).__name__} is not a network that is known here; wanted a PyTorch module (nn.Module), or a"
            " file or name that `latent-nas cost` takes"
        )
    if input_shape is None:
        raise ValueError(f"{type(network).__name__} wants input_shape, of one sample without the batch: (3, 96, 96)")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{type(network).__name__}.onnx"
        torch_module.export(network, _shape(input_shape), file)
        try:
            yield str(file)
        except ValueError as error:
            said = str(error).replace(str(file), type(network).__name__).replace(ONE_OF_THEM, RETURN_ONE)
            raise type(error)(said) from None


def _shape(given: Shape) -> Shape:
    """Return the shape of a sample as whole numbers above 0, or raise ValueError."""
    try:
        shape = tuple(operator.index(size) for size in given)
    except TypeError:
        shape = ()
    if not shape or min(shape) < 1:
        came = repr(given) if isinstance(given, (int, float, str, tuple, list)) else f"a {type(given).__name__}"
        raise ValueError(f"input_shape is {came}; wanted that of one sample without the batch, as (3, 96, 96)")
    return shape


def _file(calibration: "str | Path | np.ndarray", folder: Path) -> Path:
    """Return the file of calibration data."""
    if isinstance(calibration, (str, Path)):
        return Path(calibration)
    array = np.asarray(calibration)  # of a tensor too
    if array.dtype.kind not in "buif":
        raise ValueError(f"calibration is an array of {array.dtype}; wanted numbers (n, ...), as it reads them")
    np.save(folder / DATA, array, allow_pickle=False)
    return folder / DATA

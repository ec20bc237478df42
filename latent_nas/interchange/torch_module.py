"""A PyTorch module as an ONNX file."""

import inspect
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latent_nas.extras import need
from latent_nas.operators import Shape

if TYPE_CHECKING:
    from torch import nn

OPSET = 17


def export(module: "nn.Module", input_shape: Shape, path: Path) -> None:
    """Write a module to an ONNX file, in evaluation mode; the module stays as it is.

    Args:
        input_shape: of one sample as the module reads it, without the batch: (channels, height, width) of an image.

    Raises:
        ValueError: it does not run on such a sample, or has what the exporter does not know.
    """
    import torch

    need("onnx", "onnx")  # which torch's exporter wants
    training = {part: part.training for part in module.modules()}
    held = next(module.parameters(), torch.zeros(0))
    sample = torch.zeros(1, *input_shape, device=held.device, dtype=held.dtype)
    plain: dict[str, Any] = {"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}
    try:
        module.eval()
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # on the exporter's age, and on constants that it traces
            module(sample)
            torch.onnx.export(module, (sample,), str(path), opset_version=OPSET, **plain)
    except Exception as error:  # noqa: BLE001  a module may raise anything, and so may the exporter
        reason = " ".join(str(error).split())[:300]
        raise ValueError(
            f"{type(module).__name__} can't be exported with an input {tuple(input_shape)}, without the batch:"
            f" {type(error).__name__}: {reason}"
        ) from None
    finally:
        for part, mode in training.items():
            part.training = mode

"""A PyTorch module as an ONNX file."""

import inspect
import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_nas.extras import need
from latent_nas.operators import Shape

if TYPE_CHECKING:
    import torch
    from torch import nn

OPSET = 17
TRIED = 8  # samples that module and file are compared on
NEAR = 1e-3  # of the largest output, that float arithmetic in another order may differ by


def export(module: "nn.Module", input_shape: Shape, path: Path) -> None:
    """Write a module to an ONNX file, in evaluation mode; the module stays as it is.

    Args:
        input_shape: of one sample as the module reads it, without the batch: (channels, height, width) of an image.

    Raises:
        ValueError: it does not run on such a sample, has what the exporter does not know, or answers otherwise than the
            file, as where an `if` looks at values: the exporter writes what it did with one sample.
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
            names = [f"output_{i}" for i, _ in enumerate(tensors(module(sample)))]
            torch.onnx.export(module, (sample,), str(path), opset_version=OPSET, output_names=names, **plain)
            apart = _apart(module, sample, path)
    except Exception as error:  # noqa: BLE001  a module may raise anything, and so may the exporter
        reason = " ".join(str(error).split())[:300]
        raise ValueError(
            f"{type(module).__name__} can't be exported with an input {tuple(input_shape)}, without the batch:"
            f" {type(error).__name__}: {reason}"
        ) from None
    finally:
        for part, mode in training.items():
            part.training = mode
    if apart:
        raise ValueError(
            f"{type(module).__name__} answers otherwise than the ONNX file that torch makes of it: on {apart}; choices"
            " by the input's values (`if x.sum() > 0`) and chance are lost there: write them as operators (torch.where)"
        )


def _apart(module: "nn.Module", sample: "torch.Tensor", path: Path) -> str:
    """Return on what a module and its file differ, in words; "" where they don't, or onnxruntime can't say."""
    import torch

    if find_spec("onnxruntime") is None:
        return ""
    runtime = need("onnxruntime", "onnx")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception:  # noqa: BLE001  an operator that it has not; whoever reads the file names it
        return ""
    drawn = np.random.default_rng(0).normal(size=(TRIED, *sample.shape))
    drawn += np.linspace(-1, 1, TRIED).reshape(-1, *(1,) * sample.ndim)  # samples below and above zero
    for number, values in enumerate(drawn, 1):
        given = torch.as_tensor(values).to(sample)
        wanted = [tensor.double().cpu().numpy() for tensor in tensors(module(given))]
        got = session.run(None, {session.get_inputs()[0].name: given.cpu().numpy()})
        if len(got) != len(wanted) or not all(map(_near, got, wanted)):
            return f"drawn sample {number} of {TRIED}"
    return ""


def _near(got: np.ndarray, wanted: np.ndarray) -> bool:
    """Return whether two arrays are one but for the order of float arithmetic."""
    room = NEAR * max(1e-3, float(np.abs(wanted[np.isfinite(wanted)]).max(initial=0)))
    return got.shape == wanted.shape and np.allclose(got.astype(np.float64), wanted, rtol=0, atol=room, equal_nan=True)


def tensors(answer: Any) -> "list[torch.Tensor]":
    """Return the tensors of what a module returns, in the order in which its file has them: of tuples, lists, dicts."""
    import torch

    if isinstance(answer, torch.Tensor):
        return [answer]
    if isinstance(answer, Mapping):
        answer = list(answer.values())
    return [tensor for part in answer for tensor in tensors(part)] if isinstance(answer, (tuple, list)) else []

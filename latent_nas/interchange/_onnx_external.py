"""Weights of an ONNX file that lie in another file beside it, as PyTorch 2.9 and later write them."""

from math import prod
from pathlib import Path
from typing import Any

from latent_nas.extras import need

LARGEST_MB = 256  # a hundred times what a microcontroller's flash holds


def tensors(model: Any) -> list[Any]:
    """Return the constants of an ONNX model whose data lie in another file."""
    external = need("onnx", "onnx").TensorProto.EXTERNAL
    return [t for t in model.graph.initializer if t.data_location == external]


def load(model: Any, path: Path) -> None:
    """Fill in the constants of the model at ``path`` from the files beside it.

    Raises:
        ValueError: a file isn't there or lies elsewhere, is shorter than a constant wants, or all are too large.
    """
    onnx = need("onnx", "onnx")
    total = 0
    for tensor in tensors(model):
        entries = {e.key: e.value for e in tensor.external_data}
        name = entries.get("location", "")
        beside = path.parent / name
        if not name or Path(name).is_absolute() or ".." in Path(name).parts or beside.is_symlink():
            raise ValueError(f"{path} has weights in {name!r}; wanted a file beside it, not a link")
        if not beside.is_file():
            raise ValueError(f"{path} has weights in {name}, which is not beside it; copy both, or save it as one file")
        try:
            wanted = prod(tensor.dims) * onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
            offset, length = int(entries.get("offset", 0)), int(entries.get("length", wanted))
        except (KeyError, ValueError):
            raise ValueError(f"{path} says wrongly where {tensor.name!r} lies in {name}; save the model anew") from None
        if min(offset, length) < 0 or length != wanted or offset + length > beside.stat().st_size:
            raise ValueError(
                f"{path} wants {wanted} bytes of {name} at {offset} for {tensor.name!r}; it says {length}, the file has"
                f" {beside.stat().st_size}; is it damaged, or of another model?"
            )
        total += length
        if total > LARGEST_MB * 2**20:
            raise ValueError(f"{path} has more than {LARGEST_MB} MiB of weights in {name}; too large for firmware")
    onnx.load_external_data_for_model(model, str(path.parent))

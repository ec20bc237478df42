"""Where networks are trained: on the CPU, or on a GPU that torch sees. One name each, said and refused in one line.

Results depend on the kind of device in their last digits: sums are rounded in another order. A run therefore keeps the
kind that it began with.
"""

import gc
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

AUTO, CPU, CUDA, MPS = "auto", "cpu", "cuda", "mps"
NAMES = (AUTO, CPU, CUDA, MPS)
SHARE = 0.1  # of a GPU that one training asks a cluster for: networks of a few kilobytes leave most of one idle
GIB = 2**30


def check(name: str) -> str:
    """Return a name that there is.

    Raises:
        ValueError: there is none such.
    """
    if name not in NAMES:
        raise ValueError(f"no accelerator {name!r}; there are: {', '.join(NAMES)}")
    return name


def resolve(name: str) -> str:
    """Return "cpu", "cuda" or "mps" of a name; "auto" is what this machine has.

    Raises:
        ValueError: no such name, or this machine has no such device.
    """
    if check(name) == CPU:
        return CPU
    there = {CUDA: _cuda(), MPS: _mps()}
    if name == AUTO:
        return next((kind for kind, why_not in there.items() if not why_not), CPU)
    if why_not := there[name]:
        raise ValueError(f"{why_not}; use --accelerator {CPU}, or {AUTO} for what there is")
    return name


def said(kind: str) -> str:
    """Return in a line where trainings run; ``kind``: as ``resolve`` returns it."""
    import torch

    if kind == CUDA and _cuda():
        return "training on the cluster's GPUs (cuda)"
    if kind == CUDA:
        about = torch.cuda.get_device_properties(0)
        return f"training on the GPU {about.name} ({about.total_memory / GIB:.0f} GB, cuda)"
    return "training on the GPU of this Mac (mps)" if kind == MPS else "training on the CPU"


def device(kind: str) -> "torch.device":
    """Return torch's device of a kind, set so that the same training gives the same network on it.

    Raises:
        ValueError: this machine has no such device.
    """
    import torch

    if resolve(kind) == CUDA:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else cuBLAS adds in another order each time
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
        torch.use_deterministic_algorithms(True, warn_only=True)
        # every operator here writes all that it returns
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return torch.device(kind)


def is_full(error: BaseException) -> bool:
    """Return whether an error of torch says that a GPU has no memory left."""
    import torch

    return isinstance(error, torch.cuda.OutOfMemoryError) or "MPS backend out of memory" in str(error)


def release() -> None:
    """Give back what torch keeps of a GPU's memory for later, so that other processes have it."""
    import torch

    gc.collect()  # tensors that lie in cycles of references, as those of an error's frames
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif not _mps():
        torch.mps.empty_cache()


def _cuda() -> str:
    """Return why CUDA can't be used; "" where it can."""
    import torch

    if torch.cuda.is_available():
        return ""
    built = torch.version.cuda
    why = "torch sees no GPU" if built else f"torch {torch.__version__} is built without CUDA"
    return f"no CUDA device here ({why})"


def _mps() -> str:
    """Return why a Mac's GPU can't be used; "" where it can."""
    import torch

    return "" if torch.backends.mps.is_available() else "no MPS device here (a Mac's GPU)"

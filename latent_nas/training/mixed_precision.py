"""Mixed precision: convolutions and products in bfloat16, norms, sums and the weights that learn in float32.

bfloat16 has float32's range in half of its bits, so that no loss has to be scaled (Kalamkar et al. 2019). Networks are
judged and quantised in float32 all the same.
"""

import functools
import logging

import torch

from latent_nas.accelerator import CPU, CUDA
from latent_nas.training.network import Network

log = logging.getLogger("latent_nas")


def outputs(model: Network, inputs: torch.Tensor, bf16: bool) -> torch.Tensor:
    """Return what a network says of inputs (n, ...), (n, ...) float32; ``bf16``: computed in mixed precision."""
    if not bf16:
        found: torch.Tensor = model(inputs)
        return found
    # a weight is read once a step, and what autocast keeps of it outlives a step that is captured
    with torch.autocast(inputs.device.type, torch.bfloat16, cache_enabled=False):
        found = model(inputs)
    return found.float()


@functools.cache
def warn(kind: str) -> None:
    """Say once where a kind of device has no arithmetic in bfloat16, so that it takes more time and not less."""
    if not _computes(kind):
        log.warning(
            "bf16: this %s has no bfloat16 arithmetic, so that trainings take longer with it; leave it out", kind
        )


def _computes(kind: str) -> bool:
    if kind == CPU:
        known = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}  # torch 2.10 and later
        return any(known.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16")) or not known
    return kind != CUDA or torch.cuda.is_bf16_supported(including_emulation=False)

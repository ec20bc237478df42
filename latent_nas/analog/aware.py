"""Noise-aware training (Joshi et al. 2020): weights are clipped, and noise is added in every forward pass.

A network that has learnt with noisy weights bears the noise of programming and reading; clipped weights use the
devices' range evenly, so that the same noise is smaller beside them.
"""

import torch
from torch import nn
from torch.nn.utils import parametrize

from latent_nas.analog.crossbar import analog_layers

NOISE = 0.038  # std as a part of the largest weight: that of programming to half of the largest conductance
CLIP = 2.0  # std of a layer's weights at which they are clipped; this project's choice


class NoisyWeight(nn.Module):
    """A weight clipped at ``CLIP`` of its std; while training with fresh Gaussian noise of ``NOISE`` of its largest."""

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """Return the weight in use."""
        with torch.no_grad():
            bound = float(CLIP * weight.std(correction=0)) or float("inf")
            size = min(float(weight.abs().max()), bound)
        used = weight.clamp(-bound, bound)
        return used + NOISE * size * torch.randn_like(used) if self.training else used


def make_aware(module: nn.Module) -> None:
    """Train the analog layers of a network noise-aware from now on."""
    for layer in analog_layers(module):
        parametrize.register_parametrization(layer, "weight", NoisyWeight())


def settle(module: nn.Module) -> None:
    """Take the clipped, noiseless weights of an aware network for good; nothing happens to any other."""
    module.eval()
    for layer in analog_layers(module):
        if parametrize.is_parametrized(layer, "weight"):
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)

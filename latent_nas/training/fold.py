"""Networks that have learnt with branches become those of their graphs, which compute the same and can learn on.

A norm that only adds would, in training, be one by the statistics of a batch: another function from the first step on.
So every norm holds the statistics of what it reads, and multiplies by as much as it divides by.
"""

from typing import cast

import numpy as np
import torch
from torch import nn

from latent_nas.training.branches import Branches, convolution_of
from latent_nas.training.network import Network


@torch.no_grad()
def fold(model: Network, x: np.ndarray) -> Network:
    """Return the network of the graph alone that computes the same, on the CPU; draws from torch's generator.

    Args:
        x: inputs (n, h, w, c), whose statistics its norms get, so that it can learn on from what it computes.
    """
    plain = Network(model.graph).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    pairs: list[tuple[nn.Conv2d, nn.BatchNorm2d]] = []
    for node, (own, learnt) in enumerate(zip(plain.operators, model.operators, strict=True)):
        if not isinstance(learnt, (Branches, nn.Identity)):
            own.load_state_dict(learnt.state_dict())
        if isinstance(learnt, Branches):
            convolution, (after,) = convolution_of(own), model.graph.readers(model.graph.nodes[node])
            norm = cast(nn.BatchNorm2d, plain.operators[after.id])
            weight, bias = learnt.folded()
            convolution.weight.copy_(weight)
            if convolution.bias is not None:
                convolution.bias.zero_()
            norm.bias.copy_(bias)
            pairs.append((convolution, norm))
            _stand(norm, torch.zeros_like(bias), torch.ones_like(bias) - norm.eps)
    moments = _moments(plain, [convolution for convolution, _ in pairs], x)
    for (_, norm), (mean, variance) in zip(pairs, moments, strict=True):
        _stand(norm, mean, variance)
    return plain


def _stand(norm: nn.BatchNorm2d, mean: torch.Tensor, variance: torch.Tensor) -> None:
    """Give a norm that multiplies by 1 the statistics (filters,) of what it reads; it adds what it adds to a 0."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.copy_((norm.running_var.double() + norm.eps).sqrt())
    norm.bias.add_(norm.running_mean)


def _moments(model: Network, convolutions: list[nn.Conv2d], x: np.ndarray) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return mean and variance of every channel of what convolutions make of inputs x, (filters,) each, float64."""
    sums: dict[nn.Module, tuple[int, torch.Tensor, torch.Tensor]] = {}

    def add(module: nn.Module, _: object, output: torch.Tensor) -> None:
        values = output.double().transpose(0, 1).flatten(1)
        many, total, squares = sums.get(module, (0, torch.zeros(()), torch.zeros(())))
        sums[module] = many + values.shape[1], total + values.sum(dim=1), squares + values.square().sum(dim=1)

    hooks = [convolution.register_forward_hook(add) for convolution in convolutions]
    model.outputs(x)
    for hook in hooks:
        hook.remove()
    found = [sums[convolution] for convolution in convolutions]
    return [(total / n, (squares / n - (total / n).square()).clamp(min=0)) for n, total, squares in found]

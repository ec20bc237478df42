"""A whitened first layer: a new network's first convolution begins with the eigenvectors of patches of the data.

Its first filters are the principal components of what its windows see, each divided by the patches' spread along it and
each with both signs, as an activation behind them may cut one off (Page 2019; Jordan 2024). Filters beyond that stay
as they were drawn. All of them go on learning.
"""

from typing import cast

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from latent_nas.graph import Graph, Node
from latent_nas.operators.conv2d import Conv2d
from latent_nas.training import Unsuited
from latent_nas.training.network import Network

Pair = tuple[int, int]
SAMPLES, AT_ONCE = 256, 8  # of the training data, evenly spaced
LEAST = 1e-3  # of the largest variance, added to all: components that are next to nothing are no louder than this


def check(graph: Graph) -> None:
    """Raise Unsuited where a network does not begin with a convolution of all channels."""
    _first(graph)


@torch.no_grad()
def whiten(model: Network, x: np.ndarray) -> None:
    """Give a new network's first convolution its weights, by the training data x (n, h, w, c); draws nothing.

    Raises:
        Unsuited: it has no convolution, or one in groups.
    """
    module = model.operators[_first(model.graph).id]
    convolution = cast(nn.Conv2d, module[-1] if isinstance(module, nn.Sequential) else module)
    variances, vectors = torch.linalg.eigh(_covariance(model, convolution, x[:: -(-len(x) // SAMPLES)]))
    vectors = vectors.T.flip(0)  # the largest first
    largest = vectors.gather(1, vectors.abs().argmax(dim=1, keepdim=True))
    vectors = vectors * largest.sign() / (variances.flip(0) + LEAST * variances[-1]).clamp(min=1e-12).sqrt()[:, None]
    pairs = torch.stack([vectors, -vectors], dim=1).flatten(0, 1)[: len(convolution.weight)]
    convolution.weight[: len(pairs)] = pairs.reshape(-1, *convolution.weight.shape[1:]).float()


def _covariance(model: Network, convolution: nn.Conv2d, x: np.ndarray) -> torch.Tensor:
    """Return the covariance (values, values) of a convolution's windows of inputs x (n, h, w, c), float64.

    Moments are added up a few images at a time: windows overlap, and all of them take many times the memory of images.
    """
    many, total, products = 0, torch.zeros(()), torch.zeros(())
    rows = cast(Pair, convolution.padding)

    def add(_: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        nonlocal many, total, products
        size = convolution.kernel_size
        windows = functional.unfold(given[0], cast(Pair, size), padding=rows, stride=cast(Pair, convolution.stride))
        values = windows.transpose(0, 1).flatten(1).double()
        many, total, products = many + values.shape[1], total + values.sum(dim=1), products + values @ values.T

    hook = convolution.register_forward_pre_hook(add)
    model.outputs(x, AT_ONCE)
    hook.remove()
    return (products - torch.outer(total, total) / many) / max(many - 1, 1)


def _first(graph: Graph) -> Node:
    node = next((node for node in graph.nodes if isinstance(node.operator, Conv2d)), None)
    if node is None or cast(Conv2d, node.operator).groups > 1:
        what = "has no convolution" if node is None else "begins with a convolution in groups"
        raise Unsuited(f"a whitened first layer is a convolution of all channels, and this network {what}; leave it")
    return node

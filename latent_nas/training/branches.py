"""Re-parameterised training: while it learns, a convolution is a sum of branches, which are one convolution afterwards.

A convolution and the batch norm behind it become several of both, beside them a 1x1 convolution and the input itself,
each with a batch norm (Ding et al. 2021, RepVGG; Vasu et al. 2023, MobileOne). All of these are linear once they have
learnt, so that their sum is one convolution: the network that is quantised, costs and firmware are those of the graph.
"""

from typing import cast

import torch
from torch import nn

from latent_nas.graph import Graph, Node
from latent_nas.operators.batch_norm import BatchNorm
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.window import pads
from latent_nas.training import Unsuited
from latent_nas.training.network import Network

Pair = tuple[int, int]


class Branches(nn.Module):
    """The sum of all branches of one convolution, NCHW.

    Attributes:
        wide, wide_norms: the convolution itself, several times. small: what sees the middle of a window alone, None
            where that is all of it or lies beside the image. straight: the norm of the input, None where shapes differ.
    """

    def __init__(self, graph: Graph, node: Node, first: nn.Module, epsilon: float, copies: int) -> None:
        """Draw the branches of a node from torch's generator.

        Args:
            first: the node's own module, which is taken for the first copy. epsilon: of the norms.
        """
        super().__init__()
        operator, (shape,) = cast(Conv2d, node.operator), graph.shapes_into(node)
        more = [operator.module(shape) for _ in range(copies - 1)]
        self.wide = nn.ModuleList([first, *more])
        self._tap, self._size, self._crop = _middle(operator, shape, node.shape)
        inside = all(one.start >= 0 and one.stop <= side for one, side in zip(self._crop, shape, strict=False))
        self.small: nn.Module | None = None
        if inside and self._size != operator.kernel_size:
            self.small = nn.Conv2d(
                shape[2], operator.filters, self._size, operator.stride, groups=operator.groups, bias=False
            )
        kept = shape == node.shape and operator.stride == (1, 1)
        passes = kept and self._size == (1, 1) and all(one.start == 0 for one in self._crop)
        many = copies + bool(self.small) + passes

        def norm() -> nn.BatchNorm2d:
            made = nn.BatchNorm2d(operator.filters, eps=epsilon)
            nn.init.constant_(made.weight, many**-0.5)  # their sum begins as loud as one
            return made

        self.wide_norms = nn.ModuleList(norm() for _ in range(copies))
        self.small_norm = norm() if self.small else None
        self.straight = norm() if passes else None

    @property
    def many(self) -> int:
        """The number of branches."""
        return len(self.wide) + bool(self.small) + bool(self.straight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the sum (n, filters, h_out, w_out) of the branches of x (n, channels, h, w)."""
        total: torch.Tensor = sum(norm(one(x)) for one, norm in zip(self.wide, self.wide_norms, strict=True))
        if self.small is not None and self.small_norm is not None:
            rows, columns = self._crop
            total = total + self.small_norm(self.small(x[:, :, rows, columns]))
        return total if self.straight is None else total + self.straight(x)

    @torch.no_grad()
    def folded(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return weight (filters, channels / groups, h, w) and bias (filters,) of the one convolution, float64."""
        pairs = [_folded(convolution_of(one), norm) for one, norm in zip(self.wide, self.wide_norms, strict=True)]
        weight = torch.stack([w for w, _ in pairs]).sum(0)
        bias = torch.stack([b for _, b in pairs]).sum(0)
        (i, j), (height, width) = self._tap, self._size
        if self.small is not None:
            own, moved = _folded(convolution_of(self.small), self.small_norm)
            weight[:, :, i : i + height, j : j + width] += own
            bias += moved
        if self.straight is not None:
            factor, moved = _affine(self.straight)
            filters = torch.arange(len(weight), device=weight.device)
            weight[filters, filters % weight.shape[1], i, j] += factor
            bias += moved
        return weight, bias


def branched(graph: Graph) -> list[tuple[Node, Node]]:
    """Return the convolutions of a graph that can have branches, each with the batch norm that alone reads it."""
    pairs = []
    for node in graph.nodes:
        readers = graph.readers(node)
        alone = len(readers) == 1 and isinstance(readers[0].operator, BatchNorm)
        if isinstance(node.operator, Conv2d) and alone and not node.operator.activation:
            pairs.append((node, readers[0]))
    return pairs


def check(copies: int, graph: Graph) -> None:
    """Raise Unsuited where a graph has no convolution that can have branches."""
    if copies and not branched(graph):
        raise Unsuited(
            "branches are for convolutions with a batch norm behind them, and this network has none; leave branches out"
        )


def branch(model: Network, copies: int) -> None:
    """Put branches in place of a new network's convolutions and their norms; draws from torch's generator.

    Args:
        copies: of the convolution itself, beside which the other branches stand.

    Raises:
        Unsuited: there is no convolution with a batch norm behind it.
    """
    check(copies, model.graph)
    for node, norm in branched(model.graph):
        epsilon = cast(BatchNorm, norm.operator).epsilon
        made = Branches(model.graph, node, model.operators[node.id], epsilon, copies)
        if made.many > 1:
            model.operators[node.id], model.operators[norm.id] = made, nn.Identity()


def _middle(operator: Conv2d, shape: tuple[int, ...], made: tuple[int, ...]) -> tuple[Pair, Pair, tuple[slice, slice]]:
    """Return the first tap and the size of what the small branch sees of a window, and the part of the input it reads.

    It sees one tap along an axis, or all of them where a window is as long as the image, as that of a series' columns.
    """
    before = pads(shape[0], shape[1], operator.kernel_size, operator.stride, operator.padding)[::2]
    taps, sizes, crops = [], [], []
    for axis, (kernel, stride) in enumerate(zip(operator.kernel_size, operator.stride, strict=True)):
        whole = kernel == shape[axis] and made[axis] == 1
        tap, size = (0, kernel) if whole else ((kernel - 1) // 2, 1)
        start = tap - before[axis]
        taps.append(tap)
        sizes.append(size)
        crops.append(slice(start, start + (made[axis] - 1) * stride + size))
    return (taps[0], taps[1]), (sizes[0], sizes[1]), (crops[0], crops[1])


def convolution_of(module: nn.Module) -> nn.Conv2d:
    """Return the convolution of an operator's module, which may pad before."""
    return cast(nn.Conv2d, module[-1] if isinstance(module, nn.Sequential) else module)


def _affine(norm: nn.Module | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what a norm multiplies by and adds, (filters,) each, float64."""
    norm = cast(nn.BatchNorm2d, norm)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    factor = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    return factor, norm.bias.double() - norm.running_mean.double() * factor


def _folded(convolution: nn.Conv2d, norm: nn.Module | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weight and bias of a convolution with the norm behind it, float64."""
    factor, moved = _affine(norm)
    bias = moved if convolution.bias is None else moved + convolution.bias.double() * factor
    return convolution.weight.double() * factor.reshape(-1, 1, 1, 1), bias

"""Muon: momentum made orthogonal, so that every direction of a weight learns as fast as any other (Jordan et al. 2024).

A convolution's weight is the matrix of its filters by what each of them reads. What is no such matrix (norms, biases,
depthwise filters, embeddings) learns by AdamW, at the same rate.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from latent_nas.operators._float import Transposed

MOMENTUM = 0.95
TIMES, A, B, C = 5, 3.4445, -4.7750, 2.0315  # of the iteration a x + (b xx' + c (xx')^2) x, as Jordan et al. chose them
RMS = 0.2  # of a step at rate 1, about that of AdamW, whose rates and decay then serve (Liu et al. 2025)


class Muon(torch.optim.Optimizer):
    """Steps of groups of parameters: "orthogonal" ones, which are matrices or weights of convolutions, and others."""

    def __init__(self, groups: Iterable[dict[str, Any]], lr: "float | torch.Tensor", capturable: bool = False) -> None:
        """Take groups of parameters, each with its "weight_decay", which is decoupled, and "orthogonal".

        Args:
            lr: the learning rate; a tensor () where a CUDA graph is to read it.
            capturable: whether steps may be captured in CUDA graphs.
        """
        super().__init__(groups, {"lr": lr, "weight_decay": 0.0, "orthogonal": False, "capturable": capturable})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Take a step along the gradients that are there; ``closure`` is not called."""
        for group in self.param_groups:
            if given := [p for p in group["params"] if p.grad is not None]:
                move = self._turned if group["orthogonal"] else self._scaled
                move(given, [p.grad for p in given], group["lr"], group["weight_decay"])

    def _turned(
        self, weights: list[torch.Tensor], gradients: list[Any], rate: "float | torch.Tensor", decay: float
    ) -> None:
        momentum = [self._kept(weight, "momentum") for weight in weights]
        torch._foreach_lerp_(momentum, gradients, 1 - MOMENTUM)
        torch._foreach_mul_(weights, 1 - rate * decay)
        for weight, ahead in zip(weights, torch._foreach_lerp(gradients, momentum, MOMENTUM), strict=True):
            rows = ahead.movedim(1, -1)  # channels last, as it lies
            matrix = rows.reshape(len(rows), -1)
            step = orthogonal(matrix).reshape(rows.shape).movedim(-1, 1)
            weight.sub_(step * (rate * RMS * max(matrix.shape) ** 0.5))

    def _scaled(
        self, values: list[torch.Tensor], gradients: list[Any], rate: "float | torch.Tensor", decay: float
    ) -> None:
        first, second = ([self._kept(value, name) for value in values] for name in ("exp_avg", "exp_avg_sq"))
        counts = [self._kept(value, "step", ()) for value in values]
        torch._foreach_add_(counts, 1)
        torch._fused_adamw_(
            values, gradients, first, second, [], counts, lr=rate, beta1=0.9, beta2=0.999, weight_decay=decay,
            eps=1e-8, amsgrad=False, maximize=False,
        )  # fmt: skip

    def _kept(self, parameter: torch.Tensor, name: str, shape: tuple[int, ...] | None = None) -> torch.Tensor:
        state = self.state[parameter]
        if name not in state:
            like = torch.zeros_like(parameter)
            state[name] = like if shape is None else like.new_zeros(shape, dtype=torch.float32)
        kept: torch.Tensor = state[name]
        return kept


def matrices(model: nn.Module) -> list[torch.Tensor]:
    """Return the weights of a model's dense layers and of those convolutions whose filters read all channels."""
    kinds = (nn.Linear, nn.Conv2d, Transposed)
    layers = [m for m in model.modules() if isinstance(m, kinds) and getattr(m, "groups", 1) == 1]
    return [_learnt(layer) for layer in layers]


def _learnt(layer: nn.Module) -> torch.Tensor:
    """Return the parameter behind a layer's weight, which may be made of it, as of a noisy one."""
    made_of = "parametrizations.weight.original" if parametrize.is_parametrized(layer, "weight") else "weight"
    return layer.get_parameter(made_of)


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """Return a matrix (n, m) with the same singular vectors and singular values near 1.

    They lie between 0.6 and 1.3, but for those that are less than some thousandth of the matrix's norm.
    """
    wide = matrix.T if len(matrix) > matrix.shape[1] else matrix
    x = wide / (wide.norm() + 1e-7)
    for _ in range(TIMES):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=B, alpha=C), x, beta=A)
    return x.T if wide is not matrix else x

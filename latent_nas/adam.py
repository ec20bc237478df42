"""Adam and AdamW as torch.optim steps, without torch.optim: that imports torch's compiler, 1.8 s of CPU per process."""

from collections.abc import Sequence
from itertools import pairwise
from math import cos, pi
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


class Adam:
    """The steps of Kingma and Ba 2015 by torch's own fused kernel, bit for bit those of ``torch.optim``.

    Args:
        parameters: that have a gradient at every step. decay: of weights, decoupled (Loshchilov and Hutter 2019).
    """

    def __init__(self, parameters: "Sequence[torch.Tensor]", decay: float = 0.0) -> None:
        import torch

        self._parameters, self._decay = list(parameters), decay
        self._means, self._squares = ([torch.zeros_like(p) for p in self._parameters] for _ in range(2))
        self._steps = [torch.zeros(()) for _ in self._parameters]

    def step(self, rate: float, beta: float = 0.9) -> None:
        """Move the parameters against their gradients, which are then forgotten.

        Args:
            rate: of learning. beta: of the running mean of the gradients.
        """
        import torch

        with torch.no_grad():
            torch._foreach_add_(self._steps, 1)
            torch._fused_adamw_(
                self._parameters,
                [p.grad for p in self._parameters if p.grad is not None],
                self._means,
                self._squares,
                [],
                self._steps,
                lr=rate,
                beta1=beta,
                beta2=0.999,
                weight_decay=self._decay,
                eps=1e-8,
                amsgrad=False,
                maximize=False,
            )
        for parameter in self._parameters:
            parameter.grad = None


def one_cycle(peak: float, steps: int, rising: float) -> list[tuple[float, float]]:
    """Return rate and beta of each step as ``torch.optim.lr_scheduler.OneCycleLR`` has them (Smith and Topin 2018).

    Args:
        peak: of the rate. rising: share of the steps until then.
    """
    start, top, end = (peak / 25, 0.95), (peak, 0.85), (peak / 25 / 1e4, 0.95)
    turns = (0.0, rising * steps - 1, steps - 1.0)
    found = []
    for step in range(steps):
        part = 0 if step <= turns[1] else 1
        low, high = list(pairwise(turns))[part]
        share = (step - low) / (high - low) if high > low else 1.0
        before, after = ((start, top), (top, end))[part]
        rate, beta = (b + (a - b) / 2.0 * (cos(pi * share) + 1) for a, b in zip(before, after, strict=True))
        found.append((rate, beta))
    return found

"""What one step of a training is given."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import torch

from latent_nas.accelerator import CUDA


@dataclass(frozen=True)
class Batch:
    """Samples of the training part, as they are or as something was made of them; n of them.

    Attributes:
        rows: their numbers (n,). inputs, targets: what was made of them, (n, ...) each; None: they are as they are.
        others: for each the place in the batch of the one that it is mixed with, (n,), None where none are; shares: of
            the loss with its own targets and with the other's, (2,).
    """

    rows: torch.Tensor
    inputs: torch.Tensor | None = None
    targets: torch.Tensor | None = None
    others: torch.Tensor | None = None
    shares: torch.Tensor | None = None

    def tensors(self) -> Iterator[torch.Tensor]:
        """Yield those that there are."""
        yield from (value for field in fields(self) if (value := getattr(self, field.name)) is not None)

    @property
    def form(self) -> tuple[tuple[int, ...] | None, ...]:
        """The shape of each, None of what is not there."""
        values = (getattr(self, field.name) for field in fields(self))
        return tuple(None if value is None else tuple(value.shape) for value in values)

    def to(self, device: torch.device) -> "Batch":
        """Return it on a device; what comes from the CPU is on its way to a CUDA device while others compute."""
        if device.type != CUDA:
            return self if device.type == self.rows.device.type else self._each(lambda value: value.to(device))
        return self._each(lambda v: v if v.is_cuda else v.pin_memory().to(device, non_blocking=True))

    def clone(self) -> "Batch":
        """Return a copy in memory of its own."""
        return self._each(torch.clone)

    def take(self, other: "Batch") -> None:
        """Copy another one of the same form into this one's memory."""
        for own, given in zip(self.tensors(), other.tensors(), strict=True):
            own.copy_(given)

    def _each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "Batch":
        rest = (self.inputs, self.targets, self.others, self.shares)
        return Batch(change(self.rows), *(None if value is None else change(value) for value in rest))

"""Float modules that torch does not have in the form needed here. Imported only where a network is built."""

import torch
from torch import nn
from torch.nn import functional


class Sum(nn.Module):
    """Adds its two inputs."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Return a + b."""
        return a + b


class Zeros(nn.Module):
    """Gives zeros."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return zeros shaped as x."""
        return torch.zeros_like(x)


class Concatenate(nn.Module):
    """Joins its inputs along the channels."""

    def forward(self, *xs: torch.Tensor) -> torch.Tensor:
        """Return (n, sum of channels, ...)."""
        return torch.cat(xs, dim=1)


class FlattenChannelsLast(nn.Module):
    """Flattens an image in the order in which a microcontroller stores it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, h * w * c) of (n, c, h, w)."""
        return (x.permute(0, 2, 3, 1) if x.ndim == 4 else x).flatten(1)


class WindowMean(nn.Module):
    """Average pooling that counts only the pixels inside the image, for any padding."""

    def __init__(self, kernel: tuple[int, int], stride: tuple[int, int], pads: tuple[int, int, int, int]) -> None:
        super().__init__()
        top, bottom, left, right = pads
        self.kernel, self.stride, self.pads = kernel, stride, (left, right, top, bottom)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, c, h_out, w_out)."""
        total = functional.avg_pool2d(functional.pad(x, self.pads), self.kernel, self.stride)
        count = functional.avg_pool2d(functional.pad(torch.ones_like(x[:1, :1]), self.pads), self.kernel, self.stride)
        return total / count

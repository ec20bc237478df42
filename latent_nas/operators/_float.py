"""Float modules that torch does not have in the form needed here. Imported only where a network is built."""

import torch
from torch import nn
from torch.nn import functional

from latent_nas.operators.formula import evaluate, torch_library


class Sum(nn.Module):
    """Adds its two inputs."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Return a + b."""
        return a + b


class Difference(nn.Module):
    """Subtracts its second input from its first."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Return a - b."""
        return a - b


class Product(nn.Module):
    """Multiplies its two inputs; the second may be one value per channel (n, c)."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Return a * b, shaped as a."""
        return a * (b[:, :, None, None] if b.ndim < a.ndim else b)


class Part(nn.Module):
    """Takes a part of its input."""

    def __init__(self, begin: tuple[int, ...], size: tuple[int, ...]) -> None:
        super().__init__()
        self.begin, self.size = begin, size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, c, h, w) or (n, c) of the part."""
        parts = [slice(b, b + s) for b, s in zip(self.begin, self.size, strict=True)]
        part = (slice(None), parts[-1], *parts[:-1])
        return x[part]


class ZeroPad(nn.Module):
    """Puts zeros around its input."""

    def __init__(self, before: tuple[int, ...], after: tuple[int, ...]) -> None:
        super().__init__()
        pairs = list(zip(before, after, strict=True))
        order = [pairs[1], pairs[0], pairs[2]] if len(pairs) == 3 else pairs
        self.pads = [n for pair in order for n in pair]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the padded (n, c, h, w) or (n, c)."""
        return functional.pad(x, self.pads)


class OfOneChannel(nn.Conv2d):
    """A convolution of one channel, with steps along the width alone.

    One channel may lie first or last, which torch decides by strides; told that it lies last, oneDNN (torch 2.13,
    AVX-512) reads beyond narrow images and gives other sums each time. Here it lies first.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, filters, h_out, w_out)."""
        plain, weight = (v.reshape(len(v), -1).view(v.shape) for v in (x, self.weight))
        return functional.conv2d(plain, weight, self.bias, self.stride, self.padding)


class Grouped(nn.Conv2d):
    """A convolution of groups of channels, in float32 in mixed precision too.

    In bfloat16 oneDNN (torch 2.13) takes up to eight times as long for them, for other ones half as long.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, filters, h_out, w_out)."""
        kind = x.device.type
        if not (torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)):
            return super().forward(x)
        with torch.autocast(kind, enabled=False):
            return super().forward(x.float())


class Transposed(nn.Module):
    """Transposed convolution; weights are (filters, channels, height, width), as those of a convolution."""

    def __init__(
        self,
        channels: int,
        filters: int,
        kernel: tuple[int, int],
        stride: tuple[int, int],
        crop: tuple[int, int, int, int],
        bias: bool,
    ) -> None:
        super().__init__()
        drawn = nn.Conv2d(channels, filters, kernel, bias=bias)  # torch's own way to begin
        self.weight, self.bias = drawn.weight, drawn.bias
        top, bottom, left, right = crop
        self.stride, self.pads = stride, (-left, -right, -top, -bottom)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, filters, h_out, w_out)."""
        whole = functional.conv_transpose2d(x, self.weight.transpose(0, 1), None, self.stride)
        y = functional.pad(whole, self.pads)
        return y if self.bias is None else y + self.bias[:, None, None]


class LastNorm(nn.LayerNorm):
    """Layer norm over the features of tokens (n, tokens, features), or the channels of an image (n, c, h, w)."""

    def __init__(self, features: int, epsilon: float) -> None:
        super().__init__(features, eps=epsilon)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the normalised tensor, shaped as x."""
        return super().forward(x.movedim(1, -1)).movedim(-1, 1) if x.ndim == 4 else super().forward(x)


class Formula(nn.Module):
    """Evaluates a formula of every element."""

    def __init__(self, formula: str) -> None:
        super().__init__()
        self.formula = formula

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the formula makes of x."""
        result: torch.Tensor = evaluate(self.formula, x, torch_library())
        return result


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


class ReshapeChannelsLast(nn.Module):
    """Reshapes in the order in which a microcontroller stores a tensor."""

    def __init__(self, size: tuple[int, ...]) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, *size), an image NCHW, of (n, c, h, w) or (n, features)."""
        memory = x.permute(0, 2, 3, 1) if x.ndim == 4 else x
        made = memory.reshape(-1, *self.size)
        return made.permute(0, 3, 1, 2) if made.ndim == 4 else made


class Between(nn.Module):
    """Reads an image at rows and columns between its own, linear in between."""

    def __init__(self, rows: tuple[float, ...], columns: tuple[float, ...]) -> None:
        super().__init__()
        self.places = rows, columns

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, c, rows, columns)."""
        for axis, places in zip((2, 3), self.places, strict=True):
            place = torch.tensor(places, dtype=torch.float64)  # on the CPU: a Mac's GPU has no float64
            first = place.floor().long()
            share = (place - first).to(x.device, x.dtype).reshape(-1, *[1] * (3 - axis))
            first = first.to(x.device)
            second = (first + 1).clamp(max=x.shape[axis] - 1)
            before = x.index_select(axis, first)
            x = before + (x.index_select(axis, second) - before) * share
        return x

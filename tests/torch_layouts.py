"""The layouts of four networks of torchvision, with random weights, of any width and for any input."""

import torch
from torch import nn


def _norm(filters: int, activation: type[nn.Module] | None = None) -> list[nn.Module]:
    return [nn.BatchNorm2d(filters), *([activation(inplace=True)] if activation else [])]


class BasicBlock(nn.Module):
    """Two convolutions and what they are added to."""

    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, filters, 3, stride, 1, bias=False),
            *_norm(filters, nn.ReLU),
            nn.Conv2d(filters, filters, 3, 1, 1, bias=False),
            *_norm(filters),
        )
        plain = stride == 1 and channels == filters
        shortcut = [] if plain else [nn.Conv2d(channels, filters, 1, stride, bias=False), *_norm(filters)]
        self.shortcut, self.relu = nn.Sequential(*shortcut), nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.relu(self.body(x) + self.shortcut(x))


def resnet18(width: float, outputs: int) -> nn.Module:
    """He et al. 2016: a large first window, four stages of two blocks."""
    f = [max(4, int(n * width)) for n in (64, 64, 128, 256, 512)]
    stem = [nn.Conv2d(3, f[0], 7, 2, 3, bias=False), *_norm(f[0], nn.ReLU), nn.MaxPool2d(3, 2, 1)]
    blocks = []
    for i in range(1, 5):
        blocks += [BasicBlock(f[i - 1], f[i], 1 if i == 1 else 2), BasicBlock(f[i], f[i], 1)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(f[4], outputs))


class Excitation(nn.Module):
    """A factor per channel."""

    def __init__(self, channels: int, inner: int, middle: type[nn.Module], gate: type[nn.Module]) -> None:
        super().__init__()
        layers = [
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, inner, 1),
            middle(),
            nn.Conv2d(inner, channels, 1),
            gate(),
        ]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x) * x


class Inverted(nn.Module):
    """Expansion, depthwise convolution, excitation, projection; the input added where it fits."""

    def __init__(
        self, c: int, wide: int, out: int, kernel: int, stride: int, act: type[nn.Module], excite: nn.Module | None
    ) -> None:
        super().__init__()
        expand = [] if wide == c else [nn.Conv2d(c, wide, 1, bias=False), *_norm(wide, act)]
        depthwise = [nn.Conv2d(wide, wide, kernel, stride, kernel // 2, groups=wide, bias=False), *_norm(wide, act)]
        project = [nn.Conv2d(wide, out, 1, bias=False), *_norm(out)]
        self.layers = nn.Sequential(*expand, *depthwise, *([excite] if excite else []), *project)
        self.plain = stride == 1 and c == out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x) if self.plain else self.layers(x)


def mobilenet_v3_small(width: float, outputs: int) -> nn.Module:
    """Howard et al. 2019, table 2."""
    rows = [(3, 16, 16, 1, 0, 2), (3, 72, 24, 0, 0, 2), (3, 88, 24, 0, 0, 1), (5, 96, 40, 1, 1, 2)]
    rows += [(5, 240, 40, 1, 1, 1)] * 2 + [(5, 120, 48, 1, 1, 1), (5, 144, 48, 1, 1, 1), (5, 288, 96, 1, 1, 2)]
    rows += [(5, 576, 96, 1, 1, 1)] * 2

    def scaled(n: int) -> int:
        return max(4, int(n * width))

    c = scaled(16)
    layers: list[nn.Module] = [nn.Conv2d(3, c, 3, 2, 1, bias=False), *_norm(c, nn.Hardswish)]
    for kernel, wide, out, excited, hard, stride in rows:
        w, o = scaled(wide), scaled(out)
        excite = Excitation(w, max(2, w // 4), nn.ReLU, nn.Hardsigmoid) if excited else None
        layers.append(Inverted(c, w, o, kernel, stride, nn.Hardswish if hard else nn.ReLU, excite))
        c = o
    last = scaled(576)
    layers += [nn.Conv2d(c, last, 1, bias=False), *_norm(last, nn.Hardswish), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(
        *layers, nn.Linear(last, scaled(1024)), nn.Hardswish(), nn.Dropout(), nn.Linear(scaled(1024), outputs)
    )


class Fire(nn.Module):
    """A narrow convolution, then two that are joined."""

    def __init__(self, channels: int, narrow: int, wide: int) -> None:
        super().__init__()
        self.squeeze = nn.Sequential(nn.Conv2d(channels, narrow, 1), nn.ReLU(inplace=True))
        self.one = nn.Sequential(nn.Conv2d(narrow, wide, 1), nn.ReLU(inplace=True))
        self.three = nn.Sequential(nn.Conv2d(narrow, wide, 3, padding=1), nn.ReLU(inplace=True))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.squeeze(x)
        return torch.cat([self.one(x), self.three(x)], 1)


def squeezenet(width: float, outputs: int) -> nn.Module:
    """Iandola et al. 2016, version 1.1."""

    def scaled(n: int) -> int:
        return max(2, int(n * width))

    c, fires = scaled(64), [(16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256)]
    layers: list[nn.Module] = [nn.Conv2d(3, c, 3, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, ceil_mode=True)]
    for i, (narrow, wide) in enumerate(fires):
        layers.append(Fire(c, scaled(narrow), scaled(wide)))
        c = 2 * scaled(wide)
        layers += [nn.MaxPool2d(3, 2, ceil_mode=True)] if i in (1, 3) else []
    return nn.Sequential(
        *layers, nn.Dropout(), nn.Conv2d(c, outputs, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


def efficientnet_b0(width: float, outputs: int) -> nn.Module:
    """Tan and Le 2019, table 1, its blocks not repeated below full width."""
    rows = [
        (1, 3, 1, 16, 1),
        (6, 3, 2, 24, 2),
        (6, 5, 2, 40, 2),
        (6, 3, 2, 80, 3),
        (6, 5, 1, 112, 3),
        (6, 5, 2, 192, 4),
    ]
    rows.append((6, 3, 1, 320, 1))

    def scaled(n: int) -> int:
        return max(4, int(n * width))

    c = scaled(32)
    layers: list[nn.Module] = [nn.Conv2d(3, c, 3, 2, 1, bias=False), *_norm(c, nn.SiLU)]
    for expansion, kernel, stride, filters, repeats in rows:
        for i in range(repeats if width >= 1 else 1):
            excite = Excitation(c * expansion, max(2, c // 4), nn.SiLU, nn.Sigmoid)
            out = scaled(filters)
            layers.append(Inverted(c, c * expansion, out, kernel, 1 if i else stride, nn.SiLU, excite))
            c = out
    last = scaled(1280)
    layers += [nn.Conv2d(c, last, 1, bias=False), *_norm(last, nn.SiLU), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Dropout(), nn.Linear(last, outputs))


LAYOUTS = {f.__name__: f for f in (resnet18, mobilenet_v3_small, squeezenet, efficientnet_b0)}


def layout(name: str, width: float, outputs: int = 10) -> nn.Module:
    """Return a network in evaluation mode, its norms as if they had seen data."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = LAYOUTS[name](width, outputs).eval()
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
    return net

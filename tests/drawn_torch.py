"""Small torch networks at random, as people write them, and their ONNX files by torch's two exporters."""

import io
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import torch
from torch import nn

ACTIVATIONS = [nn.ReLU, nn.ReLU6, nn.Hardswish, nn.SiLU, nn.LeakyReLU, nn.ELU, nn.Hardsigmoid, nn.Tanh, nn.Sigmoid]
ACTIVATIONS += [nn.GELU, nn.Hardtanh, nn.Softplus, nn.ReLU, nn.ReLU, nn.ReLU6]
SHAPES = [(3, 16, 16), (1, 10, 14), (2, 9, 9), (6, 32), (1, 20), (12,)]


class Block(nn.Module):
    """A convolution with what follows it: x + f(x), x * gate(x), [x, f(x)], or f(x) alone."""

    def __init__(self, random: np.random.Generator, channels: int, filters: int, rank: int) -> None:
        super().__init__()
        convolution = nn.Conv2d if rank == 3 else nn.Conv1d
        norm = nn.BatchNorm2d if rank == 3 else nn.BatchNorm1d
        self.way = str(random.choice(["plain", "plain", "sum", "gate", "join", "shuffle", "pad"]))
        kernel = int(random.choice([1, 3, 5]))
        filters = channels if self.way == "sum" else filters
        groups = channels if random.random() < 0.3 and filters % channels == 0 else 1
        stride = 1 if self.way in ("sum", "gate", "join") else int(random.choice([1, 2]))
        padding = int(random.integers(0, kernel)) if self.way in ("plain", "pad", "shuffle") else kernel // 2
        layers: list[nn.Module] = [convolution(channels, filters, kernel, stride, padding, groups=groups)]
        layers += [norm(filters)] if random.random() < 0.6 else []
        layers += [ACTIVATIONS[random.integers(len(ACTIVATIONS))]()] if random.random() < 0.8 else []
        if random.random() < 0.2:
            layers.reverse() if groups == 1 and filters == channels else None
        self.layers = nn.Sequential(*layers)
        one = nn.AdaptiveAvgPool2d(1) if rank == 3 else nn.AdaptiveAvgPool1d(1)
        squeeze = max(1, filters // 2)
        self.gate = nn.Sequential(
            one, convolution(filters, squeeze, 1), nn.ReLU(), convolution(squeeze, filters, 1), nn.Sigmoid()
        )
        self.pad = nn.ZeroPad2d((0, 1, 0, 1)) if rank == 3 else nn.ConstantPad1d((1, 1), 0.0)
        self.filters = filters + channels if self.way == "join" else filters

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made = self.layers(self.pad(x) if self.way == "pad" else x)
        if self.way == "sum":
            return x + made
        if self.way == "gate":
            return made * self.gate(made)
        if self.way == "join":
            return torch.cat([x, made], dim=1)
        if self.way == "shuffle" and made.shape[1] % 2 == 0:
            n, c = made.shape[:2]
            return made.view(n, 2, c // 2, *made.shape[2:]).transpose(1, 2).reshape(made.shape)
        return made


class Net(nn.Module):
    """Blocks, pooling in between, a vector in one of the usual ways, dense layers, perhaps a closing function."""

    def __init__(self, random: np.random.Generator) -> None:
        super().__init__()
        self.shape = SHAPES[random.integers(len(SHAPES))]
        rank, channels, layers = len(self.shape), self.shape[0], []
        self.mean = float(random.normal()) if random.random() < 0.3 else None
        pools = {3: [nn.MaxPool2d(2), nn.AvgPool2d(2, ceil_mode=True), nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(3, 1, 1)]}
        pools[2] = [nn.MaxPool1d(2), nn.AvgPool1d(2), nn.MaxPool1d(3, 2, 1)]
        for _ in range(int(random.integers(1, 4)) if rank > 1 else 0):
            block = Block(random, channels, int(random.choice([4, 6, 8])), rank)
            layers.append(block)
            channels = block.filters
            if random.random() < 0.3:
                layers.append(pools[rank][random.integers(len(pools[rank]))])
        if random.random() < 0.15 and rank == 3:
            layers += [nn.Upsample(scale_factor=2), nn.Conv2d(channels, channels, 3, padding=1)]
        if random.random() < 0.1 and rank == 3:
            layers.append(nn.ConvTranspose2d(channels, channels, 2, 2))
        self.layers = nn.Sequential(*layers).eval()
        self.way = str(random.choice(["mean", "view", "flatten", "reshape", "pool"])) if rank > 1 else "none"
        with torch.no_grad():
            features = self.vector(self.layers(torch.zeros(1, *self.shape))).shape[1]
        hidden = [nn.Linear(features, 8), ACTIVATIONS[random.integers(len(ACTIVATIONS))](), nn.Dropout()]
        norm = [nn.BatchNorm1d(features)] if random.random() < 0.3 else []
        wide = [*norm, *hidden, nn.Linear(8, 5)]
        self.head = nn.Sequential(*(wide if random.random() < 0.5 or rank == 1 else [*norm, nn.Linear(features, 5)]))
        ends = [nn.Identity(), nn.Identity(), nn.Softmax(1), nn.Sigmoid(), nn.LogSoftmax(1)]
        self.end = ends[random.integers(len(ends))]

    def vector(self, x: torch.Tensor) -> torch.Tensor:
        if self.way == "mean":
            return x.mean(dim=tuple(range(2, x.ndim)))
        if self.way == "view":
            return x.view(x.size(0), -1)
        if self.way == "reshape":
            return x.permute(0, *range(2, x.ndim), 1).reshape(x.shape[0], -1)
        if self.way == "pool":
            x = x.amax(-1, keepdim=True) if x.ndim == 3 else nn.functional.adaptive_avg_pool2d(x, 1)
        return torch.flatten(x, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.mean is not None:
            x = (x - self.mean) / 1.7
        return self.end(self.head(self.vector(self.layers(x))))


def network(seed: int) -> Net:
    """Return a random network that can take its input, its norms as after training."""
    for attempt in range(100):
        random = np.random.default_rng([seed, attempt])
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            try:
                net = Net(random).eval()
            except RuntimeError:  # a window that does not fit
                continue
            for module in net.modules():
                if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                    module.running_mean.normal_(0, 0.3)
                    module.running_var.uniform_(0.5, 2)
            return net
    raise AssertionError(f"no network of seed {seed}")


def exported(seed: int, path: Path, dynamo: bool) -> None:
    """Write a random network by one of torch's exporters."""
    net, random = network(seed), np.random.default_rng(seed)
    x, opset = torch.zeros(1, *net.shape), int(random.integers(18, 21) if dynamo else random.integers(9, 21))
    axes = {} if dynamo or random.random() < 0.5 else {"dynamic_axes": {"x": {0: "n"}}}
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net, (x,), str(path), input_names=["x"], output_names=["y"], opset_version=opset, dynamo=dynamo, **axes
        )

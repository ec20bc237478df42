"""Small networks of the kinds that other people have, as PyTorch exports them and onnxruntime rounds them."""

import io
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from latent_nas import seeds


class Gated(nn.Module):
    """A mobile block: expansion, depthwise convolution, squeeze-and-excitation, projection, residual."""

    def __init__(self, act, gate) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), act())
        self.wide = nn.Sequential(nn.Conv2d(8, 12, 1, bias=False), nn.BatchNorm2d(12), act())
        self.deep = nn.Sequential(nn.Conv2d(12, 12, 3, 1, 1, groups=12, bias=False), nn.BatchNorm2d(12), act())
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(12, 4, 1), nn.ReLU(), nn.Conv2d(4, 12, 1), gate())
        self.slim = nn.Sequential(nn.Conv2d(12, 8, 1, bias=False), nn.BatchNorm2d(8))
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = self.stem(x)
        y = self.deep(self.wide(x))
        return self.head((x + self.slim(y * self.gate(y))).mean((2, 3)))


class Neck(nn.Module):
    """Two scales joined: enlarged and concatenated."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.LeakyReLU(0.1))
        self.coarse = nn.Sequential(nn.Conv2d(8, 12, 3, 2, 1), nn.LeakyReLU(0.1), nn.Conv2d(12, 8, 1))
        self.out = nn.Conv2d(16, 6, 3, 1, 1)

    def forward(self, x):
        fine = self.fine(x)
        coarse = functional.interpolate(self.coarse(fine), scale_factor=2, mode="nearest")
        return self.out(torch.cat([coarse, fine], 1))


class Hourglass(nn.Module):
    """Down and up again by a transposed convolution, with a batch norm behind it."""

    def __init__(self, *transposed: int) -> None:
        super().__init__()
        self.fine = nn.Sequential(nn.Conv2d(3, 6, 3, 1, 1), nn.ReLU())
        self.coarse = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(6, 10, 3, 1, 1), nn.ReLU())
        self.up = nn.Sequential(nn.ConvTranspose2d(10, 6, *transposed), nn.BatchNorm2d(6), nn.ReLU())
        self.out = nn.Conv2d(12, 2, 3, 1, 1)

    def forward(self, x):
        fine = self.fine(x)
        return self.out(torch.cat([self.up(self.coarse(fine)), fine], 1))


class Halves(nn.Module):
    """A half of the channels passes, as in ShuffleNet; a gated linear unit; a factor per pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.part = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(4, 4, 3, 1, 1)
        self.pixel, self.head = nn.Conv2d(4, 1, 1), nn.Linear(4, 5)

    def forward(self, x):
        first, second = self.stem(x).chunk(2, 1)
        x = functional.glu(torch.cat([first, functional.elu(self.part(second))], 1), 1)
        return self.head((x * torch.sigmoid(self.pixel(x))).amax((2, 3)))


class Shortcut(nn.Module):
    """The parameterless shortcut of a ResNet for CIFAR: every other pixel, channels of zeros; and a crop."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.down, self.head = nn.Conv2d(3, 4, 3, 1, 1), nn.Conv2d(4, 8, 3, 2, 1), nn.Linear(8, 5)

    def forward(self, x):
        x = functional.relu(self.stem(x))
        x = self.down(x) + functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 2, 2))
        return self.head(functional.relu(x[:, :, 1:, :-2]).mean((2, 3)))


class Function(nn.Module):
    """Any function of one value."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def layers(act) -> nn.Module:
    """Return a small network with an activation twice."""
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 3, 2, 1), act(), nn.Conv2d(8, 8, 3, 1, 1), act()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)),
    )


def slopes() -> nn.Module:
    made = nn.PReLU(8)
    made.weight.data = torch.linspace(-0.3, 1.2, 8)
    return made


IMAGE = (3, 12, 16)
NETWORKS = {
    "MobileNetV3": lambda: Gated(nn.Hardswish, nn.Hardsigmoid),
    "EfficientNet": lambda: Gated(nn.SiLU, nn.Sigmoid),
    "neck": Neck,
    "2x2": lambda: Hourglass(2, 2),
    "3x3": lambda: Hourglass(3, 2, 1, 1),
    "4x4": lambda: Hourglass(4, 2, 1),
    "halves": Halves,
    "shortcut": Shortcut,
    "PReLU": lambda: layers(slopes),
    "GELU": lambda: nn.Sequential(nn.Linear(12, 16), nn.GELU(), nn.Linear(16, 16), nn.GELU("tanh"), nn.Linear(16, 4)),
}
FUNCTIONS_OF_TORCH = {
    "leaky_relu(x, 0.1)": lambda: nn.LeakyReLU(0.1),
    "tanh(x)": nn.Tanh,
    "mish(x)": nn.Mish,
    "softplus(x)": nn.Softplus,
    "selu(x, 1.6732632, 1.050701)": nn.SELU,
    "x / (abs(x) + 1.0)": nn.Softsign,
    "x - tanh(x)": nn.Tanhshrink,
    "x * sigmoid(1.702 * x)": lambda: Function(lambda x: x * torch.sigmoid(1.702 * x)),
    "max(x, 0.1 * x)": lambda: Function(lambda x: torch.max(x, 0.1 * x)),
    "hard_swish": lambda: Function(lambda x: x * functional.relu6(x + 3) / 6),
    "silu(x)": lambda: Function(lambda x: x / (1 + torch.exp(-x))),
    "1 / (x * x + 0.5)": lambda: Function(lambda x: 1 / (x * x + 0.5)),
    "x ** 2.0": lambda: Function(lambda x: x**2),
}


def shape_of(name: str) -> tuple[int, ...]:
    return (12,) if name == "GELU" else IMAGE


@cache
def exported(name: str) -> tuple[bytes, np.ndarray]:
    """Return a network as PyTorch exports it, with drawn weights, and data."""
    file = io.BytesIO()
    with seeds.isolated(3), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = layers(FUNCTIONS_OF_TORCH[name]) if name in FUNCTIONS_OF_TORCH else NETWORKS[name]()
        for module in made.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.uniform_(-0.3, 0.3)
                module.running_var.uniform_(0.5, 2)
        example, names = torch.zeros(1, *shape_of(name)), {"input_names": ["x"], "output_names": ["y"]}
        torch.onnx.export(made.eval(), example, file, dynamo=False, opset_version=14, **names)
    return file.getvalue(), np.random.default_rng(0).normal(size=(16, *shape_of(name))).astype(np.float32)


def rounded(folder: Path, path: Path, x: np.ndarray, unsigned: bool) -> Path:
    """Round a float file as onnxruntime's own tool does."""
    import onnxruntime.quantization as tool

    class Reader(tool.CalibrationDataReader):
        def __init__(self) -> None:
            self.left = [{"x": one[None]} for one in x]

        def get_next(self):
            return self.left.pop() if self.left else None

    kind = tool.QuantType.QUInt8 if unsigned else tool.QuantType.QInt8
    settings = {"quant_format": tool.QuantFormat.QDQ, "per_channel": not unsigned, "activation_type": kind}
    tool.quantize_static(path, folder / "q.onnx", Reader(), weight_type=tool.QuantType.QInt8, **settings)
    return folder / "q.onnx"

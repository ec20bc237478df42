"""ResNet8, image classification of MLPerf Tiny (Banbury et al. 2021): 32x32x3 to 10 classes, 12.50 M MACs."""

from latent_nas.graph import Graph
from latent_nas.zoo._blocks import Blocks


def resnet8() -> Graph:
    """Return the float graph: a stem and three residual stages of 16, 32 and 64 channels."""
    b = Blocks((32, 32, 3))
    x = b.conv(0, 16, 3)
    for filters, stride in ((16, 1), (32, 2), (64, 2)):
        inner = b.conv(b.conv(x, filters, 3, stride), filters, 3, activation=None)
        short = x if stride == 1 else b.conv(x, filters, 1, stride, activation=None)
        x = b.add(short, inner, "relu")
    return b.classify(x, 10, mean=False)


Plugin = resnet8

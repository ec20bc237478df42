"""MiniResNet of the ST model zoo, one stack (file of 2024), audio events: 64x50x1 to 10 classes, 7.36 M MACs."""

from latent_nas.graph import Graph
from latent_nas.operators.dense import Dense
from latent_nas.operators.flatten import Flatten
from latent_nas.operators.max_pool import MaxPool
from latent_nas.zoo._blocks import Blocks


def miniresnet() -> Graph:
    """Return the float graph; the explicit pads of the published file are those of the operators here."""
    b = Blocks((64, 50, 1))
    x = b.conv(0, 64, 7, 2, padding=(3, 3, 3, 3))
    x = b.builder.add(MaxPool((3, 3), (2, 2), (1, 1, 1, 1)), x)
    short = b.conv(x, 64, 1, 2, activation=None)
    x = b.add(short, b.conv(b.conv(x, 64, 1, 2), 64, 3), "relu")
    x = b.add(x, b.conv(b.conv(x, 64, 1), 64, 3), "relu")
    b.builder.add(Dense(10), b.builder.add(Flatten(), x))
    return b.builder.build()


Plugin = miniresnet

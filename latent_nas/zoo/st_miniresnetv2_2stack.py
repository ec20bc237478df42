"""MiniResNetV2 of the ST model zoo, two stacks, audio events: 64x50x1 to 10 classes, 27.3 M MACs."""

from latent_nas.graph import Graph
from latent_nas.operators.batch_norm import BatchNorm
from latent_nas.operators.dense import Dense
from latent_nas.operators.flatten import Flatten
from latent_nas.operators.max_pool import MaxPool
from latent_nas.operators.relu import Relu
from latent_nas.zoo._blocks import Blocks

EDGE = (1, 1, 1, 1)  # the explicit pads of the published file


def miniresnet_v2() -> Graph:
    """Return the float graph; a batch norm in front of each block has no convolution to be folded into."""
    b = Blocks((64, 50, 1))
    x = b.conv(0, 64, 7, 2, None, (3, 3, 3, 3))
    x = b.builder.add(MaxPool((3, 3), (2, 2), EDGE), x)
    for filters, last in ((64, 1), (64, 2), (128, 1), (128, 2)):
        x = _block(b, x, filters, last)
    b.builder.add(Dense(10), b.builder.add(Flatten(), _normal(b, x)))
    return b.builder.build()


def _block(b: Blocks, x: int, filters: int, stride: int) -> int:
    """Add a block: its first convolution of a stack widens the shortcut, its last one has the stride."""
    ready = _normal(b, x)
    if stride == 1:
        short = b.conv(ready, filters, 1, activation=None)
        inner = b.conv(ready, filters, 1)
    else:
        short = b.builder.add(MaxPool((1, 1), (2, 2)), x)
        inner = b.conv(ready, filters, 1)
    return b.add(short, b.conv(inner, filters, 3, stride, None, EDGE))


def _normal(b: Blocks, x: int) -> int:
    return b.builder.add(Relu(), b.builder.add(BatchNorm(), x))


Plugin = miniresnet_v2

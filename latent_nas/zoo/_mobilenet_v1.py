"""MobileNetV1 (Howard et al. 2017) of any width and input; its files in this folder name the published ones."""

from latent_nas.graph import Graph
from latent_nas.operators import Shape
from latent_nas.zoo._blocks import Blocks

STAGES = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))


def mobilenet_v1(input_shape: Shape, classes: int, width: float, activation: str, mean: bool = True) -> Graph:
    """Return the float graph; ``width`` scales all channels, ``activation`` is "relu" or "relu6".

    Args:
        mean: see ``Blocks.classify``.
    """
    b = Blocks(input_shape)
    x = b.conv(0, int(32 * width), 3, 2, activation)
    for filters, stride in STAGES:
        x = b.conv(b.depthwise(x, 3, stride, activation), int(filters * width), activation=activation)
    return b.classify(x, classes, mean)

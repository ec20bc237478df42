"""FD-MobileNet 0.25 of the ST model zoo (after Qin et al. 2018, fast downsampling), for any input."""

from latent_nas.graph import Graph
from latent_nas.operators import Shape
from latent_nas.zoo._blocks import Blocks

STAGES = ((16, 2), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *[(128, 1)] * 4, (256, 1))


def fdmobilenet(input_shape: Shape, classes: int) -> Graph:
    """Return the float graph; depthwise convolutions have no activation. The last 1x1 convolution is a dense layer."""
    b = Blocks(input_shape)
    x = b.conv(0, 8, 3, 2)
    for filters, stride in STAGES:
        x = b.conv(b.depthwise(x, 3, stride, None), filters)
    return b.classify(x, classes)

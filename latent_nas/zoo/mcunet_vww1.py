"""MCUNet VWW1 (Lin et al. 2020), visual wake words: 80x80x3 to 2 classes, 11.6 M MACs."""

from latent_nas.graph import Graph
from latent_nas.zoo._blocks import Blocks

# channels inside, kernel, stride, channels out of every inverted bottleneck
BOTTLENECKS = (
    *((48, 3, 2, 16), (48, 3, 1, 16), (48, 3, 1, 16), (48, 7, 2, 24), (144, 3, 1, 24), (120, 5, 1, 24)),
    *((144, 7, 2, 40), (240, 7, 1, 40), (240, 3, 1, 48), (192, 3, 1, 48), (240, 5, 2, 96)),
    *((480, 3, 1, 96), (384, 3, 1, 96), (288, 7, 1, 160)),
)


def mcunet_vww1() -> Graph:
    """Return the float graph; the explicit pads of the published file are those of the convolutions here."""
    b = Blocks((80, 80, 3))
    x = b.conv(0, 16, 3, 2, "relu6", (1, 1, 1, 1))
    x = b.conv(b.depthwise(x, 3, 1, "relu6"), 8, activation=None)
    for inside, kernel, stride, filters in BOTTLENECKS:
        wide = b.conv(x, inside, activation="relu6")
        half = kernel // 2
        made = b.conv(b.depthwise(wide, kernel, stride, "relu6", (half, half, half, half)), filters, activation=None)
        joins = b.builder.shape(made) == b.builder.shape(x)
        x = b.add(made, x) if joins else made
    return b.classify(x, 2)


Plugin = mcunet_vww1

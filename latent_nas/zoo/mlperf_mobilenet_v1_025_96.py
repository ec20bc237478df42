"""MobileNetV1 0.25, visual wake words of MLPerf Tiny: 96x96x3 to 2 classes, 7.49 M MACs."""

from latent_nas.graph import Graph
from latent_nas.zoo._mobilenet_v1 import mobilenet_v1


def network() -> Graph:
    """Return the float graph."""
    return mobilenet_v1((96, 96, 3), 2, 0.25, "relu", mean=False)


Plugin = network

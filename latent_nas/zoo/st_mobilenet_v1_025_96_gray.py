"""MobileNetV1 0.25 of the ST model zoo (flowers, grey): 96x96x1 to 5 classes, 7.16 M MACs."""

from latent_nas.graph import Graph
from latent_nas.zoo._mobilenet_v1 import mobilenet_v1


def network() -> Graph:
    """Return the float graph."""
    return mobilenet_v1((96, 96, 1), 5, 0.25, "relu6")


Plugin = network

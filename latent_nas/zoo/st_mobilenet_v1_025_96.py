"""MobileNetV1 0.25 of the ST model zoo (flowers): 96x96x3 to 5 classes, 7.49 M MACs."""

from latent_nas.graph import Graph
from latent_nas.zoo._mobilenet_v1 import mobilenet_v1


def network() -> Graph:
    """Return the float graph."""
    return mobilenet_v1((96, 96, 3), 5, 0.25, "relu6")


Plugin = network

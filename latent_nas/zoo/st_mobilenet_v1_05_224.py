"""MobileNetV1 0.5 of the ST model zoo (flowers): 224x224x3 to 5 classes, 149 M MACs."""

from latent_nas.graph import Graph
from latent_nas.zoo._mobilenet_v1 import mobilenet_v1


def network() -> Graph:
    """Return the float graph."""
    return mobilenet_v1((224, 224, 3), 5, 0.5, "relu6")


Plugin = network

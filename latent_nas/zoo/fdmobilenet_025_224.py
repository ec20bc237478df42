"""FD-MobileNet 0.25 (flowers): 224x224x3 to 5 classes, 11.8 M MACs."""

from latent_nas.graph import Graph
from latent_nas.zoo._fdmobilenet import fdmobilenet


def network() -> Graph:
    """Return the float graph."""
    return fdmobilenet((224, 224, 3), 5)


Plugin = network

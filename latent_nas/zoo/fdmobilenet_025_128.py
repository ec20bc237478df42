"""FD-MobileNet 0.25 (flowers): 128x128x3 to 5 classes, 3.85 M MACs."""

from latent_nas.graph import Graph
from latent_nas.zoo._fdmobilenet import fdmobilenet


def network() -> Graph:
    """Return the float graph."""
    return fdmobilenet((128, 128, 3), 5)


Plugin = network

"""SqueezeNet v1.1 (flowers): 224x224x3 to 5 classes, 263 M MACs."""

from latent_nas.graph import Graph
from latent_nas.zoo._squeezenet import squeezenet_v11


def network() -> Graph:
    """Return the float graph."""
    return squeezenet_v11((224, 224, 3), 5)


Plugin = network

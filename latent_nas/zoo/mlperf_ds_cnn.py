"""DS-CNN, keyword spotting of MLPerf Tiny (Zhang et al. 2017): 49x10x1 MFCCs to 12 words, 2.66 M MACs."""

from latent_nas.graph import Graph
from latent_nas.zoo._blocks import Blocks


def ds_cnn() -> Graph:
    """Return the float graph: a 10x4 convolution and four depthwise separable ones of 64 channels."""
    b = Blocks((49, 10, 1))
    x = b.conv(0, 64, (10, 4), 2)
    for _ in range(4):
        x = b.conv(b.depthwise(x), 64)
    return b.classify(x, 12, mean=False)


Plugin = ds_cnn

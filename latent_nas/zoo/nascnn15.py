"""NASCNN15, the best network of Zoph and Le 2017 (appendix, figure 7) without strides and pooling: 32x32x3, 10 classes.

4,201,630 weights, batch norms' scales and shifts included; 4,300,665,312 MACs. It is a member of space ``dna_cnn``.
"""

from latent_nas.graph import Graph
from latent_nas.operators.concat import Concat
from latent_nas.zoo._blocks import Blocks

LAYERS = (  # kernel, filters, what is concatenated: numbers of layers, 0 is the image
    ((3, 3), 36, (0,)),
    ((3, 3), 48, (1,)),
    ((3, 3), 36, (1, 2)),
    ((5, 5), 36, (1, 2, 3)),
    ((3, 7), 48, (3, 4)),
    ((7, 7), 48, (2, 3, 4, 5)),
    ((7, 7), 48, (2, 3, 4, 5, 6)),
    ((7, 3), 36, (1, 6, 7)),
    ((7, 1), 36, (1, 5, 6, 8)),
    ((7, 7), 36, (1, 3, 4, 5, 6, 7, 8, 9)),
    ((5, 7), 36, (1, 2, 5, 6, 7, 8, 9, 10)),
    ((7, 7), 48, (1, 2, 3, 4, 6, 11)),
    ((7, 5), 48, (1, 3, 6, 7, 8, 9, 10, 11, 12)),
    ((7, 5), 48, (3, 7, 12, 13)),
    ((7, 5), 48, (6, 7, 11, 12, 13, 14)),
)


def nascnn15() -> Graph:
    """Return the float graph: fifteen convolutions without bias, each with batch norm and ReLU."""
    b = Blocks((32, 32, 3))
    made = [0]
    for kernel, filters, inputs in LAYERS:
        read = [made[i] for i in inputs]
        made.append(b.conv(b.builder.add(Concat(), *read) if len(read) > 1 else read[0], filters, kernel))
    return b.classify(made[-1], 10)


Plugin = nascnn15

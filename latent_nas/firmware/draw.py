"""Int8 networks with drawn weights: for checks of kernels, where only the integers matter."""

import numpy as np

from latent_nas import seeds
from latent_nas.graph import Graph
from latent_nas.training.quantise import QuantisedNetwork, quantise


def drawn(graph: Graph, seed: int, n: int = 32) -> tuple[QuantisedNetwork, np.ndarray]:
    """Return an int8 network and float NHWC inputs (n, *input_shape).

    Weights and batch norms are drawn so that every channel has its own scale and offset and outputs vary.
    """
    import torch

    from latent_nas.training.network import Network

    rng = seeds.rng(seed, "drawn network")
    model = Network(graph)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            kind = name.rsplit(".", 1)[-1]
            if kind == "num_batches_tracked":
                continue
            size = tuple(value.shape)
            if kind in {"running_var"} or (kind == "weight" and value.ndim == 1):
                new = rng.uniform(0.5, 1.5, size)
            elif kind in {"running_mean", "bias"}:
                new = rng.normal(0, 0.2, size)
            else:
                spread = rng.uniform(0.5, 1.5, (size[0], *[1] * (value.ndim - 1)))
                new = rng.normal(0, 1, size) * spread * np.sqrt(2 / max(np.prod(size[1:]), 1))
            value.copy_(torch.from_numpy(np.asarray(new, np.float32)))
    size = (n, *graph.input_shape)
    tokens = graph.input.vocabulary
    x = rng.integers(0, tokens, size) if tokens else rng.normal(size=size).astype(np.float32)
    return quantise(graph, model, x), x

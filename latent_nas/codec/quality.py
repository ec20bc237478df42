"""What a codec is worth, measured on architectures that it was not trained on."""

from collections.abc import Callable

import numpy as np

from latent_nas import seeds
from latent_nas.codec import Codec

Value = Callable[[np.ndarray], np.ndarray]


def measure(codec: Codec, seed: int, rows: int = 5000, decodes: int = 10_000) -> dict[str, float]:
    """Return how exactly and how evenly a codec codes ``rows`` fresh samples, and how many networks it can reach.

    ``exact`` share of samples that come back unchanged; ``perplexity`` (nats, exponentiated) of the codes in use,
    mean and least over slots; ``distinct`` networks among ``decodes`` of uniformly random codes; ``valid`` share of
    random latents, far off the codebook too, that decode to genes of the space.
    """
    space = codec.space
    genes = space.sample(seeds.rng(seed, "samples"), rows)
    codes = codec.encode(genes)
    rng = seeds.rng(seed, "decodes")
    random = codec.decode_codes(rng.integers(codec.codes, size=(decodes, codec.slots)))
    scale = 10.0 ** rng.uniform(-2, 3, (decodes, 1, 1))
    far = codec.decode(rng.normal(size=(decodes, codec.slots, codec.dim)) * scale)
    use = np.stack([np.bincount(c, minlength=codec.codes) for c in codes.T]) / rows
    perplexity = np.exp(-(use * np.log(np.maximum(use, 1e-12))).sum(axis=1))
    return {
        "exact": float((codec.decode_codes(codes) == genes).all(axis=1).mean()),
        "perplexity": float(perplexity.mean()),
        "perplexity_least": float(perplexity.min()),
        "distinct": len(np.unique(random, axis=0)),
        "valid": float(((far >= 0) & (far < space.sizes)).all(axis=1).mean()),
    }


def exact(codec: Codec, seed: int, rows: int = 2000) -> float:
    """Return the share of ``rows`` fresh samples that come back unchanged: what a codec of another input must keep."""
    genes = codec.space.sample(seeds.rng(seed, "exact"), rows)
    return float((codec.decode_codes(codec.encode(genes)) == genes).all(axis=1).mean())


def smoothness(codec: Codec, seed: int, values: dict[str, Value], genes: np.ndarray) -> dict[str, float]:
    """Return the mean absolute change of each value by one random code edit and by one random gene mutation.

    Args:
        values: from canonical genes (n, genes) to numbers (n,), NaN where unknown. genes: (n, genes) to start from.

    Edits that leave the network as it was are left out of the mean; ``changed`` is the share of the others.
    """
    rng = seeds.rng(seed, "edits")
    before, after, changed = edited(codec, genes, rng)
    mutated = codec.space.mutate(before, rng)
    out = {"changed": float(changed.mean()), "genes_changed": float((after != before)[changed].sum(axis=1).mean())}
    for name, value in values.items():
        old = value(before)
        out[f"{name}_code_edit"] = float(np.nanmean(np.abs(value(after) - old)[changed]))
        out[f"{name}_gene_mutation"] = float(np.nanmean(np.abs(value(mutated) - old)))
    return out


def edited(codec: Codec, genes: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return genes as the codec gives them back, after one random code edit each, (n, genes), and whether they differ.

    Args:
        genes: (n, genes).
    """
    codes = codec.encode(genes)
    before = codec.decode_codes(codes)
    rows, slots = np.arange(len(codes)), rng.integers(codec.slots, size=len(codes))
    codes[rows, slots] = (codes[rows, slots] + rng.integers(1, codec.codes, size=len(codes))) % codec.codes
    after = codec.decode_codes(codes)
    return before, after, (after != before).any(axis=1)

"""Training of the codec: reconstruction of unlimited fresh samples, supervised by costs and accuracies where known."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from latent_nas import seeds
from latent_nas.codec import Codec, CodecSettings, made
from latent_nas.codec.choices import Choices
from latent_nas.codec.layout import apart, slopes
from latent_nas.codec.network import Network
from latent_nas.codec.quality import measure
from latent_nas.spaces import Space

Labels = tuple[np.ndarray, np.ndarray]
LABELLED = 128  # labelled architectures in a step, at most, per head
HOT, COLD = 0.5, 0.1  # temperature of the choice of codes, first and last
USED = 0.625  # part of the codes that a slot should use, as perplexity
SHARP = 0.05  # weight of the entropy of one choice


@dataclass
class Pool:
    """Labelled architectures: one-hots (n, columns) and standardised labels (n, outputs)."""

    x: Tensor
    y: Tensor
    mean: np.ndarray
    std: np.ndarray


def train_codec(
    space: Space,
    settings: CodecSettings,
    seed: int,
    costs: Labels | None = None,
    accuracy: Labels | None = None,
    progress: Callable[[int, dict[str, float]], None] | None = None,
) -> Codec:
    """Return a codec trained on fresh samples of the space and on the labels given.

    Args:
        costs: genes (n, genes) and targets (n, k), e.g. log flash, log RAM, log latency. accuracy: genes (n, genes)
            and measured accuracies (n,), or further metrics beside them (n, 1 + metrics). progress: called now and
            then with the step and the losses.

    Raises:
        ValueError: labels that don't fit their genes or are not finite.
    """
    if torch.get_num_threads() != 1:  # small operators are far slower with more
        torch.set_num_threads(1)
    choices = Choices(space)
    given = {"costs": costs, "accuracy": accuracy}
    pools = {name: _pool(space, choices, name, labels) for name, labels in given.items() if labels is not None}
    with seeds.isolated(seeds.derive(seed, "codec")):
        slope = slopes(space.sizes, [(pool.x, pool.y) for pool in pools.values()])
        network = Network(space.sizes, settings, {name: pool.y.shape[1] for name, pool in pools.items()}, slope)
        _fit(network, space, choices, settings, seed, pools, apart(space.sizes, slope), progress)
    arrays = network.arrays({name: (pool.mean, pool.std) for name, pool in pools.items()})
    counts = {name: len(pool.x) for name, pool in pools.items()}
    codec = Codec(space, arrays, made(space, settings, seed, counts), {})
    codec.quality.update(measure(codec, seeds.derive(seed, "held-out")))
    return codec


def _fit(
    network: Network,
    space: Space,
    choices: Choices,
    settings: CodecSettings,
    seed: int,
    pools: dict[str, Pool],
    distance: Tensor,
    progress: Callable[[int, dict[str, float]], None] | None,
) -> None:
    rng = seeds.rng(seed, "codec", "samples")
    weights = {"usage": settings.usage, "edit": settings.edit, "costs": settings.costs, "accuracy": settings.accuracy}
    network.spread(torch.from_numpy(choices.one_hot(space.sample(rng, 4 * settings.batch))))
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, betas=(0.9, 0.99))
    use = torch.full(network.codebook.shape[:2], 1 / settings.codes)
    for step in range(settings.steps):
        done = step / settings.steps
        for group in optimiser.param_groups:
            warm, cosine = min(1, (step + 1) / 100), 0.5 * (1 + math.cos(math.pi * done))
            group["lr"] = settings.learning_rate * warm * (0.98 * cosine + 0.02)
        xs, rows = [torch.from_numpy(choices.one_hot(space.sample(rng, settings.batch)))], {}
        for name, pool in pools.items():
            rows[name] = torch.from_numpy(rng.integers(len(pool.x), size=min(LABELLED, len(pool.x))))
            xs.append(pool.x[rows[name]])
        x = torch.cat(xs)
        z = network.encode(x)
        p = F.softmax(network.closeness(z) * (HOT / COLD) ** done / HOT, dim=2)
        hard = F.one_hot(p.argmax(2), settings.codes).float()
        chosen = hard + p - p.detach()  # straight through
        flat = network.latent(chosen)
        losses = {"reconstruction": network.surprise(flat, x).sum(1).mean()}
        mean = p.mean(0)
        entropy = -(mean * (mean + 1e-9).log()).sum(1)
        losses["usage"] = F.relu(math.log(USED * settings.codes) - entropy).sum()
        losses["sharp"] = -(p * (p + 1e-9).log()).sum((1, 2)).mean()
        if settings.edit:
            half = len(x) // 2
            chances = network.chances(network.latent(_edited(chosen[:half])))
            losses["edit"] = (chances * (x[:half] @ distance)).sum(1).mean()
        start = settings.batch
        for name, pool in pools.items():
            end = start + len(rows[name])
            losses[name] = F.mse_loss(network.heads[name](flat[start:end]), pool.y[rows[name]])
            start = end
        loss = losses["reconstruction"] + SHARP * losses["sharp"]
        loss = loss + sum(weights[name] * losses[name] for name in weights.keys() & losses.keys())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        use = 0.98 * use + 0.02 * hard.mean(0)
        if step % 100 == 99 and done < 0.8:
            network.revive(z.detach(), use)
        if progress and (step % 100 == 99 or step + 1 == settings.steps):
            progress(step + 1, {name: float(value.detach()) for name, value in losses.items()})


def _edited(chosen: Tensor) -> Tensor:
    """Return choices (n, slots, codes) in which one slot of each row has a random code."""
    n, slots, codes = chosen.shape
    edited = chosen.clone()
    edited[torch.arange(n), torch.randint(slots, (n,))] = F.one_hot(torch.randint(codes, (n,)), codes).float()
    return edited


def _pool(space: Space, choices: Choices, name: str, labels: Labels) -> Pool:
    genes, y = space.check(labels[0]), np.asarray(labels[1], np.float64)
    if name == "accuracy" and y.ndim == 1:
        y = y[:, None]
    if y.ndim != 2 or len(y) != len(genes) or not len(y):
        raise ValueError(f"got {len(genes)} genes and {name} {np.shape(labels[1])}, wanted one row of {name} per genes")
    if not np.isfinite(y).all():
        row = int(np.argwhere(~np.isfinite(y))[0, 0])
        raise ValueError(f"{name} of row {row} is not finite; leave failed architectures out")
    mean, std = y.mean(0), np.maximum(y.std(0), 1e-6)
    x = torch.from_numpy(choices.one_hot(space.canonical(genes)))
    return Pool(
        x, torch.from_numpy(((y - mean) / std).astype(np.float32)), mean.astype(np.float32), std.astype(np.float32)
    )

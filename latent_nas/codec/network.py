"""The codec while it learns, in torch: encoder, a codebook per slot, decoder and heads."""

from collections.abc import Iterable
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from latent_nas.codec import CodecSettings
from latent_nas.codec.layout import membership, projections
from latent_nas.codec.perceptron import Perceptron

LARGEST = 30.0  # score; the exponentials of a gene's choices are summed without looking for their maximum


class Shortcut(nn.Module):
    """A linear map with one hidden layer beside it; the trainable twin of ``Perceptron``."""

    def __init__(self, inputs: int, outputs: int, hidden: int) -> None:
        super().__init__()
        self.direct = nn.Linear(inputs, outputs)
        self.hidden = nn.Linear(inputs, hidden)
        self.last = nn.Linear(hidden, outputs, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, outputs) of (n, inputs)."""
        y: Tensor = self.direct(x) + self.last(F.relu(self.hidden(x)))
        return y

    def perceptron(self, mean: np.ndarray | float = 0.0, std: np.ndarray | float = 1.0) -> Perceptron:
        """Return it in numpy, with outputs scaled back by mean and std (outputs,)."""
        direct, shift = (p.detach().numpy() for p in (self.direct.weight, self.direct.bias))
        hidden, bias = (p.detach().numpy() for p in (self.hidden.weight, self.hidden.bias))
        std = np.broadcast_to(np.asarray(std, np.float32), shift.shape)
        first = np.concatenate([direct * std[:, None], hidden]).T
        biases = np.concatenate([shift * std + np.float32(mean), bias])
        last = (self.last.weight.detach().numpy() * std[:, None]).T
        return Perceptron(*(np.array(a, np.float32, order="C") for a in (first, biases, last)))


class Network(nn.Module):
    """Encoder, codebook, decoder, heads.

    Attributes:
        codebook: (slots, codes, dim). decoder: latent -> one score per column. heads: latent -> standardised labels.
        member: (columns, genes), 1 where a column is a choice of a gene.
    """

    member: Tensor
    heads: nn.ModuleDict

    def __init__(self, sizes: np.ndarray, settings: CodecSettings, heads: dict[str, int], slope: Tensor) -> None:
        super().__init__()
        slots, dim = settings.slots, settings.dim
        columns, flat = int(sizes.sum()), slots * dim
        self.slots, self.dim = slots, dim
        self.encoder = Shortcut(columns, flat, settings.width)
        self.decoder = Shortcut(flat, columns, settings.hidden)
        self.heads = nn.ModuleDict({name: Shortcut(flat, outputs, 64) for name, outputs in heads.items()})
        self.codebook = nn.Parameter(torch.zeros(slots, settings.codes, dim))
        self.register_buffer("member", membership(sizes))
        # Each slot starts as a projection of a few neighbouring genes; all of it is learnt from there.
        start = projections(sizes, slots, settings.codes, dim, slope).reshape(columns, flat)
        with torch.no_grad():
            self.encoder.direct.weight.copy_(start.T)
            self.encoder.direct.bias.zero_()
            self.encoder.last.weight.mul_(0.3)
            self.decoder.direct.weight.copy_(0.3 * start)
            self.decoder.direct.bias.copy_(-0.15 * (start**2).sum(1))  # so that the nearest projection scores best
            self.decoder.last.weight.mul_(0.3)

    def encode(self, x: Tensor) -> Tensor:
        """Return the continuous latent (n, slots, dim) of one-hots (n, columns)."""
        z: Tensor = self.encoder(x)
        return z.view(-1, self.slots, self.dim)

    def closeness(self, z: Tensor) -> Tensor:
        """Return minus the squared distance of every slot to every code: (n, slots, dim) -> (n, slots, codes)."""
        z = z.transpose(0, 1)
        near = 2 * z @ self.codebook.transpose(1, 2) - (self.codebook**2).sum(2)[:, None] - (z**2).sum(2, keepdim=True)
        return near.transpose(0, 1)

    def latent(self, chosen: Tensor) -> Tensor:
        """Return latents (n, slots * dim) of one-hot or weighted codes (n, slots, codes)."""
        return (chosen.transpose(0, 1) @ self.codebook).transpose(0, 1).reshape(len(chosen), -1)

    def surprise(self, flat: Tensor, x: Tensor) -> Tensor:
        """Return -log p of every gene (n, genes) for latents (n, slots * dim) and one-hot genes (n, columns)."""
        scores = LARGEST * torch.tanh(self.decoder(flat) / LARGEST)
        total = (scores.exp() @ self.member).log()
        return total - (scores * x) @ self.member

    def chances(self, flat: Tensor) -> Tensor:
        """Return the probability of every choice (n, columns) for latents (n, slots * dim)."""
        odds = (LARGEST * torch.tanh(self.decoder(flat) / LARGEST)).exp()
        return odds / (odds @ self.member @ self.member.T)

    @torch.no_grad()
    def spread(self, x: Tensor) -> None:
        """Put the codebooks on latents of one-hots (n, columns), far ones first (k-means++)."""
        z = self.encode(x)
        for slot in range(self.slots):
            points, chosen = z[:, slot], 0
            nearest = torch.full((len(points),), torch.inf)
            for code in range(self.codebook.shape[1]):
                self.codebook[slot, code] = points[chosen]
                nearest = torch.minimum(nearest, ((points - points[chosen]) ** 2).sum(1))
                chosen = int(torch.multinomial(nearest + 1e-9, 1))

    @torch.no_grad()
    def revive(self, z: Tensor, use: Tensor) -> int:
        """Move codes of ``use`` (slots, codes) near 0 to latents of z (n, slots, dim) far from all; count them."""
        dead = (use < 0.02 / use.shape[1]).nonzero().tolist()
        lonely = -self.closeness(z).max(dim=2).values  # (n, slots)
        for slot, code in dead:
            row = int(torch.multinomial(lonely[:, slot].clamp(min=1e-9), 1))
            self.codebook[slot, code] = z[row, slot]
        return len(dead)

    def arrays(self, scales: dict[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, np.ndarray]:
        """Return everything in numpy; ``scales`` holds mean and std of each head's labels."""
        parts: Iterable[tuple[str, Perceptron]] = [
            ("encoder", self.encoder.perceptron()),
            ("decoder", self.decoder.perceptron()),
            *((name, cast(Shortcut, head).perceptron(*scales[name])) for name, head in self.heads.items()),
        ]
        arrays = {"codebook": self.codebook.detach().numpy().copy()}
        return arrays | {key: a for name, part in parts for key, a in part.arrays(name).items()}

"""An LSTM that emits genes one after another, each given those before it."""

import numpy as np
import torch
from torch import Tensor, nn

from latent_nas import seeds

MOMENTS = ("exp_avg", "exp_avg_sq")


class Controller(nn.Module):
    """p(genes) = product of p(gene i | genes before it), and one step of Adam on a policy gradient.

    Args:
        sizes: choices of every gene, (g,). hidden: units of the LSTM. arrays: of ``arrays``, or None for new weights,
            uniform in +-``scale``, drawn by the seed.
    """

    def __init__(
        self, sizes: np.ndarray, hidden: int, scale: float, seed: int, arrays: dict[str, np.ndarray] | None = None
    ) -> None:
        with seeds.isolated(seed):
            super().__init__()
            total = int(sizes.sum())
            self.embedding = nn.Embedding(1 + total, hidden)  # row 0: nothing emitted yet
            self.cell = nn.LSTM(hidden, hidden, batch_first=True)
            self.head = nn.Parameter(torch.empty(total, hidden))  # a row per choice, those of a gene side by side
            self.bias = nn.Parameter(torch.zeros(total))
            for name, weights in self.named_parameters():
                if name != "bias":
                    nn.init.uniform_(weights, -scale, scale)
        ends = np.cumsum(sizes)
        self.places = [slice(int(e - s), int(e)) for e, s in zip(ends, sizes, strict=True)]  # of the genes' choices
        self.starts = torch.as_tensor(ends - sizes)
        choices = torch.arange(int(sizes.max()))
        self.absent = choices >= torch.as_tensor(sizes)[:, None]  # (g, widest)
        self.padded = (self.starts[:, None] + choices).masked_fill(self.absent, 0)
        self.adam = torch.optim.Adam(self.parameters())
        if arrays is not None:
            self._restore(arrays)

    def logs(self, actions: Tensor) -> Tensor:
        """Return log p of every choice of every gene, (n, g, widest), given the actions (n, g) before it."""
        start = torch.zeros(len(actions), 1, dtype=torch.long)
        hidden, _ = self.cell(self.embedding(torch.cat([start, (1 + actions + self.starts)[:, :-1]], dim=1)))
        logits = torch.einsum("ngh,gch->ngc", hidden, self.head[self.padded]) + self.bias[self.padded]
        return torch.log_softmax(logits.masked_fill(self.absent, -1e9), dim=2)

    @torch.no_grad()
    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return n sampled gene tuples, (n, g)."""
        actions = np.zeros((n, len(self.places)), np.int64)
        inputs, state = torch.zeros(n, dtype=torch.long), None
        for i, place in enumerate(self.places):
            hidden, state = self.cell(self.embedding(inputs)[:, None], state)
            logits = (hidden[:, 0] @ self.head[place].T + self.bias[place]).numpy()
            actions[:, i] = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
            inputs = 1 + self.starts[i] + torch.from_numpy(actions[:, i])
        return actions

    def learn(
        self, actions: np.ndarray, advantages: np.ndarray, rate: float, entropy: float, clip: float, l2: float = 0.0
    ) -> None:
        """Take one step up the gradient of mean(advantage * log p(actions) + entropy bonus), clipped to a norm.

        Args:
            actions: (n, g), sampled with the weights as they are. advantages: (n,). l2: penalty of squared weights.
        """
        taken = torch.from_numpy(actions)
        logs = self.logs(taken)
        chosen = logs.gather(2, taken[:, :, None])[:, :, 0].sum(dim=1)
        spread = -(logs.exp() * logs).sum(dim=(1, 2))
        loss = -(torch.as_tensor(advantages, dtype=torch.float32) * chosen + entropy * spread).mean()
        if l2:
            loss = loss + l2 * sum((weights**2).sum() for weights in self.parameters())
        self.adam.param_groups[0]["lr"] = rate
        self.adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters(), clip)
        self.adam.step()

    def arrays(self) -> dict[str, np.ndarray]:
        """Return weights and Adam's moments, read back by the constructor."""
        found = {name: weights.detach().numpy().copy() for name, weights in self.named_parameters()}
        for name, weights in self.named_parameters():
            for part, value in self.adam.state.get(weights, {}).items():
                found[f"adam.{name}.{part}"] = value.numpy().copy()
        return found

    def _restore(self, arrays: dict[str, np.ndarray]) -> None:
        with torch.no_grad():
            for name, weights in self.named_parameters():
                weights.copy_(torch.from_numpy(arrays[name]))
                parts = {part: f"adam.{name}.{part}" for part in ("step", *MOMENTS)}
                if all(key in arrays for key in parts.values()):
                    self.adam.state[weights] = {p: torch.from_numpy(np.array(arrays[k])) for p, k in parts.items()}

"""The float module of attention. Imported only where a network is built."""

import torch
from torch import nn


class CausalAttention(nn.Module):
    """Softmax attention of every token to itself and those before it in the window."""

    def __init__(self, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        slopes = 2.0 ** (-8.0 * torch.arange(1, heads + 1) / heads)
        self.bias = nn.Parameter(-slopes[:, None] * torch.arange(window))

    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """Return (n, tokens, features) of queries, keys and values of that shape."""
        n, tokens, features = q.shape
        q, k, v = (x.view(n, tokens, self.heads, -1).transpose(1, 2) for x in (q, k, v))
        at = torch.arange(tokens, device=q.device)
        apart = at[:, None] - at
        hidden = (apart < 0) | (apart >= self.window)
        bias = self.bias[:, apart.clamp(0, self.window - 1)].masked_fill(hidden, float("-inf"))
        scores = q @ k.transpose(2, 3) * (features // self.heads) ** -0.5 + bias
        return (scores.softmax(dim=-1) @ v).transpose(1, 2).reshape(n, tokens, features)

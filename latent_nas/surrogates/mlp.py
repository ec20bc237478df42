"""A deep ensemble of MLPs (Lakshminarayanan et al. 2017), evaluated as one stacked matrix product in numpy."""

import numpy as np

from latent_nas import seeds
from latent_nas.artifacts import pack, unpack
from latent_nas.surrogates import Surrogate, standardise

ARRAYS = ("shift", "mean", "scale")


class Mlp(Surrogate):
    """Differently initialised ReLU networks, each with its own held-out rows; the std is that over the members.

    Args:
        members: networks. hidden: units of each of ``layers`` hidden layers. epochs: at most, over all rows; at least
            ``steps`` updates are made. batch: rows per update. rate, decay: of AdamW, the rate falling along a cosine.
            held_out: share of rows that a member stops early by, where there are at least 50.
    """

    def __init__(
        self,
        members: int = 5,
        hidden: int = 64,
        layers: int = 2,
        epochs: int = 100,
        steps: int = 300,
        batch: int = 64,
        rate: float = 3e-3,
        decay: float = 1e-2,
        held_out: float = 0.1,
        linear: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.members, self.hidden, self.layers = members, hidden, layers
        self.epochs, self.steps, self.batch, self.rate, self.decay = epochs, steps, batch, rate, decay
        self.held_out, self.linear, self.seed = held_out, linear, seed

    def _fit(self, X: np.ndarray, y: np.ndarray) -> None:
        import torch

        self.mean, self.scale = y.mean(axis=0), y.std(axis=0)
        self.shift, gain, _ = standardise(X)
        rng = seeds.rng(self.seed, "mlp")
        inputs = (X - self.shift) * gain
        targets = (y - self.mean) / np.where(self.scale > 0, self.scale, 1)
        slope = _ridge(inputs, targets, self.linear * len(X)) if self.linear else np.zeros((X.shape[1], y.shape[1]))
        rest = targets - inputs @ slope
        size = np.maximum(rest.std(axis=0), 1e-6)
        with seeds.isolated(seeds.derive(self.seed, "mlp")):
            rows = torch.from_numpy(inputs), torch.from_numpy(rest / size).float()
            weights = [p.detach().numpy() for p in _train(self, *rows, rng)]
        first = (weights[0] * gain[:, None]).transpose(1, 0, 2).reshape(X.shape[1], -1)
        self.weights = [np.concatenate([first, slope * gain[:, None]], axis=1).astype(np.float32), *weights[2::2]]
        self.biases = [np.append(weights[1].reshape(-1), np.zeros(y.shape[1], np.float32)), *weights[3::2]]
        self.weights[-1], self.biases[-1] = (self.weights[-1] * size).astype(np.float32), (self.biases[-1] * size).astype(np.float32)

    def _predict(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        hidden = (X - self.shift) @ self.weights[0]
        hidden += self.biases[0]
        straight = hidden[:, -self.targets_ :]
        stacked = hidden[:, : -self.targets_].reshape(len(X), self.members, -1).transpose(1, 0, 2)
        for weight, bias in zip(self.weights[1:], self.biases[1:], strict=True):
            stacked = _silu(stacked) @ weight
            stacked += bias
        mean, std = stacked.mean(axis=0) + straight, stacked.std(axis=0)
        return mean * self.scale + self.mean, std * self.scale

    def _files(self) -> dict[str, bytes]:
        arrays = {name: np.asarray(getattr(self, name)) for name in ARRAYS}
        arrays |= {f"weight{i}": w for i, w in enumerate(self.weights)}
        arrays |= {f"bias{i}": b for i, b in enumerate(self.biases)}
        return {"mlp.safetensors": pack(arrays)}

    def _restore(self, files: dict[str, bytes]) -> None:
        arrays = unpack(files["mlp.safetensors"])
        wide = self.members * self.hidden + self.targets_
        shapes = {"shift": (self.n_features_in_,), "mean": (self.targets_,), "scale": (self.targets_,)}
        shapes |= {"weight0": (self.n_features_in_, wide), "bias0": (wide,)}
        for i in range(1, self.layers + 1):
            units = self.hidden if i < self.layers else self.targets_
            shapes |= {f"weight{i}": (self.members, self.hidden, units), f"bias{i}": (self.members, 1, units)}
        for name, shape in shapes.items():
            if arrays[name].shape != shape:
                raise ValueError(f"{name} is {arrays[name].shape}, expected {shape}")
        self.shift, self.mean, self.scale = (arrays[name] for name in ARRAYS)
        self.weights = [arrays[f"weight{i}"] for i in range(self.layers + 1)]
        self.biases = [arrays[f"bias{i}"] for i in range(self.layers + 1)]


def _silu(x: np.ndarray) -> np.ndarray:
    gate = np.exp(-x)
    gate += 1
    x /= gate
    return x


def _ridge(X: np.ndarray, y: np.ndarray, penalty: float) -> np.ndarray:
    """Return the slopes (columns, targets) of a linear fit of centred X (n, columns) and y (n, targets)."""
    X = X.astype(np.float64)
    return np.linalg.solve(X.T @ X + penalty * np.eye(X.shape[1]), X.T @ y)


def _train(model: Mlp, inputs, targets, rng: np.random.Generator) -> list:  # type: ignore[no-untyped-def, type-arg]
    """Return weights and biases, stacked over the members: (members, in, out) and (members, 1, out), alternating."""
    import torch

    n, members = len(inputs), model.members
    sizes = [inputs.shape[1], *[model.hidden] * model.layers, targets.shape[1]]
    parameters = []
    for i, (fan_in, fan_out) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        gain = 2.0 if i < model.layers else 0.1
        used = max(int((inputs.abs().sum(dim=0) > 0).sum()), 1) if i == 0 else fan_in
        parameters.append(torch.randn(members, fan_in, fan_out) * (gain / used) ** 0.5)
        parameters.append(torch.zeros(members, 1, fan_out))
    for p in parameters:
        p.requires_grad_(True)
    held = round(model.held_out * n) if n >= 50 else 0
    orders = np.stack([rng.permutation(n) for _ in range(members)])
    kept, valid = torch.from_numpy(orders[:, held:]), torch.from_numpy(orders[:, :held])
    batch = min(model.batch, n - held)
    updates = max(model.steps, model.epochs * (n - held) // batch)
    optimiser = torch.optim.AdamW(parameters, lr=model.rate, weight_decay=model.decay, fused=True)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, model.rate, total_steps=updates, pct_start=0.1)
    best = [torch.inf * torch.ones(members), [p.detach().clone() for p in parameters]]
    for update in range(updates):
        rows = torch.from_numpy(rng.integers(n - held, size=(members, batch)))
        rows = kept.gather(1, rows)
        loss = ((_forward(parameters, inputs[rows]) - targets[rows]) ** 2).mean(dim=(1, 2)).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        plan.step()
        if held and (update % 20 == 19 or update == updates - 1):
            with torch.no_grad():
                error = ((_forward(parameters, inputs[valid]) - targets[valid]) ** 2).mean(dim=(1, 2))
                better = error < best[0]
                best[0] = torch.where(better, error, best[0])
                for old, new in zip(best[1], parameters, strict=True):
                    old[better] = new[better]
    return best[1] if held else parameters


def _forward(parameters, x):  # type: ignore[no-untyped-def]
    import torch

    for i in range(0, len(parameters), 2):
        x = torch.baddbmm(parameters[i + 1], x, parameters[i])
        if i + 2 < len(parameters):
            x = torch.nn.functional.silu(x)
    return x


Plugin = Mlp

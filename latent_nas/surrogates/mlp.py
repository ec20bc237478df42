"""A deep ensemble of MLPs (Lakshminarayanan et al. 2017), evaluated as one stacked matrix product in numpy."""

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from latent_nas import seeds
from latent_nas.adam import Adam, one_cycle
from latent_nas.artifacts import pack, unpack
from latent_nas.kernels import add_rows, silu
from latent_nas.surrogates import Surrogate, standardise

if TYPE_CHECKING:
    import torch

CHECKS = 20  # updates between two looks at the held-out rows


class Mlp(Surrogate):
    """Differently initialised SiLU networks beside one ridge regression; the std is that over the networks.

    Args:
        members: networks. hidden: units of each of ``layers`` hidden layers. epochs: passes over the rows, ``steps``
            updates at least. batch: rows per update. rate, decay: of AdamW, the rate rising and falling.
        held_out: share of rows, others for each member, that it stops early by, where there are at least 50 in all.
        linear: penalty of the ridge regression, per row; the networks learn what it leaves.
        binary: how much columns of zeros and ones count beside others; 0 leaves them out.
    """

    def __init__(
        self,
        members: int = 5,
        hidden: int = 64,
        layers: int = 2,
        epochs: int = 60,
        steps: int = 300,
        batch: int = 64,
        rate: float = 3e-3,
        decay: float = 1e-2,
        held_out: float = 0.1,
        linear: float = 0.1,
        binary: float = 1.0,
        seed: int = 0,
    ) -> None:
        self.members, self.hidden, self.layers = members, hidden, layers
        self.epochs, self.steps, self.batch, self.rate, self.decay = epochs, steps, batch, rate, decay
        self.held_out, self.linear, self.binary, self.seed = held_out, linear, binary, seed

    @staticmethod
    def for_costs(seed: int = 0) -> "Mlp":
        """Return one for log costs, which are exact and nearly linear in the log features of a space."""
        return Mlp(
            members=1, epochs=100, batch=128, rate=1e-2, decay=1e-3, held_out=0.0, linear=1e-4, binary=0.0, seed=seed
        )

    def _fit(self, X: np.ndarray, y: np.ndarray) -> None:
        import torch

        mean, scale = y.mean(axis=0), np.where(y.std(axis=0) > 0, y.std(axis=0), 1)
        shift, gain, binary = standardise(X)
        gain[binary] *= self.binary
        used = np.flatnonzero(gain)
        first, last = (used[0], used[-1]) if len(used) else (0, 0)
        self.columns = np.array([first, last + 1, X.shape[1]])
        shift, gain = self._used(shift), self._used(gain)
        inputs = (self._used(X) - shift) * gain
        targets = (y - mean) / scale
        slope = _ridge(inputs, targets, self.linear * len(X))
        rest = targets - inputs @ slope
        size = np.maximum(rest.std(axis=0), 1e-6)
        rng = seeds.rng(self.seed, "mlp")
        with seeds.isolated(seeds.derive(self.seed, "mlp")):
            rows = torch.from_numpy(inputs), torch.from_numpy((rest / size).astype(np.float32))
            trained = [p.detach().numpy().astype(float) for p in _train(self, *rows, rng)]
        # Standardisation and regression become part of the first and last layer, so that predicting is products alone.
        entry = np.concatenate([trained[0].transpose(1, 0, 2).reshape(len(gain), -1), slope * scale], axis=1)
        entry *= gain[:, None]
        bias = np.append(trained[1].reshape(-1), mean) - shift @ entry
        weights, biases = [entry, *trained[2::2]], [bias, *trained[3::2]]
        weights[-1], biases[-1] = weights[-1] * size * scale, biases[-1] * size * scale
        self._take(*([a.astype(np.float32) for a in arrays] for arrays in (weights, biases)))

    def _take(self, weights: list[np.ndarray], biases: list[np.ndarray]) -> None:
        """Take the layers' weights and biases."""
        self.weights, self.biases = weights, [np.ascontiguousarray(b).copy() for b in biases]
        low, high, whole = self.columns
        self._rows = np.zeros((whole, weights[0].shape[1]), np.float32)  # what a one in a column adds
        self._rows[low:high] = weights[0]

    def _used(self, X: np.ndarray) -> np.ndarray:
        """Return the columns from the first to the last that counts, of (..., columns)."""
        return X[..., self.columns[0] : self.columns[1]]

    def _predict(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._ends(self._used(X) @ self.weights[0])

    def _predict_choices(self, ones: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        start = self.n_features_in_ - rest.shape[1]
        hidden = rest @ self._rows[start:]
        if self.columns[0] < start:
            add_rows(self._rows, np.ascontiguousarray(ones), hidden)
        return self._ends(hidden)

    def _ends(self, hidden: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and std, (n, targets) each, of what enters the first hidden layer but its biases."""
        units = self.members * self.hidden
        silu(hidden, self.biases[0], units)
        stacked = hidden[:, :units].reshape(len(hidden), self.members, self.hidden).transpose(1, 0, 2)
        for weight, bias in zip(self.weights[1:-1], self.biases[1:-1], strict=True):
            stacked = stacked @ weight
            for member in range(self.members):
                silu(stacked[member], bias[member, 0], self.hidden)
        each = stacked @ self.weights[-1]
        each += self.biases[-1]
        mean = each.mean(axis=0) + hidden[:, units:]
        return mean, np.zeros_like(mean) if self.members == 1 else each.std(axis=0)

    def _files(self) -> dict[str, bytes]:
        arrays = {f"weight{i}": w for i, w in enumerate(self.weights)} | {
            f"bias{i}": b for i, b in enumerate(self.biases)
        }
        return {"mlp.safetensors": pack({"columns": self.columns, **arrays})}

    def _restore(self, files: dict[str, bytes]) -> None:
        arrays = unpack(files["mlp.safetensors"])
        self.columns = arrays["columns"]
        low, high, whole = self.columns.tolist()
        if whole != self.n_features_in_:
            raise ValueError(f"columns are {low} to {high} of {whole}, not of {self.n_features_in_}")
        wide = self.members * self.hidden + self.targets_
        shapes: dict[str, tuple[int, ...]] = {"weight0": (high - low, wide), "bias0": (wide,)}
        for i in range(1, self.layers + 1):
            units = self.hidden if i < self.layers else self.targets_
            shapes |= {f"weight{i}": (self.members, self.hidden, units), f"bias{i}": (self.members, 1, units)}
        for name, shape in shapes.items():
            if arrays[name].shape != shape:
                raise ValueError(f"{name} is {arrays[name].shape}, expected {shape}")
        layers = range(self.layers + 1)
        self._take([arrays[f"weight{i}"] for i in layers], [arrays[f"bias{i}"] for i in layers])


def _ridge(X: np.ndarray, y: np.ndarray, penalty: float) -> np.ndarray:
    """Return the slopes (columns, targets) of a linear fit of centred X (n, columns) and y (n, targets)."""
    X = X.astype(float)
    slopes: np.ndarray = np.linalg.solve(X.T @ X + max(penalty, 1e-6) * np.eye(X.shape[1]), X.T @ y)
    return slopes


def _train(
    model: Mlp, inputs: "torch.Tensor", targets: "torch.Tensor", rng: np.random.Generator
) -> list["torch.Tensor"]:
    """Return weights (members, in, out) and biases (members, 1, out) by turns, of the last update or the best one."""
    import torch

    n, members = len(inputs), model.members
    sizes = [inputs.shape[1], *[model.hidden] * model.layers, targets.shape[1]]
    spread = float(inputs.square().sum(dim=1).mean()) or 1.0  # what a row's columns sum to
    parameters = []
    for i, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        power = 2 / spread if i == 0 else (2 if i < model.layers else 0.1) / fan_in
        parameters += [torch.randn(members, fan_in, fan_out) * power**0.5, torch.zeros(members, 1, fan_out)]
    for p in parameters:
        p.requires_grad_(True)
    held = round(model.held_out * n) if n >= 50 else 0
    orders = torch.from_numpy(np.stack([rng.permutation(n) for _ in range(members)]))
    kept, valid = orders[:, held:], orders[:, :held]
    batch = min(model.batch, n - held)
    updates = max(model.steps, model.epochs * (n - held) // batch)
    optimiser, plan = Adam(parameters, model.decay), one_cycle(model.rate, updates, 0.1)
    least, best = torch.full((members,), torch.inf), [p.detach().clone() for p in parameters]
    for update in range(updates):
        rows = kept.gather(1, torch.from_numpy(rng.integers(n - held, size=(members, batch))))
        loss = (_forward(parameters, inputs[rows]) - targets[rows]).square().mean(dim=(1, 2)).sum()
        loss.backward()
        optimiser.step(*plan[update])
        if held and (update % CHECKS == CHECKS - 1 or update == updates - 1):
            with torch.no_grad():
                error = (_forward(parameters, inputs[valid]) - targets[valid]).square().mean(dim=(1, 2))
            better = error < least
            least = torch.where(better, error, least)
            for old, new in zip(best, parameters, strict=True):
                old[better] = new.detach()[better]
    return best if held else parameters


def _forward(parameters: list["torch.Tensor"], x: "torch.Tensor") -> "torch.Tensor":
    import torch

    for i in range(0, len(parameters), 2):
        x = torch.baddbmm(parameters[i + 1], x, parameters[i])
        if i + 2 < len(parameters):
            x = torch.nn.functional.silu(x)
    return x


Plugin = Mlp

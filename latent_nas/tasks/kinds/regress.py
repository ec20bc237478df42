"""Regression: outputs are numbers, standardised by the training targets; errors are in the targets' own unit."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas import seeds
from latent_nas.tasks.kinds import Baseline, Evidence, Kind, Metric

if TYPE_CHECKING:
    import torch

    from latent_nas.tasks import Recipe

RMSE, R2 = Metric("rmse", "of the target", higher_is_better=False), Metric("r2", "")
MAE = Metric("mae", "of the target", higher_is_better=False)
UNEVEN = 2.0  # times the spread of one target that of another is, from which their errors don't add up
MARGIN = 0.1  # of the training targets' range, that int8 can say beyond it at both ends
SHOWN = 400  # samples of a picture


@dataclass(frozen=True)
class Regression(Kind):
    """Targets are numbers (n, outputs) float32, outputs (n, outputs) are (target - shift) * gain.

    Errors of several outputs are the mean over outputs; r2 is that of each output, averaged. Where the spreads of
    targets differ by ``UNEVEN`` or more, the mean error is that of the largest, so r2 is what a search optimises.

    Attributes:
        shift, gain: of every output, from the training targets' mean and standard deviation. names: of the targets.
    """

    shift: tuple[float, ...]
    gain: tuple[float, ...]
    names: tuple[str, ...]
    name: ClassVar[str] = "regress"
    metrics: tuple[Metric, ...] = (RMSE, MAE, R2)

    @staticmethod
    def of(targets: np.ndarray, names: tuple[str, ...]) -> "Regression":
        """Return the kind of training targets (n, outputs)."""
        mean, std = targets.mean(axis=0, dtype=np.float64), targets.std(axis=0, dtype=np.float64)
        gain = np.where(std > 0, 1 / np.where(std > 0, std, 1), 1)
        uneven = std.max() >= UNEVEN * std.min()
        metrics = (R2, RMSE, MAE) if uneven and len(std) > 1 else (RMSE, MAE, R2)
        return Regression(tuple(mean.tolist()), tuple(gain.tolist()), names, metrics)

    def wrong(self, targets: np.ndarray, outputs: int) -> str:
        """Return what is wrong with numbers (n, outputs), as other shapes would broadcast; "" if nothing."""
        if targets.dtype != np.float32 or targets.shape[1:] != (outputs,):
            return f"is {targets.dtype} {targets.shape}, wanted numbers (n, {outputs}) float32"
        return ""

    def loss(
        self, outputs: "torch.Tensor", targets: "torch.Tensor", recipe: "Recipe", weight: "torch.Tensor | None" = None
    ) -> "torch.Tensor":
        """Return the mean squared error of standardised targets."""
        import torch

        shift, gain = (torch.tensor(v, dtype=torch.float32).to(outputs.device) for v in (self.shift, self.gain))
        return ((outputs - (targets - shift) * gain) ** 2).mean()

    teaches: ClassVar[bool] = True

    def soft_loss(self, outputs: "torch.Tensor", soft: "torch.Tensor", temperature: float) -> "torch.Tensor":
        """Return the mean squared distance from a teacher's outputs (n, outputs); the temperature does nothing."""
        return ((outputs - soft) ** 2).mean()

    def measure(self, outputs: np.ndarray, targets: np.ndarray) -> dict[str, float]:
        """Return errors in the targets' unit and the coefficient of determination, 0 where those are all the same."""
        squares = (self.answers(outputs) - targets) ** 2
        spread = targets.astype(np.float64).var(axis=0)
        r2 = np.where(spread > 0, 1 - squares.mean(axis=0) / np.where(spread > 0, spread, 1), 0)
        return {
            "rmse": float(np.sqrt(squares.mean(axis=0)).mean()),
            "mae": float(np.sqrt(squares).mean()),
            "r2": float(r2.mean()),
        }

    def answers(self, outputs: np.ndarray) -> np.ndarray:
        """Return what outputs (n, outputs) say of the targets, in their unit, float64."""
        return outputs.astype(np.float64) / self.gain + self.shift

    def agreement(self, outputs: np.ndarray, floats: np.ndarray) -> dict[str, float]:
        """Return the mean absolute difference of the answers, in the targets' unit."""
        return {"difference": float(np.abs(self.answers(outputs) - self.answers(floats)).mean())}

    def baseline(self, train: np.ndarray, judged: np.ndarray) -> Baseline:
        """Return the mean of the training targets."""
        mean = (train.mean(axis=0, dtype=np.float64) - self.shift) * self.gain
        return Baseline("always the mean", self.measure(np.tile(mean, (len(judged), 1)), judged))

    def output_range(self, targets: np.ndarray) -> tuple[float, float]:
        """Return the range of the standardised targets, a tenth wider at both ends: no calibration sample decides."""
        scaled = (targets - np.array(self.shift)) * self.gain
        low, high = float(scaled.min()), float(scaled.max())
        return low - MARGIN * (high - low), high + MARGIN * (high - low)

    def evidence(self, outputs: np.ndarray, targets: np.ndarray, classes: int) -> Evidence:
        """Return "scatter": (target, answer) of at most 400 samples, of one output after another."""
        rows = np.sort(seeds.rng(0, "scatter").permutation(len(targets))[:SHOWN])
        answers = self.answers(outputs[rows])
        pairs = [np.stack([targets[rows, i], answers[:, i]], axis=1) for i in range(targets.shape[1])]
        return {f"scatter {name}": pair.round(6).tolist() for name, pair in zip(self.names, pairs, strict=True)}

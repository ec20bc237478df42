"""Features of a batch of ``resnet_analog`` networks without a graph; a test holds them equal to the graphs'."""

import numpy as np

from latent_nas.operators import Shape

KINDS = ("conv2d", "pointwise")
PLAIN = (
    *(f"count.{k}" for k in (*KINDS, "add")),
    "longest.all",
    "shortest.all",
    "log_paths",
    "width.least",
    "width.mean",
    "width.inverse",
)
LOGS = (
    *(f"{term}.{k}" for k in KINDS for term in ("macs", "outputs", "weights")),
    "macs.dense",
    "outputs.add",
    "macs",
    "parameters",
    "channels",
    "tensor.sum",
    "pixels.last",
)
NAMES = PLAIN + LOGS


class Sums:
    """Sums over the layers of n networks; ``times`` (n,) says how often a layer occurs in each, 0 for absent."""

    def __init__(self, n: int, input_shape: Shape) -> None:
        self.total = {name: np.zeros(n) for name in NAMES}
        self.total["width.least"] += np.inf
        self.total["tensor.sum"] += np.prod(input_shape)
        self.total["pixels.last"] += input_shape[0] * input_shape[1]

    def layer(
        self, times: np.ndarray, shape: Shape, before: np.ndarray, filters: np.ndarray, kernel: int, stride: int = 1
    ) -> None:
        """Count a convolution that makes images of ``shape`` out of ``before`` (n,) channels."""
        total, kind = self.total, KINDS[kernel == stride == 1]
        pixels, weights, log = shape[0] * shape[1], filters * before * kernel**2, np.log2(filters)
        total[f"count.{kind}"] += times
        for name in (f"macs.{kind}", "macs"):
            total[name] += times * weights * pixels
        for name in (f"outputs.{kind}", "tensor.sum"):
            total[name] += times * filters * pixels
        total[f"weights.{kind}"] += times * weights
        total["parameters"] += times * (weights + filters)
        total["channels"] += times * filters
        total["width.mean"] += times * log
        total["width.inverse"] += times / filters
        np.minimum(total["width.least"], np.where(times > 0, log, np.inf), out=total["width.least"])

    def additions(self, times: np.ndarray, shape: Shape, channels: np.ndarray) -> None:
        """Count additions of images of ``shape``."""
        self.total["count.add"] += times
        for name in ("outputs.add", "tensor.sum"):
            self.total[name] += times * channels * shape[0] * shape[1]

    def way(self, times: np.ndarray, longest: np.ndarray | int, shortest: int) -> None:
        """Add operators to the longest and the shortest way through the network."""
        self.total["longest.all"] += times * longest
        self.total["shortest.all"] += times * shortest

    def paths(self, times: np.ndarray, ways: np.ndarray) -> None:
        """Multiply the paths by ``ways``, so many times."""
        self.total["log_paths"] += times * np.log2(ways)

    def ends(self, used: np.ndarray, shape: Shape) -> None:
        """Set the pixels before pooling where the stage is used."""
        self.total["pixels.last"] = np.where(used > 0, shape[0] * shape[1], self.total["pixels.last"])

    def columns(self, channels: np.ndarray, outputs: int) -> np.ndarray:
        """Close with pooling and a dense layer and return (n, len(NAMES)) float32."""
        total = self.total
        for name in ("macs.dense", "macs", "parameters"):
            total[name] += channels * outputs
        total["parameters"] += outputs
        total["channels"] += outputs
        total["tensor.sum"] += channels + outputs
        self.way(np.ones(len(channels)), 2, 2)
        total["width.mean"] /= sum(total[f"count.{k}"] for k in KINDS)
        logs = np.log2(1 + np.stack([total[k] for k in LOGS], axis=1))
        return np.concatenate([np.stack([total[k] for k in PLAIN], axis=1), logs], axis=1).astype(np.float32)

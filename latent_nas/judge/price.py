"""What a network's training costs, reckoned from its work, so that a search can ask for gain per second.

Nothing is measured in a search: what a clock says depends on the machine and on how busy it is, and a search would not
come to the same result again. Shares are those of trainings of ``mcu_cnn`` on digits on one CPU core.
"""

from dataclasses import dataclass

import numpy as np

from latent_nas.spaces import Space

FIXED_S = 0.18  # of a training, whatever the network
LAYER_S = 0.48e-3  # of a convolution in a step
MAC_S, VALUE_S = 0.094e-9, 13.8e-9  # of a multiply-accumulate and of a value of a tensor, of each sample
LAYERS = ("count.conv2d", "count.pointwise", "count.depthwise")
NEEDED = ("macs", "tensor.sum")


@dataclass(frozen=True)
class Price:
    """CPU seconds of trainings.

    Attributes:
        space: whose features tell the work. steps, samples: of a training, over all epochs.

    Raises:
        ValueError: the space does not tell it.
    """

    space: Space
    steps: float
    samples: float

    def __post_init__(self) -> None:
        if missing := [name for name in NEEDED if name not in self.space.feature_names]:
            raise ValueError(
                f"space {self.space.name!r} does not tell what a training costs: it has no feature"
                f" {' or '.join(missing)}; leave priced=true out"
            )

    def __call__(self, genes: np.ndarray) -> np.ndarray:
        """Return the seconds (n,) of canonical genes (n, genes)."""
        columns = dict(zip(self.space.feature_names, self.space.features(genes).T.astype(float), strict=True))
        layers = sum(columns.get(name, 0.0) for name in LAYERS)
        macs, values = (2 ** columns[name] - 1 for name in NEEDED)
        return np.asarray(FIXED_S + self.steps * LAYER_S * layers + self.samples * (MAC_S * macs + VALUE_S * values))

"""A training that is killed after some epochs, and goes on from the file of its state."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from latent_nas.training import Trained, train


def gone_on(*given: Any, keep: Path, after: int = 2, **settings: Any) -> Trained:
    """Return the training of ``train(*given, **settings)`` that was killed ``after`` so many epochs and then resumed.

    Args:
        keep: file of its state; nothing is there yet.
    """

    def kill(history: np.ndarray) -> None:
        if len(history) == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(*given, keep=keep, watch=kill, **settings)
    return train(*given, keep=keep, **settings)

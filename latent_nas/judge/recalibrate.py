"""What emulated devices teach a search about costs: how far they are from what was computed."""

import math
from collections.abc import Sequence

import numpy as np

from latent_nas.records import Record
from latent_nas.units import COSTS

PRIOR = 1.0  # networks' worth of belief that what is computed is right


def excess(records: Sequence[Record]) -> np.ndarray:
    """Return the mean of log(emulated / computed) of flash, RAM and latency (3,), drawn to 0 by few records.

    It is 0 without emulated records, and depends on nothing but their set.
    """
    logs = [[_log(record, name) for name in COSTS] for record in records if record.emulated_instructions]
    return np.array(
        [math.fsum(column) / (len(logs) + PRIOR) for column in zip(*logs, strict=True)] or [0.0] * len(COSTS)
    )


def _log(record: Record, name: str) -> float:
    emulated, computed = getattr(record, f"emulated_{name}"), getattr(record, name)
    return math.log(emulated / computed) if emulated and computed else 0.0

"""What emulated devices teach a search about costs: how far they are from what was computed."""

import math
from collections.abc import Sequence

import numpy as np

from latent_nas.records import Record

COSTS = ("flash_bytes", "ram_bytes", "latency_ms")
PRIOR = 1.0  # networks' worth of belief that what is computed is right


def excess(records: Sequence[Record]) -> np.ndarray:
    """Return the mean of log(emulated / computed) of flash, RAM and latency (3,), drawn to 0 by few records.

    It is 0 without emulated records, and depends on nothing but their set.
    """
    found = [[_log(record, name) for name in COSTS] for record in records if record.emulated_instructions]
    return np.array([math.fsum(column) / (len(found) + PRIOR) for column in zip(*found, strict=True)] or [0.0] * 3)


def _log(record: Record, name: str) -> float:
    emulated, computed = getattr(record, f"emulated_{name}"), getattr(record, name)
    return math.log(emulated / computed) if emulated and computed else 0.0

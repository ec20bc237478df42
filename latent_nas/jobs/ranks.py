"""Final networks along the front of quality and size: which are trained in full, and which is small, medium or large.

Size is the geometric mean of flash, RAM and latency; quality is the order of validation, never of the test part.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from latent_nas.records import Record, ranked
from latent_nas.runs import files
from latent_nas.runs.schema import FinalNetwork, read_result
from latent_nas.tasks.kinds import Kind

FINALS = ("best", "front")  # which networks a search trains in full
SIZES = ("small", "medium", "large")


def along_front(records: Sequence[Record], count: int, kind: Kind, without: float) -> list[Record]:
    """Return networks to train in full: the best, then smaller ones that lose as little as can be for their size.

    Those of the front, evenly apart in size; where it has too few, the best of the others after them.

    Args:
        records: of a search. count: how many. kind: of the task. without: its first metric without any network, which
            a network has to beat.
    """
    order, name = ranked([*records]), kind.metric.name
    least = kind.metric.signed(without)
    good = [r for r in order if name not in r.measured_int8 or kind.metric.signed(r.measured_int8[name]) > least]
    costs = [_size(r.flash_bytes, r.ram_bytes, r.latency_ms) for r in good]
    front = [i for i, cost in enumerate(costs) if cost < min(costs[:i], default=np.inf)]
    wanted = np.linspace(costs[front[0]], costs[front[-1]], count).tolist() if front else []
    chosen: list[int] = []
    for cost in wanted:
        left = [i for i in front if i not in chosen]
        chosen += [min(left, key=lambda i: abs(costs[i] - cost))] if left else []
    picked = [good[i] for i in sorted(chosen)]
    return (picked + [r for r in order if r not in picked])[:count]


def on_front(networks: Sequence[FinalNetwork]) -> list[int]:
    """Return the ranks of final networks that are smaller than all that validation puts before them, smallest first."""
    found: list[int] = []
    least = np.inf
    for rank, network in enumerate(networks, 1):
        if network.seeds and network.fits is not False and (cost := network.size) < least:
            found, least = [rank, *found], cost
    return found


def by_name(rank: str, networks: Sequence[FinalNetwork]) -> int:
    """Return the rank of the network that is small, medium or large among those of the front.

    Raises:
        ValueError: there is no network.
    """
    front = on_front(networks)
    if not front:
        raise ValueError(f"--rank {rank}: the run has no final network that fits")
    return front[{"small": 0, "medium": len(front) // 2, "large": len(front) - 1}[rank]]


def rank_of(place: Path, asked: str) -> tuple[int, str]:
    """Return which of a run's final networks was asked for, from 1, and what to say where it was by its size.

    Args:
        place: as the user named it. asked: a number, or one of ``SIZES``.

    Raises:
        ValueError: neither, or a size of what is not a finished run.
    """
    if asked.isdecimal() and int(asked) >= 1:
        return int(asked), ""
    if asked not in SIZES:
        raise ValueError(f"--rank {asked}: wanted a number from 1, or {', '.join(SIZES)}")
    file = place / files.RESULT
    if not file.is_file():
        raise ValueError(f"--rank {asked} is for a finished run, which {place} is not (it has no {files.RESULT})")
    try:
        networks = read_result(json.loads(file.read_text(encoding="utf-8")), str(file)).networks
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{file} can't be read: {error}") from None
    rank, front = by_name(asked, networks), on_front(networks)
    return rank, f"--rank {asked}: network {rank} of {len(networks)}, of {len(front)} along the front of size"


def lines(networks: Sequence[FinalNetwork]) -> list[str]:
    """Return what to say of the sizes of final networks, and of the one that validation can't tell from the first."""
    front, found = on_front(networks), list[str]()
    if len(front) > 1:
        named = [f"{name} {by_name(name, networks)}." for name in SIZES if name != "medium" or len(front) > 2]
        found.append(f"By size: {', '.join(named)} (`--rank small` and so on of deploy and export)")
    alike = [r for r, n in enumerate(networks, 1) if n.like_first and n.seeds and n.fits is not False]
    if alike and networks[0].seeds:
        cheapest = min([1, *alike], key=lambda rank: networks[rank - 1].size)
        told = f"Within the error bar of validation (95 %) of 1.: {', '.join(f'{rank}.' for rank in alike)};"
        found.append(f"{told} the one that takes least is {cheapest}. (`--rank {cheapest}`)")
    return found


def _size(*costs: float) -> float:
    return float(np.log(np.maximum(costs, 1e-9)).sum())

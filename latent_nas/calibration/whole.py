"""A runtime scaled to whole networks that a user has measured on a board: all its cycles times one factor.

One factor, as few networks know little of many kernels: it is the geometric mean of measured / computed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from latent_nas.costs import costs
from latent_nas.devices import Device
from latent_nas.graph import Graph
from latent_nas.runtimes import Runtime

FAR = 10.0  # times off what the runtime says: more is another network, unit or clock
APART = 3.0  # times off what the other measured networks say


@dataclass(frozen=True)
class MeasuredNetwork:
    """A whole network on a board: ``latency_ms``; ``macs`` and ``flash_bytes`` where they were stated beside it."""

    name: str
    graph: Graph
    latency_ms: float
    macs: float | None = None
    flash_bytes: float | None = None
    softmax: bool = False


@dataclass(frozen=True)
class Scaled:
    """What came of it.

    Attributes:
        factor: of all cycles. before, after: relative errors of each network's time, as the runtime had it, and with
            the factor of the other networks; ``after`` is empty where there is but one.
        within: all measured times lie within the error bars of the runtime as it was.
    """

    runtime: Runtime
    factor: float
    before: tuple[float, ...]
    after: tuple[float, ...]
    within: bool


def scale(name: str, base: Runtime, device: Device, networks: Sequence[MeasuredNetwork], force: bool) -> Scaled:
    """Return the runtime ``name``: ``base`` with the measured networks' time on the device's core.

    Raises:
        ValueError: a time that is none; and without ``force``, one that is ``FAR`` times off what ``base`` says, or
            ``APART`` times off what the other networks say, or figures beside it that are another network's.
    """
    computed, within = [], True
    for one in networks:
        if not 0 < one.latency_ms < math.inf:
            raise ValueError(f"{one.name}: wanted a time above 0, got latency_ms={one.latency_ms:g}")
        found = costs(one.graph, device, base, one.softmax)
        for what, stated, own in (("macs", one.macs, found.macs), ("flash_bytes", one.flash_bytes, found.flash_bytes)):
            if stated is not None and not force and abs(stated / own - 1) > 0.1:
                raise ValueError(
                    f"{one.name}: measured {what}={stated:,.0f}, but it has {own:,}: another network? Give the network"
                    " that was measured, or --force"
                )
        computed.append(found.latency_ms)
        within &= abs(one.latency_ms - found.latency_ms) <= found.latency_error_ms
    logs = [math.log(one.latency_ms / ms) for one, ms in zip(networks, computed, strict=True)]
    if not force:
        _check(networks, computed, logs, base)
    factor = math.exp(sum(logs) / len(logs))
    after: tuple[float, ...] = ()
    if len(logs) > 1:
        others = [(sum(logs) - log) / (len(logs) - 1) for log in logs]
        after = tuple(math.expm1(other - log) for other, log in zip(others, logs, strict=True))
    row = base.row(device.core)
    error = row.error if not after else min(row.error, max(map(abs, after)))
    texts = ", ".join(f"{one.name} {one.latency_ms:g} ms" for one in networks)
    source = f"scaled by {factor:.3g} to {texts}, measured on {device.name} at {device.clock_hz / 1e6:g} MHz"
    row = replace(row.times(factor), error=error, source=source)
    runtime = replace(
        base,
        name=name,
        description=f"{base.description}, scaled to {device.name}",
        source=f"{base.source}; {source}",
        cores={**base.cores, device.core.name: row},
    )
    return Scaled(runtime, factor, tuple(math.expm1(-log) for log in logs), after, within)


def _check(networks: Sequence[MeasuredNetwork], computed: list[float], logs: list[float], base: Runtime) -> None:
    for i, (one, ms, log) in enumerate(zip(networks, computed, logs, strict=True)):
        if abs(log) > math.log(FAR):
            raise ValueError(
                f"{one.name}: measured {one.latency_ms:g} ms, but {base.name} says {ms:.3g} ms, more than {FAR:g} times"
                " off: another network, unit, clock or board? With --force it is taken as it is"
            )
        others = [other for j, other in enumerate(logs) if j != i]
        if others and abs(log - sum(others) / len(others)) > math.log(APART):
            raise ValueError(
                f"{one.name}: measured {math.exp(log):.3g} times what {base.name} says, the others"
                f" {math.exp(sum(others) / len(others)):.3g} times: of another network? With --force all are taken"
            )

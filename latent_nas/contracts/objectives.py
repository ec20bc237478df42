"""What every objective keeps."""

import math
from dataclasses import replace
from typing import Any

from latent_nas.contracts import demand
from latent_nas.limits import Limits
from latent_nas.objectives import Objective
from latent_nas.records import Record

LIMITS = Limits(flash_bytes=1024 * 1024, ram_bytes=128 * 1024, latency_ms=100.0)
RECORD = Record(
    (0,),
    "space",
    "task",
    0,
    measured_float={"accuracy": 0.8},
    measured_int8={"accuracy": 0.8},
    flash_bytes=256 * 1024,
    ram_bytes=1000,
    latency_ms=20.0,
)


def subjects(plugin: Any) -> list[Objective]:
    """Return the objective under limits of flash, RAM and latency."""
    return [plugin if isinstance(plugin, Objective) else plugin(LIMITS)]


def has_a_name_and_limits(subject: Objective) -> None:
    """Its name, which records use, is a text; what it adds to the limits are ``Limits``."""
    demand(isinstance(getattr(subject, "name", None), str) and subject.name, "it has no `name`")
    demand(isinstance(subject.own, Limits), f"`own` is {subject.own!r}, wanted Limits")


def a_record_gets_a_finite_value(subject: Objective) -> None:
    """A record that is ok has a score then, always the same."""
    score = subject.judge(RECORD).score
    demand(score is not None and math.isfinite(score), f"a record that is ok gets {score}, wanted a finite number")
    demand(subject.judge(RECORD) == subject.judge(RECORD), "one record gets two values")


def a_better_network_is_better(subject: Objective) -> None:
    """At equal costs, the network with the better metric has the larger value."""
    better = replace(RECORD, measured_float={"accuracy": 0.9}, measured_int8={"accuracy": 0.9})
    low, high = subject.judge(RECORD).score or 0, subject.judge(better).score or 0
    demand(low < high, f"accuracy 0.8 gets {low:g}, 0.9 gets {high:g}; more is better")


def nothing_else_changes(subject: Objective) -> None:
    """What was measured and computed stays; a record that was judged is not changed again."""
    judged = subject.judge(RECORD)
    kept = ("objective", "higher_is_better", "measured_beside")
    plain = replace(judged, **{name: getattr(RECORD, name) for name in kept})
    demand(plain == RECORD, "`judge` changes what was measured or computed")
    demand(subject.judge(judged) == judged, "a record that is judged twice gets another value")


def a_failed_record_stays_as_it_is(subject: Objective) -> None:
    """A training that failed has no value."""
    record = replace(RECORD, status="failed", reason="diverged", measured_float={}, measured_int8={})
    demand(subject.judge(record) == record, "`judge` changes a record that failed")


CONTRACTS = (
    has_a_name_and_limits,
    a_record_gets_a_finite_value,
    a_better_network_is_better,
    nothing_else_changes,
    a_failed_record_stays_as_it_is,
)

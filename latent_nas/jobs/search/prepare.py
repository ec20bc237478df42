"""What a search checks before it begins, so that wrong input leaves nothing behind."""

from dataclasses import dataclass
from pathlib import Path

from latent_nas import plugins
from latent_nas.codec import Codec
from latent_nas.jobs.make import dataset
from latent_nas.jobs.moved import check_there
from latent_nas.jobs.reach import check_reachable
from latent_nas.jobs.search.config import SearchConfig
from latent_nas.limits import Limits
from latent_nas.records import SHORT, Record
from latent_nas.target import Setup, open_target

LEAST_SHORT = 2000  # samples seen by a short training


@dataclass(frozen=True)
class Prepared:
    """A search that may begin.

    Attributes:
        setup: the opened target. limits: in force, the device's and the objective's own among them.
        warm: records of the table that the search begins with; () without one.
        said: of options that changed since it began, in lines.
    """

    config: SearchConfig
    setup: Setup
    limits: Limits
    warm: tuple[Record, ...] = ()
    said: tuple[str, ...] = ()


def prepare(config: SearchConfig) -> Prepared:
    """Return a search with its parts opened, everything checked that can be checked before training.

    Raises:
        ValueError: a wrong name or setting, data that changed since the run began, or limits that nothing meets.
    """
    check_there(config.target.task, config.data)
    setup = open_target(config.check().target, anew=True).check()
    if config.data and config.data != setup.task.fingerprint:
        raise ValueError(
            f"the data at {config.target.task} has changed since the run began (sha256 {config.data[:12]}..., now"
            f" {setup.task.fingerprint[:12]}...); put it back, say where it is with --task PATH, or begin another run"
        )
    limits = config.limits.tighten(setup.device.limits).tighten(plugins.load("objectives", config.objective).own)
    for outputs in setup.space.all_outputs:
        setup.task.check(outputs)
    if config.halving:
        _check_halving(setup)
    if config.codec:
        Codec.load(Path(config.codec), setup.space)
    warm = _warm_records(config) if config.warm_start else []
    plugins.load("evaluators", config.measure).check(config.target)
    if config.ray:
        plugins.load("crews", "ray").check(config.ray)
    check_reachable(setup, limits)
    return Prepared(config, setup, limits, tuple(warm))


def _check_halving(setup: Setup) -> None:
    """Raise ValueError where a short training would see too little to say anything."""
    seen = len(setup.task.data().train) * setup.task.recipe(SHORT).work
    if seen < LEAST_SHORT:
        raise ValueError(
            f"halving is for larger data: a short training on {setup.task.name} would see {seen:.0f} samples, and under"
            f" {LEAST_SHORT} say nothing; leave --halving away"
        )


def _warm_records(config: SearchConfig) -> list[Record]:
    """Return the records of the table that a search begins with.

    Raises:
        ValueError: it can't be read, or is of another space or task.
    """
    records = dataset.read(Path(config.warm_start))
    wanted = (config.target.space, config.target.task)
    if {(r.space, r.task) for r in records} != {wanted}:
        raise ValueError(f"{config.warm_start} is not a table of space {wanted[0]!r} and task {wanted[1]!r}")
    return records

"""Whether networks can have what a full training is asked for, and be pruned so far: told before any training."""

from collections.abc import Callable, Sequence

from latent_nas import seeds, training
from latent_nas.jobs import fitting
from latent_nas.records import FULL, Record
from latent_nas.target import Setup

SAMPLES = 16  # of a search's space


def check_space(setup: Setup) -> None:
    """Raise ValueError where a recipe of full trainings wants what no network drawn from the space has.

    A network that lacks it where others have it fails by itself, as a record with its reason.
    """
    why = ""
    for genes in setup.space.sample(seeds.rng(0, "able"), SAMPLES):
        why = why_not(setup, tuple(map(int, genes)))
        if not why:
            return
    raise ValueError(f"of {SAMPLES} networks drawn from space {setup.space.name!r} none can be trained so: {why}")


def able(setup: Setup, chosen: Sequence[Record], say: Callable[[str], None]) -> list[Record]:
    """Return the networks that can be trained as the target says; what the others lack is said.

    Raises:
        ValueError: none can.
    """
    found = []
    for record in chosen:
        why = why_not(setup, record.genes)
        if not why:
            found.append(record)
        elif len(chosen) > 1:
            say(f"a network of {record.parameters:,} parameters is left out: {why}")
    if chosen and not found:
        raise ValueError(why if len(chosen) == 1 else f"none of {len(chosen)} networks can be trained so: {why}")
    return found


def why_not(setup: Setup, genes: tuple[int, ...]) -> str:
    """Return why one network can't be trained in full as the target says, "" where it can."""
    graph = setup.built(genes).graph
    try:
        training.suits(setup.target.recipe(setup.task, FULL), graph)
        if setup.target.prune_to:
            fitting.check(setup.excess, graph)
    except ValueError as error:
        return str(error)
    return ""

"""What every strategy keeps: on a toy of 4^8 networks whose best one is known."""

from typing import Any

import numpy as np

from latent_nas.contracts import demand, refuses
from latent_nas.contracts.randomness import untouched
from latent_nas.contracts.toy import ToyScorer, fits, record, toy_problem
from latent_nas.limits import Limits
from latent_nas.records import Record
from latent_nas.spaces import Genes
from latent_nas.strategies import Strategy

LIMITS = Limits(flash_bytes=2200)
FEW = Limits(flash_bytes=1100)  # 8 networks keep it
BATCH = 4


class Subject:
    """A strategy's class, opened on the toy."""

    def __init__(self, plugin: type[Strategy]) -> None:
        self.plugin = plugin

    def opened(self, seed: int = 0, limits: Limits = LIMITS) -> Strategy:
        """Return a new one."""
        return self.plugin(toy_problem(limits), seed)


def subjects(plugin: Any) -> list[Subject]:
    """Return the strategy; it is a class, as it is made anew for every search."""
    if not isinstance(plugin, type):
        raise ValueError("a strategy is given as a class, not as an object")
    return [Subject(plugin)]


def rounds(strategy: Strategy, n: int) -> list[list[Genes]]:
    """Return what a strategy asks for in n rounds, all told."""
    asked = []
    for _ in range(n):
        genes = strategy.ask(BATCH, ToyScorer(labels=len(strategy.genes)))
        strategy.tell([record(g) for g in genes])
        asked.append(genes)
    return asked


def has_a_name(subject: Subject) -> None:
    """Its name, which settings and messages use, is a text without a dot."""
    name = getattr(subject.plugin, "name", None)
    demand(isinstance(name, str) and name and "." not in name, f"`name` is {name!r}; wanted a text without a dot")


def asks_are_valid_distinct_feasible_and_new(subject: Subject) -> None:
    """Canonical tuples of ints that keep the limits, never one twice."""
    strategy = subject.opened()
    batches = rounds(strategy, 8)
    demand(all(len(batch) == BATCH for batch in batches), f"ask({BATCH}) gives {[len(b) for b in batches]}")
    asked = [genes for batch in batches for genes in batch]
    demand(len(set(asked)) == len(asked), "a network that was told is asked for again")
    demand(all(type(v) is int for genes in asked for v in genes), "genes are not ints of Python")
    array = strategy.problem.space.check(asked)
    demand(np.array_equal(array, strategy.problem.space.canonical(array)), "a network is not canonical")
    demand(fits(LIMITS, array).all(), "a network exceeds the limits; check it with `self.fresh` or `problem.fits`")


def one_seed_asks_the_same_another_asks_others(subject: Subject) -> None:
    """All randomness comes from ``self.rng``."""
    first, again, other = (rounds(subject.opened(seed), 3) for seed in (5, 5, 6))
    demand(first == again, "one seed asks for different networks")
    demand(first[0] != other[0], "two seeds ask for the same networks")


def restored_goes_on_the_same(subject: Subject) -> None:
    """What ``state`` gives is all that ``restore`` needs."""
    expected, stopped = rounds(subject.opened(), 4), subject.opened()
    rounds(stopped, 2)
    fresh = subject.opened()
    fresh.restore(stopped.state())
    demand(rounds(fresh, 2) == expected[2:], "a restored strategy asks for other networks; does `state` hold it all?")


def asked_twice_is_answered_the_same(subject: Subject) -> None:
    """``ask`` changes nothing that a search resumed between ask and tell would miss."""
    strategy = subject.opened()
    rounds(strategy, 2)
    before, scorer = strategy.state(), ToyScorer(labels=8)
    asked = strategy.ask(BATCH, scorer)
    demand(strategy.ask(BATCH, scorer) == asked, "two asks without a tell between give different networks")
    for state in (before, strategy.state()):
        resumed = subject.opened()
        resumed.restore(state)
        demand(resumed.ask(BATCH, scorer) == asked, "resumed before the tell, it asks for other networks")
        resumed.tell([record(g) for g in asked])
        demand(resumed.round == 3, f"after three tells `round` is {resumed.round}; call super().tell(records)")


def global_generators_are_left_alone(subject: Subject) -> None:
    """Neither Python's, numpy's nor torch's generator is used."""
    with untouched():
        rounds(subject.opened(), 2)


def failed_trainings_are_not_asked_for_again(subject: Subject) -> None:
    """A network whose training failed stays asked for."""
    strategy = subject.opened()
    failed = strategy.ask(BATCH, None)
    strategy.tell([Record(g, "toy", "toy", 0, status="failed", reason="diverged") for g in failed])
    demand(not set(strategy.ask(8, ToyScorer(labels=0))) & set(failed), "a failed network is asked for again")
    strategy.tell([record((1,) * 8)])
    demand(not set(strategy.ask(8, ToyScorer())) & {*failed, (1,) * 8}, "a network is asked for again, a round later")


def pending_networks_are_not_asked_for(subject: Subject) -> None:
    """What is in training is not asked for, and changes no state."""
    strategy = subject.opened()
    rounds(strategy, 2)
    pending: list[Genes] = []
    scorer = ToyScorer(labels=8)
    for _ in range(3):
        asked = strategy.ask(BATCH, scorer, pending)
        demand(len(set(asked)) == BATCH, f"ask({BATCH}) with {len(pending)} pending gives {len(set(asked))}")
        known = {*pending, *map(tuple, strategy.genes.tolist())}
        demand(not {*asked} & known, "a pending network is asked for")
        pending += asked
    demand(strategy.ask(BATCH, scorer, pending[:BATCH]) == pending[BATCH : 2 * BATCH], "pending networks change state")


def the_last_feasible_networks_are_found_and_then_it_says_so(subject: Subject) -> None:
    """Of eight networks that keep the limits all are found; then a ValueError says that there are no more."""
    for pending in (False, True):
        strategy, asked = subject.opened(limits=FEW), list[Genes]()
        for _ in range(2):
            batch = strategy.ask(BATCH, ToyScorer(labels=len(strategy.genes)), asked if pending else ())
            asked += batch
            if not pending:
                strategy.tell([record(g) for g in batch])
        demand(len(set(asked)) == 8, f"of 8 networks within the limits {len(set(asked))} are found")
        said = refuses("one network too many", strategy.ask, 1, ToyScorer(), asked if pending else ())
        demand("limits" in said, f"the error does not say what to do about the limits: {said}")


def state_of_another_is_refused(subject: Subject) -> None:
    """A state that lacks something is a ValueError."""
    refuses("a state that lacks genes", subject.opened().restore, {"round": np.array(1)})


def equal_scores_do_no_harm(subject: Subject) -> None:
    """A judge that finds all networks equal still gets as many as it was asked for."""
    strategy = subject.opened()
    strategy.tell([record(g) for g in strategy.ask(BATCH, None)])
    asked = strategy.ask(BATCH, ToyScorer(flat=True))
    demand(len(set(asked)) == BATCH, f"ask({BATCH}) gives {len(set(asked))} networks where all scores are equal")


CONTRACTS = (
    has_a_name,
    asks_are_valid_distinct_feasible_and_new,
    one_seed_asks_the_same_another_asks_others,
    restored_goes_on_the_same,
    asked_twice_is_answered_the_same,
    global_generators_are_left_alone,
    failed_trainings_are_not_asked_for_again,
    pending_networks_are_not_asked_for,
    the_last_feasible_networks_are_found_and_then_it_says_so,
    state_of_another_is_refused,
    equal_scores_do_no_harm,
)

"""Optuna's samplers as strategies: an in-memory study is made of the told records for every round.

Nothing but the records, the seed and the round goes into it, so a restored strategy goes on exactly. Networks of one
batch, and those in training, are running trials to the sampler.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_nas.spaces import Gene, Genes
from latent_nas.strategies import Strategy

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler

FIRST_RANDOM = 10


def propose(
    strategy: Strategy,
    n: int,
    pending: Sequence[Genes],
    make: Callable[[int], "BaseSampler"],
    values: np.ndarray,
    tries: int,
    told: np.ndarray | None = None,
    attributes: Callable[[int], dict[str, Any]] = lambda i: {},
) -> list[Genes]:
    """Return n networks: random ones while few were told, then the sampler's.

    What the sampler brings again is told to it as it was measured, for nothing; what breaks the limits as the worst
    that was measured.

    Args:
        pending: networks in training, see ``Strategy.ask``. make: returns a sampler of a seed.
        values: objectives of every record, all higher is better, (m, k); NaN in rows of failed trainings.
        tries: proposals per network wanted, before a random one takes its place.
        told: indices of the records to tell the sampler of, in order; default all that did not fail.
        attributes: system attributes of the i-th told trial.
    """
    rng = strategy.rng()
    good = np.flatnonzero(np.isfinite(values).all(axis=1))
    missing = n if len(good) < 2 else min(n, max(FIRST_RANDOM - len(strategy.genes) - len(pending), 0))
    asked = strategy.random(missing, rng, pending)
    if len(asked) == n:
        return asked
    space = strategy.problem.space
    known = {tuple(strategy.genes[i].tolist()): values[i].tolist() for i in good}
    worst = values[good].min(axis=0).tolist()
    with quiet():
        import optuna
        from optuna.trial import TrialState, create_trial

        asks = {gene.name: distribution(gene) for gene in space.genes if len(gene.choices) > 1}

        def trial_of(genes: Sequence[int], **parts: Any) -> Any:
            params = {g.name: int(v) for g, v in zip(space.genes, genes, strict=True) if g.name in asks}
            return create_trial(params=params, distributions=asks, **parts)

        study = optuna.create_study(directions=["maximize"] * values.shape[1], sampler=make(int(rng.integers(2**32))))
        for i, row in enumerate(good if told is None else told):
            study.add_trial(trial_of(strategy.genes[row], values=values[row].tolist(), system_attrs=attributes(i)))
        for genes in [*pending, *asked]:
            study.add_trial(trial_of(genes, state=TrialState.RUNNING))
        for _ in range(tries * (n - len(asked))):
            if len(asked) == n:
                break
            trial = study.ask(asks)
            raw = np.array([[trial.params.get(gene.name, 0) for gene in space.genes]])
            genes = tuple(space.canonical(raw)[0].tolist())
            if genes in known:
                study.tell(trial, known[genes])
            elif genes in asked or genes in pending:
                study.tell(trial, state=TrialState.FAIL)
            elif not strategy.fresh(np.array([genes])):  # breaks the limits, or failed in training
                study.tell(trial, worst)
            else:
                asked.append(genes)
    return asked + strategy.random(n - len(asked), rng, [*pending, *asked])


def distribution(gene: Gene) -> "BaseDistribution":
    """Return the distribution of a gene's values: integers where its choices are rising numbers, else categories."""
    from optuna.distributions import CategoricalDistribution, IntDistribution

    numbers = all(isinstance(c, (int, float)) and not isinstance(c, bool) for c in gene.choices)
    if numbers and list(gene.choices) == sorted(gene.choices):
        return IntDistribution(0, len(gene.choices) - 1)
    return CategoricalDistribution(range(len(gene.choices)))


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Optuna from writing to the log and from warning of what it calls experimental."""
    import optuna

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(level)

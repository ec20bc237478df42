"""Successive halving (Jamieson and Talwalkar 2016): many short trainings, and full ones for the best of them."""

from dataclasses import dataclass, field

from latent_nas import artifacts
from latent_nas.records import SEARCH, SHORT, Record, ranked
from latent_nas.study import Genes, Study


@dataclass
class Halving(Study):
    """A study whose rounds train ``halving`` times as many networks by the short recipe, and promote the best.

    The strategy is told the accuracies of the promoted ones; the surrogates learn from both.

    Attributes:
        halving: short trainings for one promotion. share: of a full training that a short one costs.
        short: records of the short trainings of finished rounds. misleading: names of fidelities that contradicted full
            trainings.
    """

    halving: int = 4
    share: float = 0.125
    short: list[Record] = field(default_factory=list, init=False)
    misleading: tuple[str, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        if self.halving < 2:
            raise ValueError(f"halving is at least 2 short trainings for one promotion, got {self.halving}")

    @property
    def spent(self) -> float:
        """Full trainings, and what the short ones come to in them."""
        return len(self.records) + self.share * len(self.short)

    def _affordable(self) -> int:
        each = 1 + self.halving * self.share
        most = min(self.budget.batch, int((self.budget.trainings - self.spent + 1e-9) // each))
        return most if self.short else max(most, 1)

    def _resume(self) -> int:
        rounds = super()._resume()
        for number in range(rounds):
            proposals = self.store.proposals(number) or []
            self._again(number, proposals, SHORT)
            self.short += [self._stored(genes, SHORT) for genes in proposals]
        return rounds

    def _trained(self, number: int) -> list[Genes]:
        """Return what a finished round has promoted."""
        proposals = self.store.proposals(number) or []
        return [genes for genes in proposals if self.store.get(genes, self.training_seed, SEARCH) is not None]

    def _round(self, number: int, n: int) -> None:
        if self.scorer:
            self._refit([*self.prior, *self.records, *self.short])
            self._warn(self.scorer.evidence.misleading)
        proposals = self._proposals(number, n * self.halving)
        self._train(number, proposals, SHORT)
        short = [self._stored(genes, SHORT) for genes in proposals]
        promoted: list[Genes] = [record.genes for record in ranked(short)[: max(len(proposals) // self.halving, 1)]]
        self._train(number, promoted)
        told = [self._stored(genes) for genes in promoted]
        self.short += short
        rest = [record for record in short if record.genes not in set(promoted)]
        findings = self._learn(number, promoted, told)
        self.strategy.tell([*told, *rest])
        self.store.close_round(number, findings | {"short": len(short)}, artifacts.pack(self.strategy.state()))
        self._report(findings)

    def _warn(self, names: tuple[str, ...]) -> None:
        """Say once that short trainings mislead; surrogates do without them, promotion can't."""
        if names and not self.misleading:
            self.say("short trainings do not order networks as full ones do; --halving does harm, leave it out")
        self.misleading = names or self.misleading

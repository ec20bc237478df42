"""REINFORCE with an LSTM controller (Zoph and Le 2017; its settings in part those of ENAS, Pham et al. 2018).

The controller emits gene after gene, sampled. The batch of its policy gradient are the networks that were trained and
the samples met on the way that break the limits. What comes again is left out: to learn from it as well, though it is
known, makes the controller collapse to one network within thirty rounds.

The reward is accuracy^power - size_weight * flash / its limit - latency_weight * latency / its limit. With
``power=3 standardise=false`` and no weights it is that of Zoph and Le (section 3.2).
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from latent_nas import seeds
from latent_nas.judge import Judge
from latent_nas.records import Record
from latent_nas.spaces import Genes
from latent_nas.strategies import Problem, Strategy

WEIGHTS = "controller."  # prefix of its arrays in a state


class Reinforce(Strategy):
    """Policy gradient on measured accuracies; one step per round."""

    name = "reinforce"
    judged = False
    hidden = 100  # units of the LSTM; Pham et al. 2018, section 3.1
    scale = 0.1  # of uniform initial weights; Pham et al. 2018, section 3.1 (Zoph and Le: 0.08)
    rate = 0.005  # of Adam; Zoph and Le have 6e-4 for thousands of steps, here are a few dozen
    decay = 0.95  # of the baseline, an exponential moving average (Zoph and Le 2017, section 3.2); 0.95 as in ENAS
    entropy = 0.1  # weight of the bonus per network, for standardised rewards; ENAS has 1e-4 for accuracies
    clip = 5.0  # norm of the gradient
    l2 = 0.0  # weight of the controller's squared weights in its loss
    rate_decay = 1.0  # what the rate is multiplied by after every round
    power = 1.0  # of the accuracy in the reward; Zoph and Le 2017, section 4.1: 3
    size_weight = 0.0  # of flash / its limit, taken from the reward
    latency_weight = 0.0  # of latency / its limit, taken from the reward
    standardise = True  # divide advantages by the moving standard deviation of the rewards
    draws_per_network = 50  # samples to look through for a new one before a random one takes its place
    ranges: ClassVar[dict[str, tuple[float, float]]] = {"decay": (0, 1), "rate_decay": (0, 1), "power": (1e-3, 100)}

    def __init__(self, problem: Problem, seed: int) -> None:
        super().__init__(problem, seed)
        limits = problem.limits.to_json()
        for weight, limit, example in (
            ("size", "flash_bytes", "flash_kb=32"),
            ("latency", "latency_ms", "latency_ms=5"),
        ):
            if getattr(self, f"{weight}_weight") and not limits[limit]:
                raise ValueError(
                    f"reinforce.{weight}_weight weighs {limit} against its limit, and there is none; give one, as in"
                    f" --limit {example}"
                )
        self.baseline, self.variance = np.nan, np.nan
        self._arrays: dict[str, np.ndarray] | None = None  # of the controller; None: as it was made
        self._sampled = self._none()  # by the last ask
        self._good = np.zeros(0, bool)  # whether those keep the limits

    def ask(self, n: int, judge: Judge | None, pending: Sequence[Genes] = ()) -> list[Genes]:
        """Return networks sampled from the controller, random ones where it brings few new; the judge is not asked."""
        rng, controller = self.rng(), self._controller()
        asked: list[Genes] = []
        sampled, good = [self._none()], [np.zeros(0, bool)]
        for _ in range(self.draws_per_network):
            if len(asked) == n:
                break
            actions = controller.sample(n, rng)
            genes = list(map(tuple, self.problem.space.canonical(actions).tolist()))
            new = self.fresh(np.array(genes), [*pending, *asked])
            keeps = np.array([g in self._known or g in pending or g in asked or g in new for g in genes])
            asked += new[: n - len(asked)]
            use = np.array([not ok or g in asked for g, ok in zip(genes, keeps, strict=True)])
            sampled.append(actions[use])
            good.append(keeps[use])
        self._sampled, self._good = np.concatenate(sampled), np.concatenate(good)
        return asked + self.random(n - len(asked), rng, [*pending, *asked])

    def tell(self, records: Sequence[Record]) -> None:
        """Learn what was measured; one step of the policy gradient with what was sampled for this round."""
        super().tell(records)
        gained = self.rewards()
        finite = gained[np.isfinite(gained)]
        if len(finite) and len(self._sampled):
            worst = float(finite.min())  # the reward of what failed or breaks the limits
            known = dict(zip(map(tuple, self.genes.tolist()), gained.tolist(), strict=True))
            genes = map(tuple, self.problem.space.canonical(self._sampled).tolist())
            rewards = np.array([known.get(g, np.nan) if ok else worst for g, ok in zip(genes, self._good, strict=True)])
            rewards[np.isnan(rewards)] = worst
            self._step(rewards)
        self._sampled, self._good = self._none(), np.zeros(0, bool)

    def rewards(self) -> np.ndarray:
        """Return the reward of every record told, (m,); NaN where the training failed."""
        found = np.sign(self.accuracies) * np.abs(self.accuracies) ** self.power
        limits = self.problem.limits
        for weight, column, limit in (
            (self.size_weight, 0, limits.flash_bytes),
            (self.latency_weight, 2, limits.latency_ms),
        ):
            if weight and limit:
                found = found - weight * self.costs[:, column] / limit
        return found

    def state(self) -> dict[str, np.ndarray]:
        """Return records, controller, baseline and what was sampled for a round not yet told."""
        own = {"baseline": np.array([self.baseline, self.variance]), "sampled": self._sampled, "good": self._good}
        weights = {WEIGHTS + name: array.copy() for name, array in (self._arrays or {}).items()}
        return super().state() | {name: array.copy() for name, array in own.items()} | weights

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Become the strategy that gave the state."""
        super().restore(state)
        missing = sorted({"baseline", "sampled", "good"} - set(state))
        if missing:
            raise ValueError(f"a state of strategy {self.name!r} holds {', '.join(missing)}; is it another's?")
        if np.shape(state["baseline"]) != (2,):
            raise ValueError("it was kept by an earlier version, without the rewards' variance; search anew")
        self.baseline, self.variance = map(float, state["baseline"])
        self._sampled = np.array(state["sampled"], np.int64).reshape(-1, len(self.problem.space.genes))
        self._good = np.array(state["good"], bool)
        weights = {k.removeprefix(WEIGHTS): np.array(v) for k, v in state.items() if k.startswith(WEIGHTS)}
        self._arrays = weights or None

    def _step(self, rewards: np.ndarray) -> None:
        """Move the controller, then the baseline, by rewards (k,) of the samples."""
        if np.isnan(self.baseline):
            self.baseline, self.variance = float(rewards.mean()), float(rewards.var())
        advantages = rewards - self.baseline
        if self.standardise:
            advantages = advantages / (np.sqrt(self.variance) + 1e-6)
        controller, rate = self._controller(), self.rate * self.rate_decay ** (self.round - 1)
        controller.learn(self._sampled, advantages, rate, self.entropy, self.clip, self.l2)
        self._arrays = controller.arrays()
        off = rewards - self.baseline
        self.baseline += (1 - self.decay) * float(off.mean())
        self.variance = self.decay * self.variance + (1 - self.decay) * float((off**2).mean())

    def _controller(self) -> Any:
        """Return the controller as it is now."""
        from latent_nas.agent.controller import Controller

        seed = seeds.derive(self.seed, self.name, "controller")
        return Controller(self.problem.space.sizes, self.hidden, self.scale, seed, self._arrays)

    def _none(self) -> np.ndarray:
        return np.zeros((0, len(self.problem.space.genes)), np.int64)


Plugin = Reinforce

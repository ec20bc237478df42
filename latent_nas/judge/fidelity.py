"""What short trainings say of full ones: evidence, not truth.

A line leads from every fidelity to the next dearer one (autoregressive co-kriging, Kennedy and O'Hagan 2000), so that
all that was measured is known in the unit of a full training, and with it how far such a translation is off. A
fidelity that does not order networks as full trainings do is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from latent_nas.judge.link import Link
from latent_nas.records import FULL, SEARCH, Record, words
from latent_nas.spaces import Genes

PRIOR = 4.0  # pairs that the belief in a slope of 1 is worth
SPREAD, SPREAD_PRIOR = 0.5, 2.0  # std of a step before any pair, in std of all labels, and the pairs this is worth
PAIRS = 3  # that a contradiction takes
LOW, PROBES = 0.5, 3  # the lower half, which is halved from probe to probe
MANY, WORSE = 8, 0.75  # pairs that tell noise, and the share of the lower quarter that then must be worse


@dataclass(frozen=True)
class Fidelity:
    """A cheaper look at networks.

    Attributes:
        name: of the recipe, or of the column of a table. cost: in full trainings, between 0 and 1.
    """

    name: str
    cost: float

    def __post_init__(self) -> None:
        if not 0 < self.cost < 1:
            raise ValueError(
                f"fidelity {self.name} costs {self.cost:g} full trainings; a short one costs more than 0 and less than"
                f" 1, as in {self.name}=0.06"
            )


def ladder(fidelities: Sequence[Fidelity]) -> tuple[Fidelity, ...]:
    """Return fidelities with the cheapest first.

    Raises:
        ValueError: one is given twice, or is called like a search's own trainings.
    """
    names = [fidelity.name for fidelity in fidelities]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"fidelity {name} is given twice; give each once, with one cost")
        if name in (SEARCH, FULL):
            raise ValueError(f"fidelity {name} is that of full trainings; name a shorter one")
    return tuple(sorted(fidelities, key=lambda fidelity: (fidelity.cost, fidelity.name)))


@dataclass(frozen=True)
class Evidence:
    """What is known of networks at every fidelity, the cheapest first and the full training last.

    Attributes:
        fidelities: the cheaper ones in use. misleading: names of those left out, as they contradict full trainings.
        genes: (n, genes), sorted, of all networks of which something is known or was tried.
        values: (n, fidelities + 1), means of what was measured, NaN where nothing was.
        steps: how far each network has come, (n,): the place in ``values`` of what comes next; fidelities + 1 after a
            full training. A training that failed, or that a table has not, is a step, too.
        estimates: of each network's full objective, (n,); NaN where every training failed.
        gaps: per step of ``values`` behind the first, by what the translations of pairs were off: expected (pairs,) and
            measured (pairs,), in the unit of the full objective.
    """

    fidelities: tuple[Fidelity, ...]
    misleading: tuple[str, ...]
    genes: np.ndarray
    values: np.ndarray
    steps: np.ndarray
    estimates: np.ndarray
    gaps: tuple[tuple[np.ndarray, np.ndarray], ...]

    @staticmethod
    def of(records: Sequence[Record], fidelities: Sequence[Fidelity] = ()) -> "Evidence":
        """Return what validation records say; it depends on nothing but their set.

        Args:
            fidelities: short ones in use; records of others are passed over, but for those of full trainings.
        """
        rungs = ladder(fidelities)
        places = {fidelity.name: i for i, fidelity in enumerate(rungs)}
        found: dict[Genes, dict[int, list[float]]] = {}
        for record in records:
            place = places.get(record.fidelity, None if record.short else len(rungs))
            if record.part == "valid" and place is not None and not record.lost:
                value = record.score if record.ok else None
                found.setdefault(tuple(record.genes), {}).setdefault(place, []).append(
                    np.nan if value is None else value
                )
        order = sorted(found)
        values = np.full((len(order), len(rungs) + 1), np.nan)
        tried = np.zeros(values.shape, bool)
        for row, genes in enumerate(order):
            for place, several in found[genes].items():
                measured = sorted(value for value in several if np.isfinite(value))
                tried[row, place] = True
                if measured:
                    values[row, place] = np.mean(measured)
        bad = [i for i in range(len(rungs)) if contradicts(values[:, i], values[:, -1])]
        kept = [i for i in range(len(rungs) + 1) if i not in bad]
        values, tried = values[:, kept], tried[:, kept]
        steps = np.where(tried.any(axis=1), values.shape[1] - tried[:, ::-1].argmax(axis=1), 0)
        return Evidence(
            tuple(fidelity for i, fidelity in enumerate(rungs) if i not in bad),
            tuple(rungs[i].name for i in bad),
            np.array(order, np.int64),
            values,
            steps,
            *_climbed(values),
        )

    @property
    def known(self) -> np.ndarray:
        """The rows of which something was measured."""
        return np.flatnonzero(np.isfinite(self.estimates))

    def spreads(self, link: Link, unit: float) -> np.ndarray:
        """Return the std, on the link's scale, of what each step adds to what was known before, (fidelities,).

        Few pairs are drawn to a share of ``unit``, the std of all labels on that scale.
        """
        found = []
        for expected, measured in self.gaps:
            off = link.forward(measured) - link.forward(expected)
            squares = SPREAD_PRIOR * (SPREAD * unit) ** 2 + float(off @ off)
            found.append(np.sqrt(squares / (SPREAD_PRIOR + len(off))))
        return np.array(found)

    def wants_a_low_one(self, after: int) -> list[Genes]:
        """Return a network to train in full although its short training says that it is a bad one; empty if not due.

        It is due where ``after`` promotions were all of the upper half, and again where twice and four times as many
        were all above the lower quarter and eighth. So a fidelity that misleads, or says nothing, is found out, which
        pairs with the next dearer one could not do. After ``PAIRS`` promotions of which no two came out in the order
        of their short trainings the first is due at once.
        """
        for place in range(len(self.fidelities)):
            short, full = self.values[:, place], self.values[:, -1]
            both = np.isfinite(short) & np.isfinite(full)
            if not both.any():
                continue
            doubtful = (_ordered(short[both], full[both]) <= 0).all()
            for probe in range(PROBES):
                due = PAIRS if doubtful and not probe else after * 2**probe
                bar = np.nanquantile(short, LOW ** (probe + 1))
                waiting = np.flatnonzero((short <= bar) & (self.steps == place + 1))
                if both.sum() >= due and not (short[both] <= bar).any() and len(waiting):
                    best = waiting[np.argmax(short[waiting])]
                    return [tuple(self.genes[best].tolist())]
        return []


def contradicts(short: np.ndarray, full: np.ndarray) -> bool:
    """Return whether a short objective (n,) does not order networks as their full one (n,) does; NaN is not measured.

    Pairs of the best alone say too little: one of them must lie in the lower half of the short ones. Then two networks
    count by how far apart their short objectives are, and more must follow the order than contradict it. Noise passes
    that in half of all cases. So among ``MANY`` pairs those of the lower quarter are held against the upper half, all
    of them alike, as one that failed both ways is no proof of the others: most must be worse.
    """
    both = np.isfinite(short) & np.isfinite(full)
    if both.sum() < PAIRS or not (short[both] <= np.nanmedian(short)).any():
        return False
    low, high = both & (short <= np.nanquantile(short, LOW**2)), both & (short > np.nanmedian(short))
    if both.sum() >= MANY and low.any() and high.any():
        return bool((np.sign(np.subtract.outer(full[high], full[low])) + 1).mean() / 2 < WORSE)
    apart = np.abs(np.subtract.outer(short[both], short[both]))
    return bool((apart * _ordered(short[both], full[both])).sum() < 0)


def _ordered(short: np.ndarray, full: np.ndarray) -> np.ndarray:
    """Return of which two networks the full objectives (n,) follow the order of the short ones (n,), (n, n).

    1 where they do, -1 where they contradict it, 0 where either are equal.
    """
    return np.sign(np.subtract.outer(short, short)) * np.sign(np.subtract.outer(full, full))


def changes(before: Sequence[str], now: Sequence[str]) -> list[str]:
    """Return what is to be said, in lines, where the fidelities that mislead have changed."""
    lost, back = (sorted(set(some) - set(others)) for some, others in ((now, before), (before, now)))
    return [
        *(
            f"{words(name)} does not order networks as full trainings do; the search goes on without it"
            for name in lost
        ),
        *(f"{words(name)} orders networks as full trainings do; the search goes on with it again" for name in back),
    ]


def translated(full: np.ndarray, short: np.ndarray) -> np.ndarray:
    """Return the full objectives (n,), and where one is NaN the line through the pairs at its short one.

    Without any pair, short ones stand as they are; their order is what they are worth.
    """
    slope, short_mean, full_mean = _line(full, short)
    return np.where(np.isfinite(full), full, full_mean + slope * (short - short_mean))


def _line(full: np.ndarray, short: np.ndarray) -> tuple[float, float, float]:
    """Return slope, mean short and mean full objective of the line through the pairs.

    Networks that were trained both ways are the best by their short training: so few and so alike that the slope is
    held near 1.
    """
    both = _paired(full, short)
    if not both.any():
        return 1.0, 0.0, 0.0
    x, y = short[both], full[both]
    centred = x - x.mean()
    spread = short[np.isfinite(short)].var() * PRIOR
    slope = (centred @ (y - y.mean()) + spread) / (centred @ centred + spread) if spread > 0 else 1.0
    return max(float(slope), 0.0), float(x.mean()), float(y.mean())


def _paired(full: np.ndarray, short: np.ndarray) -> np.ndarray:
    """Return which networks tell how full objectives follow from short ones, (n,): pairs of the upper half.

    No line holds over the whole range, and it is among the best that it must be right; those of the lower half count
    where there are no others.
    """
    both = np.isfinite(full) & np.isfinite(short)
    upper = both & (short >= np.median(short[np.isfinite(short)])) if both.any() else both
    return upper if upper.any() else both


def _climbed(values: np.ndarray) -> tuple[np.ndarray, tuple[tuple[np.ndarray, np.ndarray], ...]]:
    """Return ``estimates`` and ``gaps`` of values (n, fidelities + 1)."""
    if not len(values):
        return np.zeros(0), tuple((np.zeros(0), np.zeros(0)) for _ in range(values.shape[1] - 1))
    estimates, pairs, lines = values[:, 0], [], []
    for place in range(1, values.shape[1]):
        line = slope, short_mean, full_mean = _line(values[:, place], estimates)
        both = _paired(values[:, place], estimates)
        pairs.append((full_mean + slope * (estimates[both] - short_mean), values[both, place]))
        lines.append(line)
        estimates = translated(values[:, place], estimates)
    gaps = []
    for i, (expected, measured) in enumerate(pairs):
        for slope, short_mean, full_mean in lines[i + 1 :]:
            expected, measured = (full_mean + slope * (part - short_mean) for part in (expected, measured))
        gaps.append((expected, measured))
    return estimates, tuple(gaps)

"""The Q agent: what every single edit of a latent would change, in plain arrays."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from latent_nas.compiled import compiled
from latent_nas.env.core import EditCore
from latent_nas.env.memo import Memo
from latent_nas.env.rows import LOG_COSTS, PLAIN, Rows
from latent_nas.kernels import add_rows, tanh

OUTPUTS = 4  # the plain score and three log costs
SHARP = 0.04  # temperature of its choice at work, in units of the plain score
WHOLE = ("centre", "scale", "unit")  # kept in full precision
LEAST = 1e-6  # of a scale, where something does not vary
COST_UNIT = 0.5  # of log costs
PART = 32  # edits whose chances are summed together
RECALLED = 9  # log2 of the networks whose edits are remembered
NEVER = np.float32(-1e30)  # the worth of putting the code that is there


@dataclass(frozen=True)
class Gains:
    """Q of horizon 1, as a vector: the changes of the plain score and of the log costs.

    A reward is made of these four and the limits by arithmetic (``worth``), so that one agent serves every budget: Q
    learning with reward features (successor features, Barreto et al. 2017) at discount 0.

    h = tanh(sum of a row per code + seen), h += tanh(hidden h); a slot's query times a code's key is that code's value
    there. The change is the value of the code that is put less that of the present one: no edit, no change.

    Attributes:
        weights: "codes" (slots, codes, a), "seen" (4, a), "bias" (a,), "hidden" (a, a), "hidden.bias" (a,), "queries"
            (slots, a, b), "queries.bias" (slots, b), "keys" (slots, codes, b, 4), "keys.bias" (slots, codes, 4);
            "centre" and "scale" (4,) of what is seen, "unit" (4,) of what changes.
    """

    weights: dict[str, np.ndarray]

    def __call__(self, codes: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Return the changes (n, slots, codes, 4) of every edit of codes (n, slots) with features (n, 4)."""
        values = self._values(codes, seen).transpose(1, 0, 3, 2)
        present = np.take_along_axis(values, codes[:, :, None, None], axis=2)
        return np.asarray((values - present) * self.weights["unit"])

    def worths(
        self, codes: np.ndarray, seen: np.ndarray, limits: np.ndarray, weight: float, margin: float
    ) -> np.ndarray:
        """Return the expected pessimistic score (n, slots * codes) after every edit; ``NEVER`` of what is there.

        Args:
            codes: (n, slots). seen: features (n, 4). limits: (n, 3). weight, margin: as of a ``Judge``.
        """
        slots, many = self.weights["keys"].shape[:2]
        found = np.empty((len(codes), slots * many), np.float32)
        unit, base = self.weights["unit"].astype(np.float32), np.ascontiguousarray(seen, np.float32)
        bounds = np.minimum(np.log(limits) - margin, 1e6).astype(np.float32)  # inf is open
        codes = np.ascontiguousarray(codes, np.int64)
        _worths(self._values(codes, seen), codes, base, bounds, unit, np.float32(weight), NEVER, found)
        return found

    def _values(self, codes: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Return the value of every code, in units, (slots, n, 4, codes)."""
        w = self.weights
        slots, many, width, _ = w["keys"].shape
        trunk = self.standardised(seen) @ w["seen"]
        add_rows(w["codes"].reshape(slots * many, -1), np.ascontiguousarray(codes + np.arange(slots) * many), trunk)
        tanh(trunk, w["bias"])
        second = trunk @ w["hidden"]
        tanh(second, w["hidden.bias"])
        trunk += second
        queries, keys, bias = self._heads
        asked = (trunk @ queries + w["queries.bias"].ravel()).reshape(len(codes), slots, width)
        values = asked.transpose(1, 0, 2) @ keys + bias
        return np.asarray(values.reshape(slots, len(codes), OUTPUTS, many))

    @cached_property
    def _heads(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Queries (a, slots * b), keys (slots, b, 4 * codes) and their bias (slots, 1, 4 * codes), to be multiplied."""
        w = self.weights
        slots, many, width, _ = w["keys"].shape
        queries = w["queries"].transpose(1, 0, 2).reshape(-1, slots * width)
        keys = w["keys"].transpose(0, 2, 3, 1).reshape(slots, width, OUTPUTS * many)
        bias = w["keys.bias"].transpose(0, 2, 1).reshape(slots, 1, OUTPUTS * many)
        return queries, keys, bias

    def acts(self, core: EditCore, rows: Rows, rng: np.random.Generator) -> np.ndarray:
        """Return an action for each row, (n,): a drawn edit, or to stop where none is expected to gain anything."""
        worths = self._under(core, rows)
        now = worth(features(rows.judged), rows.limits, *_weighing(core))
        return np.where(worths.max(axis=1) > now, drawn(chances(worths, self._sharp), 1, rng)[:, 0], core.stop)

    def edits(self, core: EditCore, rows: Rows, rng: np.random.Generator, k: int) -> np.ndarray:
        """Return k different edits for each row, (n, k), drawn by their worth under the row's limits."""
        return drawn(self._chances(core, rows), k, rng)

    def _under(self, core: EditCore, rows: Rows) -> np.ndarray:
        return self.worths(rows.codes, features(rows.judged), rows.limits, *_weighing(core))

    def _chances(self, core: EditCore, rows: Rows) -> np.ndarray:
        return chances(self._under(core, rows), self._sharp)

    @property
    def _sharp(self) -> float:
        return SHARP * float(self.weights["unit"][0])

    def adapted(self, seen: np.ndarray, unit: np.ndarray) -> "Gains":
        """Return the agent for another judge: features (n, 4) of networks to edit, and unit (4,) as of ``units``."""
        scale = np.maximum(seen.std(axis=0), LEAST)
        return Gains({**self.weights, "centre": seen.mean(axis=0), "scale": scale, "unit": unit})

    def stored(self) -> dict[str, np.ndarray]:
        """Return the weights in half the bytes, as they are kept: no decision is that fine."""
        return {k: w if k in WHOLE else w.astype(np.float16) for k, w in self.weights.items()}

    @staticmethod
    def of_stored(stored: dict[str, np.ndarray]) -> "Gains":
        """Return the agent of ``stored``."""
        return Gains({k: w if k in WHOLE else w.astype(np.float32) for k, w in stored.items()})

    def fits(self, core: EditCore) -> bool:
        """Whether the weights are of the core's codec, whose codes are put into slots."""
        return self.weights["keys"].shape[:2] == (core.slots, core.codes) and core.places == core.slots

    def standardised(self, seen: np.ndarray) -> np.ndarray:
        """Return features (n, 4) as the network sees them, float32."""
        return np.asarray((seen - self.weights["centre"]) / self.weights["scale"], np.float32)


@dataclass(frozen=True)
class Recalling(Gains):
    """The same agent for one search: what it makes of a network's edits, it works out once.

    Most parents of a population were parents before.
    """

    def _chances(self, core: EditCore, rows: Rows) -> np.ndarray:
        keys = np.concatenate(
            [rows.codes, rows.judged.view(np.int64), rows.limits.astype(float).view(np.int64)], axis=1
        )
        return self._memo(keys, lambda some: super(Recalling, self)._chances(core, rows.take(some)))

    @cached_property
    def _memo(self) -> Memo:
        return Memo(int(np.prod(self.weights["keys"].shape[:2])), RECALLED, np.float32)


def features(judged: np.ndarray) -> np.ndarray:
    """Return plain score and log costs of judged rows (n, JUDGED), (n, 4)."""
    return np.column_stack([judged[:, PLAIN], judged[:, LOG_COSTS]])


def units(judged: np.ndarray) -> np.ndarray:
    """Return in which units changes are learnt, (4,): the spread of random networks' plain scores, and of costs."""
    low, high = np.quantile(judged[:, PLAIN], (0.25, 0.75))
    return np.array([max((high - low) / 1.35, LEAST), *[COST_UNIT] * 3], np.float32)


def worth(seen: np.ndarray, limits: np.ndarray, weight: float, margin: float) -> np.ndarray:
    """Return the pessimistic scores (n,) of features (n, 4) under limits (n, 3) or (3,)."""
    excess = np.maximum(seen[:, 1:] - (np.log(limits) - margin), 0)
    return np.asarray(seen[:, 0] - weight * excess.sum(axis=1))


def _weighing(core: EditCore) -> tuple[float, float]:
    assert core.scorer is not None
    return core.scorer.weight, core.scorer.margin


def draw(worths: np.ndarray, temperature: float, k: int, rng: np.random.Generator) -> np.ndarray:
    """Return k edits per row (n, k), drawn one after another by exp(worth / temperature), of worths (n, edits)."""
    return drawn(chances(worths, temperature), k, rng)


def chances(worths: np.ndarray, temperature: float) -> np.ndarray:
    """Return exp(worth / temperature) of worths (n, edits), 1 for the best of a row."""
    ratios = (worths - worths.max(axis=1, keepdims=True)) / np.float32(temperature)
    return np.asarray(np.exp(np.maximum(ratios, -80), out=ratios))


def drawn(chances: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Return k edits per row (n, k), drawn one after another by their chances (n, edits), which are written over."""
    found = np.empty((len(chances), k), np.int64)
    sums = np.empty(-(-chances.shape[1] // PART), np.float32)
    _draw(chances, rng.random((len(chances), k), dtype=np.float32), sums, found)
    return found


@compiled
def _worths(
    values: np.ndarray,
    codes: np.ndarray,
    base: np.ndarray,
    bounds: np.ndarray,
    unit: np.ndarray,
    weight: float,
    never: float,
    out: np.ndarray,
) -> None:
    slots, many = values.shape[0], values.shape[3]
    for row in range(len(codes)):
        for slot in range(slots):
            now, start = codes[row, slot], slot * many
            of = values[slot, row]
            shift = base[row, 0] - of[0, now] * unit[0]
            for code in range(many):
                out[row, start + code] = shift + of[0, code] * unit[0]
            for k in range(1, 4):
                shift = base[row, k] - of[k, now] * unit[k] - bounds[row, k - 1]
                for code in range(many):
                    out[row, start + code] -= weight * max(shift + of[k, code] * unit[k], np.float32(0))
            out[row, start + now] = never


@compiled
def _draw(chances: np.ndarray, draws: np.ndarray, sums: np.ndarray, drawn: np.ndarray) -> None:
    for row in range(len(chances)):
        of = chances[row]
        for part in range(len(sums)):
            sums[part] = _sum(of, part)
        for k in range(drawn.shape[1]):
            total = of[0] * 0
            for part in range(len(sums)):
                total += sums[part]
            left, within, last = draws[row, k] * total, 0, 0
            for part in range(len(sums)):  # where many of them end what is left is known, in parts and then one by one
                if sums[part] > 0:
                    within = part
                    if left < sums[part]:
                        break
                    left -= sums[part]
            for i in range(within * PART, min((within + 1) * PART, len(of))):
                if of[i] > 0:
                    last = i
                    left -= of[i]
                    if left < 0:
                        break
            drawn[row, k] = last
            of[last] = 0
            sums[within] = _sum(of, within)


@compiled
def _sum(of: np.ndarray, part: int) -> float:
    total = of[0] * 0
    for i in range(part * PART, min((part + 1) * PART, len(of))):
        total += of[i]
    return total

"""What a point of accuracy costs in the cost that limits most: as measured, and as that leads one to expect."""

import math

import numpy as np

from latent_nas.records import Record, front
from latent_nas.report._html import Html, join, tag
from latent_nas.tasks.kinds.confusion import wilson
from latent_nas.units import COSTS, cost, percent

POINT = 0.01
NEAR = 0.05  # networks of the front this close to the best tell what accuracy costs there


def price(best: list[Record], name: str, limit: float) -> Html:
    """Return what a point of accuracy costs in the cost that binds: as measured, and as that leads one to expect.

    Args:
        best: trained networks, the best first. name: of the cost. limit: of it, in its unit.
    """
    top, what = best[0], COSTS[name][0]
    accuracy, dear = top.score or 0.0, float(getattr(top, name))
    apart = max(POINT, _told(top))
    near = [r for r in best if (r.score or 0) >= accuracy - apart]
    cheap = min(near, key=lambda r: float(getattr(r, name)))
    spared = dear - float(getattr(cheap, name))
    if spared > 0:
        less = 100 * (accuracy - (cheap.score or 0))
        text = (
            f"{less:.1f} points below the best trained network ({percent(accuracy)} on validation) lies one with"
            f" {cost(name, getattr(cheap, name))} {what} instead of {cost(name, dear)}"
            + (f"; {top.samples} samples tell no less than {100 * apart:.1f} points apart." if apart > POINT else ".")
        )
    else:
        points = f"{100 * apart:.1f} points, what {top.samples} samples can tell apart," if apart > POINT else "a point"
        text = f"nothing cheaper comes within {points} of the best trained network ({percent(accuracy)} on validation)."
    return join(tag("strong", "What a point of accuracy costs: "), text, " ", _more(best, name, limit, accuracy, dear))


def _told(record: Record) -> float:
    """Return how far shares of the samples that a network was judged on have to be apart to tell anything."""
    if not record.samples:
        return 0.0
    low, _ = wilson((record.score or 0.0) * record.samples, record.samples)
    return max(1 / record.samples, (record.score or 0.0) - low)


def _more(best: list[Record], name: str, limit: float, accuracy: float, dear: float) -> str:
    """Return what one more point would cost at the rate of the front, as a line of accuracy over log2 of the cost."""
    what = COSTS[name][0]
    if 1 - accuracy < POINT:
        return "One more point is not to be had: less than one is missing to 100 %."
    held = sorted((float(getattr(r, name)), r.score or 0.0) for r in front(best))
    rising = [p for i, p in enumerate(held) if all(p[1] > q[1] for q in held[:i]) and p[1] >= accuracy - NEAR]
    if len(rising) < 3:
        return "What one more would cost can't be told: too few networks lie on the front."
    x, y = np.log2([p[0] for p in rising]), np.array([p[1] for p in rising])
    slope = float(np.polyfit(x, y, 1)[0]) if np.ptp(x) else 0.0
    doublings = POINT / slope if slope > 0 else math.inf
    if doublings > 6:
        return f"One more point is not to be had by {what} alone: the front of the trained networks is flat there."
    more = dear * 2**doublings
    verdict = "within the limit" if more <= limit else f"more than the limit of {cost(name, limit)}"
    price = cost(name, more)
    return (
        f"One more point would take about {price}, {verdict}: extrapolated from the {len(rising)} networks of"
        " the front near the best, one seed each, and not measured."
    )

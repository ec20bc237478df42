"""Few validation samples: from which number on they choose an epoch or a network, and what is done below it.

A share of n samples has a standard deviation of up to 0.5 / sqrt(n). Of 6 of them the first epoch is often as good as
any later one, so that stopping early returns a network that has learnt nothing; see docs/results/data.md.
"""

import numpy as np

from latent_nas import seeds
from latent_nas.tasks import Data, Part

EPOCHS_FROM = 100  # validation samples that may choose an epoch: below, one is more than a point of accuracy
NETWORKS_FROM = 30  # that may choose a network alone: below, one is more than 3 points
FOLDS = 3  # more learn from more of the samples, and take longer


def folds(data: Data, count: int, classes: bool, seed: int) -> tuple[tuple[Part, Part], ...]:
    """Return ``count`` pairs of what is learnt and what is judged, which together judge train and validation data once.

    The first pair is train and validation as they are; the other pairs judge a share of the training samples each.

    Args:
        classes: whether targets are classes, of which every share gets its part. seed: of the drawing.
    """
    train, n = data.train, len(data.train)
    order = seeds.rng(seed, "own data", "folds").permutation(n)
    if classes:
        order = order[np.argsort(train.y[order], kind="stable")]
    share = np.empty(n, np.int64)
    share[order] = np.arange(n) % (count - 1)
    every, pairs = data.learn, [(data.train, data.valid)]
    for number in range(count - 1):
        judged = np.concatenate([share == number, np.zeros(len(data.valid), bool)])
        pairs.append((Part(every.x[~judged], every.y[~judged]), Part(every.x[judged], every.y[judged])))
    return tuple(pairs)


def lines(valid: int, count: int, chosen: bool, classes: bool) -> list[str]:
    """Return what is to be said of so few validation samples, and nothing where they are many.

    Args:
        valid: validation samples. count: pairs of ``folds``. chosen: whether the user has said how many.
        classes: whether targets are classes, a share of which is right; one sample more or less moves that by 1 / n.
    """
    if valid >= EPOCHS_FROM:
        return []
    epochs = "trainings run to their last epoch, as too few would choose a better one"
    if count == 1:
        each = f", each of them {1 / valid:.1%} of the accuracy" * classes
        return [f"validation has {valid} samples{each}: {epochs}"]
    said = f"every network is trained {count} times in a search, and judged on train and validation together, each"
    otherwise = "" if chosen else " ('?folds=1' behind the path judges on validation alone)"
    return [
        f"validation has {valid} samples, too few to choose a network: {said} time on another part{otherwise}; {epochs}"
    ]

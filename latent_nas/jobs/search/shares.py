"""Short trainings of a search: its first epochs, or one epoch over a share of the data.

``--fidelity epochs=0.5`` is the first half of a full training, on its schedule, from which a promoted network goes on;
``--fidelity data=0.25`` is a training of its own (``Recipe.glance``).
"""

import math
from collections.abc import Sequence

from latent_nas.fidelity import first_epochs, glance
from latent_nas.judge.fidelity import Fidelity, ladder

KINDS = ("epochs", "data")


def shares(texts: Sequence[str], epochs: int) -> tuple[Fidelity, ...]:
    """Return the fidelities of texts "epochs=SHARE", each as many whole epochs as are nearest, or "data=SHARE".

    Args:
        epochs: of a full training.

    Raises:
        ValueError: a text that is not one, a share that is not a whole epoch or all of them, two that are the same, or
            both kinds at once.
    """
    found, kinds = [], set()
    for text in texts:
        kind, _, number = text.partition("=")
        try:
            share = float(number)
        except ValueError:
            share = math.nan
        if kind.strip() not in KINDS or not math.isfinite(share):
            raise ValueError(
                "--fidelity wants a share of a full training's epochs, as in epochs=0.5, or of its data, as in"
                f" data=0.25; got {text!r}"
            )
        kinds.add(kind.strip())
        found.append(_glance(text, share, epochs) if kind.strip() == "data" else _first(text, share, epochs))
    if len(kinds) > 1:
        raise ValueError(
            "--fidelity epochs=... goes on with a training and --fidelity data=... begins another; leave one kind out"
        )
    return ladder(found)


def _first(text: str, share: float, epochs: int) -> Fidelity:
    many = round(share * epochs)
    if not 0 < many < epochs:
        raise ValueError(
            f"--fidelity {text} is {many} of the {epochs} epochs of a full training, wanted 1 or more and fewer than"
            f" {epochs}"
        )
    return Fidelity(first_epochs(many), many / epochs)


def _glance(text: str, share: float, epochs: int) -> Fidelity:
    if not 0 < share <= 1 or share >= epochs:
        raise ValueError(
            f"--fidelity {text} is one epoch over that share of the data, above 0 and at most 1, and less than a full"
            f" training, which has {epochs} epochs here"
        )
    return Fidelity(glance(share), share / epochs)

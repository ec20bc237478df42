"""Short trainings of a search: ``--fidelity epochs=0.5`` is the first half of a full one, on its schedule."""

import math
from collections.abc import Sequence

from latent_nas.judge.fidelity import Fidelity, ladder
from latent_nas.target import first_epochs


def shares(texts: Sequence[str], epochs: int) -> tuple[Fidelity, ...]:
    """Return the fidelities of texts "epochs=SHARE", each as many whole epochs of a full training as are nearest.

    Args:
        epochs: of a full training.

    Raises:
        ValueError: a text that is not one, a share that is not a whole epoch or all of them, or two of one epoch.
    """
    found = []
    for text in texts:
        name, _, number = text.partition("=")
        try:
            share = float(number)
        except ValueError:
            share = math.nan
        if name.strip() != "epochs" or not math.isfinite(share):
            raise ValueError(f"--fidelity wants a share of a full training's epochs, as in epochs=0.5; got {text!r}")
        many = round(share * epochs)
        if not 0 < many < epochs:
            raise ValueError(
                f"--fidelity {text} is {many} of the {epochs} epochs of a full training, wanted 1 or more and fewer"
                f" than {epochs}"
            )
        found.append(Fidelity(first_epochs(many), many / epochs))
    return ladder(found)

"""Names of looks cheaper than a search's own training: the first epochs of one, or a glance at a share of the data."""

EPOCHS = "epochs_"
DATA = "data_"


def first_epochs(epochs: int) -> str:
    """Return the fidelity of a search's training that is left after so many epochs of its schedule."""
    return f"{EPOCHS}{epochs}"


def pause_of(fidelity: str) -> int | None:
    """Return after how many epochs a training of that fidelity is left; None where it goes to its end."""
    return int(fidelity.removeprefix(EPOCHS)) if fidelity.startswith(EPOCHS) else None


def glance(share: float) -> str:
    """Return the fidelity of one epoch over a share of the data, see ``Recipe.glance``."""
    return f"{DATA}{share:g}"


def share_of(fidelity: str) -> float | None:
    """Return the share of the data that a training of that fidelity glances at; None where it is no glance."""
    return float(fidelity.removeprefix(DATA)) if fidelity.startswith(DATA) else None

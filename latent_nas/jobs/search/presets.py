"""How much a search spends, by name: architectures trained, and epochs of each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """Trainings of a search and epochs of each; 0 epochs are those of the task's recipe."""

    trainings: int
    child_epochs: int


USUAL = Preset(24, 0)  # where no preset is named: minutes on two cores
PRESETS = {"fast": Preset(500, 20), "default": Preset(20_000, 100), "thorough": Preset(75_000, 150)}


def load(name: str) -> Preset:
    """Return the preset of a name, the usual one for "".

    Raises:
        ValueError: there is none of that name.
    """
    if name and name not in PRESETS:
        raise ValueError(f"no preset {name!r}; there are: {', '.join(PRESETS)}")
    return PRESETS[name] if name else USUAL

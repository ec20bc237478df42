"""The names that people and tools give to the parts of a split."""

from collections.abc import Iterable

from latent_nas.readers import PARTS

NAMES = ({"train", "training"}, {"valid", "val", "validation"}, {"test", "testing"})
SUFFIXES = ("set", "data")  # as in train_set


def part_of(name: str) -> int | None:
    """Return the index of ``PARTS`` that a name means, in any case: ``Training``, ``val``, ``test_set``; else None."""
    plain = name.strip().casefold()
    for suffix in SUFFIXES:
        plain = plain.removesuffix(suffix).rstrip("_- ")
    return next((i for i, names in enumerate(NAMES) if plain in names), None)


def renamed(names: Iterable[str]) -> str:
    """Return e.g. "'Training' is read as part 'train'" of the names that are not the part's own; "" if all are."""
    odd = [(name, PARTS[i]) for name in dict.fromkeys(names) if (i := part_of(name)) is not None and name != PARTS[i]]
    return ", ".join(f"{name!r} is read as part {part!r}" for name, part in odd)

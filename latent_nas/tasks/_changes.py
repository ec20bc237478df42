"""Changes of a recipe as text: ``epochs=80``, ``augmentation=shift=2,cutout``."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from latent_nas.nearest import meant
from latent_nas.tasks import Recipe

LATER = frozenset({"optimiser=muon", "learning_rate=0.02"})  # of a search's recipes: no task's, while none was kept
WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
KINDS = {"int": "a whole number", "float": "a number", "bool": "yes or no"}


def told(recipe: Recipe) -> tuple[str, ...]:
    """Return what of a recipe differs from a plain one, as texts that ``changed`` reads."""
    plain = Recipe(recipe.epochs)
    values = {one.name: (getattr(recipe, one.name), getattr(plain, one.name)) for one in fields(Recipe)}
    return tuple(f"{name}={own}" for name, (own, usual) in values.items() if name == "epochs" or own != usual)


def as_told(texts: Sequence[str]) -> Recipe:
    """Return the recipe of which ``told`` has said the texts.

    Raises:
        ValueError: a name or a value that recipes of this version have not.
    """
    return changed(Recipe(1), texts)


def alike(before: Sequence[str], now: Sequence[str]) -> bool:
    """Return whether two recipes as ``told`` are one; () is one that was not kept, as they were not at first."""
    return set(before) == set(now) if before else LATER.isdisjoint(now)


def changed(recipe: Recipe, texts: Sequence[str]) -> Recipe:
    """Return a recipe with the changes of texts ``NAME=VALUE``, typed as its fields; a patience is followed.

    Raises:
        ValueError: a name that a recipe has not (the nearest is named), one given twice, or a wrong value.
    """
    types = {one.name: type(getattr(recipe, one.name)) for one in fields(Recipe)}
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals):
            raise ValueError(f"a change of the recipe is NAME=VALUE, as epochs=80; got {text!r}")
        if name not in types:
            raise ValueError(f"a recipe has no {name!r}{meant(name, types)}; it has: {', '.join(types)}")
        if name in values:
            raise ValueError(f"{name} of the recipe is given twice")
        try:
            values[name] = WORDS[value.lower()] if types[name] is bool else types[name](value)
        except (ValueError, KeyError):
            raise ValueError(f"{name}={value}: {name} of a recipe is {KINDS[types[name].__name__]}") from None
    if "patience" in values:
        values.setdefault("to_end", False)
    return replace(recipe, **values)

"""What the arrays of a file are, by the names that people give them: samples or answers, of which part."""

from collections.abc import Iterable
from pathlib import Path

from latent_nas.readers import PARTS
from latent_nas.readers._parts import part_of

WORDS = {
    "x": ("x", "images", "data", "samples", "inputs", "features", "signals", "windows"),
    "y": ("y", "labels", "label", "targets", "target", "classes", "class"),
    "g": (
        *("groups", "group", "subjects", "subject", "sessions", "session", "participants", "participant"),
        *("users", "user", "speakers", "speaker", "recordings", "recording"),
    ),
}
GROUP = "g"  # stands for who or what a sample comes from
BESIDE = ("about", "classes", "targets")  # what else is read


def roles(path: Path, names: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Return the array's name for each of x, y, g, x_train, y_train and so on, and what to say of the others.

    Args:
        path: of the file, for messages.

    Raises:
        ValueError: two arrays that could be the same, or x beside x_train.
    """
    names = list(names)
    could: dict[str, list[str]] = {}
    for name in names:
        if name not in BESIDE and (role := _role(name)):
            could.setdefault(role, []).append(name)
    for name in names:
        if name in BESIDE[1:] and "y" not in could and "x" in could:
            could["y"] = [name]
    could = {role: found[:1] if role.startswith(GROUP) else found for role, found in could.items()}
    taken = {role: role if role in found else found[0] for role, found in could.items()}
    unsure = next((found for role, found in could.items() if len(found) > 1 and role not in found), None)
    if unsure:
        raise ValueError(f"{path}: {' and '.join(map(repr, unsure))} could be the same array; name one of them x or y")
    samples = [role for role in taken if role.startswith("x")]
    if "x" in samples and len(samples) > 1:
        other = next(role for role in samples if role != "x")
        raise ValueError(f"{path} has {taken['x']!r} beside {taken[other]!r}; wanted all samples in x, or parts only")
    taken = {role: name for role, name in taken.items() if "x" + role[1:] in samples}
    odd = [f"{name!r} is read as {role!r}" for role, name in taken.items() if role not in (name, GROUP)]
    unused = [repr(name) for name in names if name not in taken.values() and name not in BESIDE]
    said = [f"array {', '.join(odd)}"] if odd else []
    return taken, said + ([f"arrays that are not used: {', '.join(unused)}"] if unused else [])


def _role(name: str) -> str | None:
    """Return "x", "y", "g", or one of them with a part, as "x_valid"; None for any other name."""
    plain = name.casefold()
    for role, words in WORDS.items():
        for word in words:
            if plain == word:
                return role
            rests = [plain.removeprefix(word), plain.removesuffix(word)]
            for rest in rests:
                part = None if rest == plain else part_of(rest.strip("_- "))
                if part is not None:
                    return f"{role}_{PARTS[part]}"
    return None

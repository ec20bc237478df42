"""The user's own plugins go with work to other processes and machines, which may not have their files."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from latent_nas.plugins.files import OwnFile
from latent_nas.plugins.own import OWN
from latent_nas.plugins.references import dumps, loads


@dataclass(frozen=True)
class Luggage:
    """Files, pickles of objects by reference, and references by (kind, name)."""

    files: tuple[OwnFile, ...] = ()
    objects: tuple[tuple[str, bytes], ...] = ()
    named: tuple[tuple[tuple[str, str], str], ...] = ()


def packed() -> Luggage:
    """Return all that this process knows of the user's own plugins."""
    objects = tuple((name, data) for name, (_, data) in OWN.objects.items())
    return Luggage(tuple(OWN.files.values()), objects, tuple(OWN.named.items()))


def unpacked(luggage: Luggage) -> None:
    """Let this process know the same; files count as they were packed, whatever lies in their places."""
    for file in luggage.files:
        OWN.files[file.path] = file
        OWN.fixed.add(file.path)
    OWN.named.update(luggage.named)
    for name, data in luggage.objects:
        if name not in OWN.objects:
            OWN.objects[name] = loads(data), data


class Carried:
    """Work that brings the user's own plugins along."""

    def __init__(self, work: Callable[..., Any]) -> None:
        self.work = work

    def __call__(self, *arguments: Any) -> Any:
        """Do the work."""
        return self.work(*arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrived, (packed(), dumps(self.work))


def _arrived(luggage: Luggage, work: bytes) -> Carried:
    unpacked(luggage)
    return Carried(loads(work))


def carried(work: Callable[..., Any]) -> Callable[..., Any]:
    """Return work that any process can do: as it is where the user has no plugins of his own."""
    return work if packed() == Luggage() else Carried(work)

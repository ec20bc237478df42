"""Contracts: what every plugin of a kind keeps, one file per kind; for what ships and for what a user brings.

A file lists ``CONTRACTS``, functions that take what ``subjects`` gives of a plugin and raise ``Broken`` where it is not
kept. A contract's name is that of its function.
"""

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latent_nas import plugins
from latent_nas.plugins.files import located
from latent_nas.plugins.kinds import BASES, place_of


class Broken(Exception):
    """A contract is not kept; the text says what came and what was wanted."""


def demand(kept: object, said: str) -> None:
    """Raise Broken with a text unless something holds."""
    if not kept:
        raise Broken(said)


def refuses(said: str, call: Callable[..., Any], *arguments: Any) -> str:
    """Return the line with which wrong input is refused, by a ValueError; Broken where it is taken."""
    try:
        call(*arguments)
    except ValueError as error:
        return str(error)
    raise Broken(f"{said} is taken; wanted a ValueError that says what is wrong")


@dataclass(frozen=True)
class Failure:
    """A contract that a plugin does not keep.

    Attributes:
        where: "FILE:LINE", as near as is known, or the plugin's name. contract: its name. said: what came, and what was
            wanted.
    """

    where: str
    contract: str
    said: str

    def __str__(self) -> str:
        return f"{self.where}: {self.contract}: {self.said}"


def names(kind: str) -> list[str]:
    """Return the names of a kind's contracts, in the order in which they are checked."""
    return [_name(contract) for contract in _of(kind).CONTRACTS]


def check(kind: str, plugin: Any) -> list[Failure]:
    """Return which contracts of a kind a plugin does not keep; none: it is as good as what ships.

    Args:
        plugin: a name, the path of a file, a class, or an object, see ``plugins.load``.

    Raises:
        ValueError: there are no contracts for that kind.
    """
    module = _of(kind)
    try:
        loaded = _loaded(kind, plugin)
        subjects = module.subjects(plugin if kind in ("devices", "runtimes", "cores") else loaded)
    except Exception as error:  # noqa: BLE001 - a stranger's code may raise anything
        return [_failure(plugin, "opens", error)]
    begin = str(plugin) if isinstance(loaded, (dict, str)) else loaded
    found: dict[str, Failure] = {}
    for contract in module.CONTRACTS:
        for subject in subjects:
            try:
                contract(subject)
            except Exception as error:  # noqa: BLE001
                found.setdefault(_name(contract), _failure(begin, _name(contract), error))
    return list(found.values())


def check_file(path: str | Path) -> tuple[str, list[Failure]]:
    """Return a file's kind, "" where it is not a plugin, and which of its contracts it does not keep."""
    plugins.named(str(path))
    try:
        kind = plugins.bring(path)
    except ValueError as error:
        return "", [Failure(str(path), "opens", str(error))]
    if kind not in BASES:  # a network of the zoo
        raise ValueError(f"{path} is one of {kind}, for which there are no contracts")
    return kind, check(kind, str(path))


def _loaded(kind: str, plugin: Any) -> Any:
    """Return a plugin; of a space's name with lists the name, which ``open_space`` takes."""
    if isinstance(plugin, Path):
        plugin = str(plugin)
    if isinstance(plugin, str) and plugins.split(plugin)[1]:
        return plugin
    return plugins.load(kind, plugin)


def _of(kind: str) -> Any:
    if kind not in BASES:
        raise ValueError(f"there are no contracts for {kind!r}; there are: {', '.join(BASES)}")
    return importlib.import_module(f"latent_nas.contracts.{kind}")


def _name(contract: Callable[..., None]) -> str:
    return contract.__name__.replace("_", " ")


def _failure(plugin: Any, contract: str, error: Exception) -> Failure:
    """Return the failure that an error is: where it came from in the plugin's file, else where the plugin begins."""
    cls = plugin if isinstance(plugin, type) else type(plugin)
    home = place_of(cls).removesuffix(": ") if not isinstance(plugin, (str, Path)) else ""
    file = home.rpartition(":")[0]
    text = " ".join(str(error).split())[:400]
    if not isinstance(error, (Broken, ValueError)):
        where = located(error, file) if file else ""
        text = f"{type(error).__name__}: {text}"
        return Failure(where if ":" in where else home or str(plugin), contract, text)
    return Failure(home or str(plugin), contract, text)


def docs(kind: str) -> list[tuple[str, str]]:
    """Return the name of every contract of a kind with a line on what it demands."""
    return [(_name(c), " ".join((inspect.getdoc(c) or "").split())) for c in _of(kind).CONTRACTS]

"""The kinds of plugins, and what makes something a plugin of a kind."""

import inspect
from pathlib import Path
from typing import Any

# The base class of a kind stands in the kind's folder: a space is a latent_nas.spaces.Space.
BASES = {
    "spaces": "Space",
    "tasks": "Task",
    "strategies": "Strategy",
    "surrogates": "Surrogate",
    "operators": "Operator",
    "objectives": "Objective",
    "evaluators": "Evaluator",
    "crews": "Crew",
    "readers": "Reader",
    "devices": "Device",
    "runtimes": "Runtime",
    "cores": "Core",
}
FIELDS = {
    "devices": "regions",
    "runtimes": "kernels",
    "zoo": "layers",
    "cores": "zig_target",
}  # only a TOML of it has it


def one(kind: str) -> str:
    """Return a kind in the singular, e.g. "strategy"."""
    return f"{kind[:-3]}y" if kind.endswith("ies") else kind.removesuffix("s")


def kind_of(plugin: object) -> str | None:
    """Return the kind of a class or an object by its base class, None where it is not a plugin."""
    if isinstance(plugin, dict):
        return next((kind for kind, field in FIELDS.items() if field in plugin), None)
    for base in (plugin if isinstance(plugin, type) else type(plugin)).__mro__:
        kind = base.__module__.removeprefix("latent_nas.")
        if BASES.get(kind) == base.__name__:
            return kind
    return None


def name_of(plugin: Any, stem: str) -> str:
    """Return the name by which a plugin is found: an operator's ``kind``, else its ``name``, else its file's stem."""
    attribute = "kind" if kind_of(plugin) == "operators" else "name"
    name = getattr(plugin, attribute, None)
    return name if isinstance(name, str) and name else stem


def checked(kind: str, plugin: Any, where: str = "") -> Any:
    """Return a class or an object that is a plugin of the kind.

    Args:
        where: what is in front of an error's line, e.g. "my_space.py: Plugin".

    Raises:
        ValueError: it is not, or it lacks a method; the message says where it stands and what was wanted.
    """
    if kind not in BASES:  # a network of the zoo is made by a function
        if not callable(plugin):
            raise ValueError(f"{where or plugin!r} is not a {one(kind)}: wanted a function")
        return plugin
    cls = plugin if isinstance(plugin, type) else type(plugin)
    found, wanted = kind_of(plugin), f"a class that inherits latent_nas.{kind}.{BASES[kind]}"
    place, what = place_of(cls, where), f"{where.rpartition(' ')[2] + ' is ' if where else 'got '}{cls.__name__}"
    if found != kind:
        also = f", a {one(found)}" if found else f" object {plugin!r:.40}" if cls is not plugin else ""
        raise ValueError(f"{place}{what}{also}; wanted a {one(kind)}: {wanted}")
    if missing := sorted(getattr(cls, "__abstractmethods__", ())):
        raise ValueError(f"{place}{cls.__name__} is not a whole {one(kind)}: it lacks {', '.join(missing)}")
    return plugin


def place_of(cls: type, where: str = "") -> str:
    """Return "FILE:LINE: " of a class, "FILE: " where the line is unknown, "" where there is no file."""
    try:
        return f"{Path(inspect.getfile(cls))}:{inspect.getsourcelines(cls)[1]}: "
    except (OSError, TypeError):
        return f"{where.rpartition(' ')[0]} " if " " in where else ""

"""Options of every command: ``--config FILE.toml`` with the others' values, ``--plugin FILE`` and ``--trust``."""

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from latent_nas import plugins
from latent_nas.cli.options import RUN
from latent_nas.nearest import meant

OWN_CODE = "Code of your own"


def read(context: typer.Context, file: Path | None) -> Path | None:
    """Make the file's values the command's defaults; what stands on the command line wins.

    Raises:
        ValueError: no such file, no TOML, or a key that is not an option of the command; the nearest one is named.
    """
    if file is None:
        return None
    if not file.is_file():
        raise ValueError(f"there is no configuration {file}")
    params = [p for p in context.command.params if p.name not in ("config", "help")]
    known = {_shown(p).replace("-", "_"): p for p in params}
    values: dict[str, Any] = {}
    for key, value in plugins.toml(file).items():
        parameter = known.get(key.replace("-", "_"))
        if parameter is None or parameter.name is None:
            names = sorted(_shown(p) for p in known.values())
            hint = meant(key.replace("_", "-"), names) or f"; there are: {', '.join(names)}"
            raise ValueError(f"{file} has {key!r}, which is not an option of {context.info_name!r}{hint}")
        values[parameter.name] = _value(parameter, value, f"{file}: {key}")
    context.default_map = {**(context.default_map or {}), **values}
    return file


Config = Annotated[
    Path | None,
    typer.Option(is_eager=True, callback=read, help="TOML file of options, e.g. trainings = 40.", rich_help_panel=RUN),
]
Plugin = Annotated[
    list[Path] | None,
    typer.Option(
        help="A plugin file of your own (operator, reader, ...), found by its name; may be repeated.",
        rich_help_panel=OWN_CODE,
    ),
]
Trust = Annotated[
    bool,
    typer.Option(
        "--trust", help="Run code that comes with somebody else's run folder or file.", rich_help_panel=OWN_CODE
    ),
]


def configured(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command with the options ``--config``, ``--plugin`` and ``--trust``."""

    @functools.wraps(command)
    def run(config: Path | None = None, plugin: Any = None, trust: bool = False, **options: Any) -> None:
        if trust:
            plugins.trust()
        for value in options.values():
            for name in value if isinstance(value, list) else [value]:
                plugins.named(str(name))
        for file in plugin or ():
            plugins.named(str(file))
            plugins.bring(file)
        command(**{name: home(value) if isinstance(value, Path) else value for name, value in options.items()})

    kinds: dict[str, tuple[Any, Any]] = {"config": (Config, None), "plugin": (Plugin, None), "trust": (Trust, False)}
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in kinds.items()
    ]
    run.__signature__ = inspect.Signature([*inspect.signature(command).parameters.values(), *added])  # type: ignore
    run.__annotations__ = {**command.__annotations__, **{name: kind for name, (kind, _) in kinds.items()}}
    return run


def home(path: Path) -> Path:
    """Return a path with the home folder for a "~" or "~user", which shells leave as it is in ``--out=~/run``.

    Raises:
        ValueError: there is no such user, or nobody knows the home folder.
    """
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError(
            f"{path}: {path.parts[0]} is nobody's home folder; wanted a user of this machine, or the path from / on for"
            " a folder of that name"
        ) from None


def _value(parameter: Any, value: Any, where: str) -> Any:
    """Return a value as the command line would give it; a table stands for a list of KEY=VALUE."""
    many = getattr(parameter, "multiple", False) or parameter.nargs != 1
    if isinstance(value, dict) and many:
        return [f"{key}={part}" for key, part in value.items()]
    if isinstance(value, (dict, list)) != many:
        raise ValueError(f"{where} wants {'a list' if many else 'one value'}, got {value!r}")
    if isinstance(value, bool) and not parameter.is_flag:  # Python counts with it: true would be 1
        raise ValueError(f"{where} wants a value, got {str(value).lower()}")
    return value


def _shown(parameter: Any) -> str:
    return max(parameter.opts, key=len).lstrip("-").replace("_", "-")

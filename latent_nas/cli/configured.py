"""``--config FILE.toml``: a command's options from a file, the same ones with the same defaults and checks."""

import difflib
import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from latent_nas import plugins


def read(context: typer.Context, file: Path | None) -> Path | None:
    """Make the file's values the command's defaults; what stands on the command line wins.

    Raises:
        ValueError: no such file, no TOML, or a key that is no option of the command; the nearest one is named.
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
            near = difflib.get_close_matches(key.replace("_", "-"), names, 1, 0.0)
            raise ValueError(
                f"{file} has {key!r}, which is no option of {context.info_name!r}; the nearest is {near[0]!r}"
            )
        values[parameter.name] = _value(parameter, value, f"{file}: {key}")
    context.default_map = {**(context.default_map or {}), **values}
    return file


def configured(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command with the option ``--config``."""

    @functools.wraps(command)
    def run(config: Path | None = None, **options: Any) -> None:
        command(**options)

    kind = Annotated[
        Path | None,
        typer.Option(is_eager=True, callback=read, help="TOML file of options, e.g. trainings = 40."),
    ]
    parameters = [*inspect.signature(command).parameters.values()]
    added = inspect.Parameter("config", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
    run.__signature__ = inspect.Signature([*parameters, added])  # type: ignore[attr-defined]
    run.__annotations__ = {**command.__annotations__, "config": kind}
    return run


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

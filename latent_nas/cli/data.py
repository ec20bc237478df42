"""``latent-nas dataset info`` and ``dataset import``: what is in data of one's own, and a checked copy of it."""

import functools
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from latent_nas.cli import options

Device = Annotated[str, typer.Option(help="Where a front end for audio is to run: a file of latent_nas/devices.")]


def _named(
    path: Annotated[str, typer.Argument(help=".npz, .csv, a folder of images or .wav by class, or a task's name.")],
    input: options.Input = None,
    front: Annotated[str | None, typer.Option(help="Of recordings: log_mel (default) or mfcc.")] = None,
    rate: Annotated[
        int | None, typer.Option(help="Of recordings: Hz to resample to; default: that of most of them.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(help="Of recordings: length; default: what 95 % of them keep within.")
    ] = None,
    kind: options.Kind = None,
    normal: options.Normal = None,
    split_seed: Annotated[int, typer.Option(help="Draws validation and test where the data has no such parts.")] = 0,
    strict: options.Strict = False,
) -> str:
    """Return the name of a task of one's own data."""
    from latent_nas.tasks import with_options

    given = {"input": input, "front": front, "rate": rate, "seconds": seconds, "split_seed": split_seed}
    given |= {"kind": kind, "normal": normal}
    return with_options(path, **given, strict=strict)


def _of_data(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command of a task's name as one that has the options of ``_named`` in its place."""
    shared, own = (inspect.signature(f).parameters for f in (_named, command))

    @functools.wraps(command)
    def run(**given: Any) -> None:
        command(_named(**{name: given.pop(name) for name in shared}), **given)

    parts = [*shared.values(), *(p for name, p in own.items() if name != "name")]
    keywords = [part.replace(kind=inspect.Parameter.KEYWORD_ONLY) for part in parts]
    run.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
    run.__annotations__ = {part.name: part.annotation for part in parts}
    return run


@_of_data
def dataset_info(name: str, device: Device = "stm32f405", as_json: options.Json = False) -> None:
    """Check your own data and say what is in it: classes, balance, sizes, what can't be read, doubles, the split.

    Example: latent-nas dataset info photos/ --input 48x48x1
    """
    from latent_nas.jobs import data

    found = data.info(name, device)
    print(json.dumps(found, indent=1) if as_json else data.text(found))


@_of_data
def dataset_import(
    name: str,
    out: Annotated[Path, typer.Option(help="File to write, .npz.")],
    device: Device = "stm32f405",
    as_json: options.Json = False,
) -> None:
    """Check your own data and write it as one .npz, which is the same task and is read at once.

    Example: latent-nas dataset import photos/ --input 48x48x1 --out photos.npz
    """
    from latent_nas.jobs import data

    found = data.copy(name, device, out)
    print(json.dumps(found, indent=1) if as_json else data.text(found))

"""``latent-nas dataset info`` and ``dataset import``: what is in data of your own, and a checked copy of it."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from latent_nas.cli import options, own_data

Device = Annotated[
    str, typer.Option(help="Device that runs the front end of audio or series: see `latent-nas devices`.")
]


def _named(
    path: Annotated[
        str,
        typer.Argument(help="A table, arrays, a folder of images, recordings or tables by class, or a task's name."),
    ],
    seconds: Annotated[
        float | None, typer.Option(help="Of recordings: length; default: what 95 % of them keep within.")
    ] = None,
    split_seed: Annotated[
        int | None, typer.Option(help="Draws validation and test where the data has no such parts. Default: 0.")
    ] = None,
    **others: Any,
) -> str:
    """Return the name of a task of your own data."""
    from latent_nas.tasks._names import with_options

    return with_options(own_data.named(path, **others), seconds=seconds, split_seed=split_seed)


_named.__signature__ = own_data.joined(_named, own_data.named)  # type: ignore[attr-defined]
_of_data = own_data.of_data(_named, "name")


@_of_data
def dataset_info(
    name: str,
    show: Annotated[
        Path | None,
        typer.Option(help="Draw three samples of each class, as a network gets them, into this .svg."),
    ] = None,
    device: Device = "stm32f405",
    as_json: options.Json = False,
) -> None:
    """Check your own data and say what is in it: classes, balance, sizes, what can't be read, duplicates, the split.

    Example: latent-nas dataset info photos/ --input 48x48x1
    """
    from latent_nas.jobs import data

    found = data.info(name, device)
    if show:
        found["lines"].append(data.show(name, show))
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

"""``latent-nas dataset info`` and ``dataset import``: what is in data of one's own, and a checked copy of it."""

import json
from pathlib import Path
from typing import Annotated

import typer

from latent_nas.cli import options

Source = Annotated[str, typer.Argument(help=".npz, .csv, a folder of images or .wav by class, or a task's name.")]
Device = Annotated[str, typer.Option(help="Where a front end for audio is to run: a file of latent_nas/devices.")]
Front = Annotated[str | None, typer.Option(help="Of recordings: log_mel (default) or mfcc.")]
Rate = Annotated[int | None, typer.Option(help="Of recordings: Hz to resample to; default: that of most of them.")]
Seconds = Annotated[float | None, typer.Option(help="Of recordings: length; default: what 95 % of them keep within.")]
SplitSeed = Annotated[int, typer.Option(help="Draws validation and test where the data has no such parts.")]


def dataset_info(
    path: Source,
    input: options.Input = None,
    front: Front = None,
    rate: Rate = None,
    seconds: Seconds = None,
    split_seed: SplitSeed = 0,
    strict: options.Strict = False,
    device: Device = "stm32f405",
    as_json: options.Json = False,
) -> None:
    """Check your own data and say what is in it: classes, balance, sizes, what can't be read, doubles, the split.

    Example: latent-nas dataset info photos/ --input 48x48x1
    """
    from latent_nas.pipeline import data
    from latent_nas.tasks import with_options

    given = {"input": input, "front": front, "rate": rate, "seconds": seconds, "split_seed": split_seed}
    found = data.info(with_options(path, **given, strict=strict), device)
    print(json.dumps(found, indent=1) if as_json else data.text(found))


def dataset_import(
    path: Source,
    out: Annotated[Path, typer.Option(help="File to write, .npz.")],
    input: options.Input = None,
    front: Front = None,
    rate: Rate = None,
    seconds: Seconds = None,
    split_seed: SplitSeed = 0,
    strict: options.Strict = False,
    device: Device = "stm32f405",
    as_json: options.Json = False,
) -> None:
    """Check your own data and write it as one .npz, which is the same task and is read at once.

    Example: latent-nas dataset import photos/ --input 48x48x1 --out photos.npz
    """
    from latent_nas.pipeline import data
    from latent_nas.tasks import with_options

    given = {"input": input, "front": front, "rate": rate, "seconds": seconds, "split_seed": split_seed}
    found = data.copy(with_options(path, **given, strict=strict), device, out)
    print(json.dumps(found, indent=1) if as_json else data.text(found))

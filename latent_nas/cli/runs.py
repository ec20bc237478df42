"""``latent-nas runs``: searches side by side."""

import json
from pathlib import Path
from typing import Annotated

import typer

from latent_nas.cli import options


def runs(
    places: Annotated[
        list[Path] | None, typer.Argument(help="Run folders, or folders that hold them. Default: runs/.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """List and compare runs: task, device, strategy, how far they came, and the best network of each.

    A finished run shows its exported network on the test part, one that goes on its best training on the validation
    part. A damaged run is listed with what is wrong.

    Example: latent-nas runs runs/my_run
    """
    from latent_nas.jobs import runs as job

    lines = job.found(places or [Path("runs")])
    print(json.dumps([line.to_json() for line in lines], indent=1) if as_json else job.table(lines))

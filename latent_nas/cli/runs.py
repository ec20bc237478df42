"""``latent-nas runs``: searches side by side, and run folders that are removed."""

import json
from pathlib import Path
from typing import Annotated

import typer

from latent_nas.cli import options


def runs(
    places: Annotated[
        list[Path] | None, typer.Argument(help="Run folders, or folders that hold them. Default: runs/.")
    ] = None,
    delete: Annotated[
        bool,
        typer.Option(
            "--delete", help="Delete the named run folders. Without --yes: show what would be deleted and its size."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Confirm --delete.")] = False,
    as_json: options.Json = False,
) -> None:
    """List and compare runs: task, device, strategy, progress, and the best network of each.

    A finished run shows its exported network on the test part, an unfinished one its best training on the validation
    part. A damaged run is listed with what is wrong.

    --delete refuses a folder that is not a search, that a process works on, or that holds files of yours; then no run
    is deleted.

    Example: latent-nas runs runs/my_run
    """
    from latent_nas.jobs import runs as job

    if delete or yes:
        _delete(places or [], delete, yes, as_json)
        return
    lines = job.found(places or [Path("runs")])
    print(json.dumps([line.to_json() for line in lines], indent=1) if as_json else job.table(lines))


def _delete(places: list[Path], delete: bool, yes: bool, as_json: bool) -> None:
    from latent_nas.jobs import delete as job

    if not delete:
        raise ValueError("--yes confirms --delete, which is not given")
    removals = job.delete(places) if yes else job.checked(places)
    if as_json:
        print(json.dumps([{**removal.to_json(), "deleted": yes} for removal in removals], indent=1))
    else:
        for removal in removals:
            print(f"{'deleted' if yes else 'would delete'} {removal.line()}")
        if not yes:
            print("nothing was deleted; add --yes to delete")
    if not yes:
        raise typer.Exit(1)

"""``latent-nas report``: one HTML file that shows a run."""

import json
from pathlib import Path
from typing import Annotated

import typer

from latent_nas.cli import options


def report(
    run: Annotated[Path, typer.Argument(help="A run folder, finished or not.")],
    out: Annotated[Path | None, typer.Option(help="File to write; default: report.html in the run folder.")] = None,
    as_json: options.Json = False,
) -> None:
    """Write the report of a run: one HTML file that opens anywhere and loads nothing.

    A search writes it after every round and at its end; this command writes it again, e.g. after `deploy`. Of an
    unfinished or damaged run it shows what there is, and says what there is not.

    Example: latent-nas report runs/my_run --out report.html
    """
    from latent_nas import report as job

    place = job.write(run, out)
    print(json.dumps({"report": str(place), "bytes": place.stat().st_size}) if as_json else place)

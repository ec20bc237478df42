"""``latent-nas open``: the report of a run in the browser."""

from pathlib import Path
from typing import Annotated

import typer


def open_report(
    run: Annotated[Path | None, typer.Argument(help="A run folder. Default: the newest in runs/.")] = None,
) -> None:
    """Open the report of a run in the browser of this machine; where there is none, its path is printed.

    Example: latent-nas open runs/my_run
    """
    import webbrowser

    from latent_nas import report
    from latent_nas.jobs import runs
    from latent_nas.runs import files

    if run is None:
        places = [Path(line.run) for line in runs.found([Path("runs")])]
        run = max(places, key=lambda place: place.stat().st_mtime)
    file = run / files.REPORT
    if not file.is_file():
        file = report.write(run)
    opened = webbrowser.open(file.resolve().as_uri())
    print(file if opened else f"{file}: no browser was found here; open the file in yours")

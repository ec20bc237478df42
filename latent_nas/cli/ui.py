"""``latent-nas ui``: runs in the browser, live."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from latent_nas.cli import options

PORT = 8765


def ui(
    runs: Annotated[Path, typer.Argument(help="Folder that holds the runs.")] = Path("runs"),
    port: Annotated[
        int, typer.Option(help="Port on this machine; 0: any that is free.", rich_help_panel=options.RUN)
    ] = PORT,
    show: Annotated[
        bool,
        typer.Option(
            "--open/--no-open", help="Open the page in the browser of this machine.", rich_help_panel=options.RUN
        ),
    ] = True,
) -> None:
    """Follow runs in the browser, compare them, start searches, and build firmware of what they found.

    The page answers on this machine alone (127.0.0.1), and only to the address that is printed, which has a token.
    Ctrl-C ends the page; what was started from it goes on.

    Example: latent-nas ui runs
    """
    from latent_nas.ui.server import Server, follow

    if runs.exists() and not runs.is_dir():
        raise ValueError(f"{runs} is not a folder; name the one that holds the runs")
    if not runs.is_dir() and runs != Path("runs"):
        raise ValueError(f"there is no folder {runs}; name the one that holds the runs")
    if (runs / "config.json").is_file():
        raise ValueError(f"{runs} is a run itself; name the folder that holds it: {runs.resolve().parent}")
    server = Server(runs.resolve(), port)
    print(f"{server.guard.address}\nCtrl-C ends the page.", flush=True)
    if show:
        webbrowser.open(server.guard.address)
    try:
        follow(server)
    finally:
        for work in server.routes.works.running():
            print(f"{work.kind} goes on: {work.place} (process {work.process.pid})", flush=True)

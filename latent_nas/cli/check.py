"""``latent-nas check``: whether a plugin file of your own keeps the contracts that what ships keeps."""

import json
from pathlib import Path
from typing import Annotated

import typer

from latent_nas.cli import options


def check(
    file: Annotated[Path, typer.Argument(help="A .py file that assigns Plugin, or a .toml file.")],
    as_json: options.Json = False,
) -> None:
    """Check your own space, task, strategy, board, ...: a line for every contract that it does not keep.

    Exit code 1 where there is any.

    Example: latent-nas check my_space.py
    """
    from latent_nas import contracts

    kind, failures = contracts.check_file(file)
    if as_json:
        found = [{"where": f.where, "contract": f.contract, "said": f.said} for f in failures]
        print(json.dumps({"kind": kind, "failures": found}, indent=1))
    else:
        for failure in failures:
            print(failure)
    if failures:
        raise typer.Exit(1)
    if not as_json:
        print(f"{file} keeps all {len(contracts.names(kind))} contracts of {kind}")

"""``latent-nas calibrate``: a runtime from measured layers."""

import json
from pathlib import Path
from typing import Annotated

import typer

from latent_nas.cli import options


def calibrate(
    measurements: Annotated[
        Path,
        typer.Option(
            help="CSV: board, core, operator, input (32x32x16), the operator's fields (filters, kernel_size, stride,"
            " padding, groups, units), and cycles, or latency_ms or latency_us with clock_mhz."
        ),
    ],
    runtime: Annotated[str, typer.Option(help="Name of the runtime to make.")],
    out: Annotated[Path, typer.Option(help="Folder for <runtime>.toml.")],
    base: Annotated[
        str, typer.Option(help="Runtime that gives what is not measured: a file of latent_nas/runtimes, or a .toml.")
    ] = "cmsis_nn",
    board: Annotated[str | None, typer.Option(help="Only measurements of this board.")] = None,
    as_json: options.Json = False,
) -> None:
    """Fit a runtime's cycles to layers measured on boards, and say how far they are off on layers left out.

    Example: latent-nas calibrate --measurements layers.csv --runtime my_board --out runs/runtimes
    """
    from latent_nas.jobs import calibrate as job

    found = job.calibrate(measurements, runtime, base, board, out)
    print(json.dumps(found, indent=1) if as_json else job.table(found))

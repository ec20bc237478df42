"""``latent-nas calibrate``: a runtime from measured layers, or from whole networks that were measured."""

import json
from pathlib import Path
from typing import Annotated

import typer

from latent_nas.cli import options


def calibrate(
    runtime: Annotated[
        str, typer.Option(help="Name of the runtime to make from layers; with --network the runtime to scale.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for <runtime>.toml.")],
    measurements: Annotated[
        Path | None,
        typer.Option(
            help="CSV: board, core, operator, input (32x32x16), the operator's fields (filters, kernel_size, stride,"
            " padding, groups, units), and cycles, or latency_ms or latency_us with clock_mhz."
        ),
    ] = None,
    network: Annotated[
        list[str] | None, typer.Option(help="A whole network that was measured, as `cost` takes it; may be repeated.")
    ] = None,
    measured: Annotated[
        list[str] | None,
        typer.Option(help="What it took, latency_ms=53, with macs=N or flash_bytes=N to tell it; once per --network."),
    ] = None,
    device: Annotated[str, typer.Option(help="With --network: the board that it ran on.")] = "",
    clock: Annotated[float | None, typer.Option(help="With --network: MHz it ran at. Default: the highest.")] = None,
    name: Annotated[str, typer.Option(help="With --network: of the new runtime. Default: RUNTIME_DEVICE.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Take measurements that look like another network's.")] = False,
    base: Annotated[
        str, typer.Option(help="Runtime that gives what is not measured: see `latent-nas runtimes`, or a .toml file.")
    ] = "cmsis_nn",
    board: Annotated[str | None, typer.Option(help="Only measurements of this board.")] = None,
    as_json: options.Json = False,
) -> None:
    """Fit a runtime's cycles to layers measured on boards, or scale one to whole networks; say how far it is off.

    Example: latent-nas calibrate --measurements layers.csv --runtime my_board --out runs/runtimes
    """
    from latent_nas.jobs import calibrate as layers
    from latent_nas.jobs import calibrate_network as whole

    if bool(network) == bool(measurements):
        raise ValueError("calibrate wants either --measurements LAYERS.csv, or --network with --measured and --device")
    if network:
        if not device:
            raise ValueError("--network wants the --device that it was measured on; see `latent-nas devices`")
        found = whole.calibrate(network, measured or [], device, runtime, name, out, clock, force)
        print(json.dumps(found, indent=1) if as_json else whole.table(found))
        return
    assert measurements is not None
    found = layers.calibrate(measurements, runtime, base, board, out)
    print(json.dumps(found, indent=1) if as_json else layers.table(found))

"""``latent-nas cost``: what a network costs on a device, layer by layer, or on several side by side."""

import json
from typing import Annotated

import typer

from latent_nas.cli import options


def cost(
    network: options.Network,
    device: Annotated[
        str,
        typer.Option(
            help="See `latent-nas devices`, or a .toml of yours; several: a,b. Default: the run's or stm32f405."
        ),
    ] = "",
    runtime: Annotated[
        str,
        typer.Option(
            help="See `latent-nas runtimes`, or a .toml of yours; several: x,y. Default: the run's or native."
        ),
    ] = "",
    clock: Annotated[float | None, typer.Option(help="MHz that the device runs at. Default: its highest.")] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(help="flash_kb=N, ram_kb=N or latency_ms=N, beside the device's own; may be repeated."),
    ] = None,
    front_end_apart: options.FrontEndApart = False,
    entry: options.Entry = 1,
    task: Annotated[
        str, typer.Option(help="The task whose input genes are for; default: what the file says, else digits.")
    ] = "",
    space: Annotated[str, typer.Option(help="The space that the genes are of; default: what the file says.")] = "",
    as_json: options.Json = False,
) -> None:
    """Print what every layer costs, what binds and at which layer, and how much is left. Nothing is trained.

    Example: latent-nas cost mlperf_resnet8 --device stm32f446,nrf5340 --runtime cmsis_nn,x_cube_ai
    """
    from latent_nas.jobs import compare
    from latent_nas.jobs import cost as job
    from latent_nas.jobs.networks import open_source
    from latent_nas.limits import Limits

    limits = Limits.parse(limit or [])
    source = open_source(network, entry)
    source = source.bound(task or source.task or "digits", space)
    graph, front, apart = source.deployed(), source.front_end(), front_end_apart or source.front_end_apart
    devices = [name.strip() for name in (device or source.device or "stm32f405").split(",")]
    runtimes = [name.strip() for name in (runtime or source.runtime or "native").split(",")]
    beside = {"as_int8": source.floats(), "notes": source.notes()}
    if len(devices) * len(runtimes) == 1:
        found = job.explain(graph, devices[0], runtimes[0], limits, clock, source.softmax(), front, apart)
        found |= beside
        print(json.dumps(found, indent=1) if as_json else job.table(found))
        return
    rows = compare.compare(graph, devices, runtimes, limits, clock, source.softmax(), front, apart)
    rows = [row | beside for row in rows]
    print(json.dumps(rows, indent=1) if as_json else compare.table(rows, source.notes()))

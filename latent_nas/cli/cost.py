"""``latent-nas cost``: what a network costs on a device, layer by layer."""

import json
from typing import Annotated

import typer

from latent_nas.cli import options


def cost(
    network: options.Network,
    device: options.Device = "stm32f405",
    runtime: Annotated[
        str, typer.Option(help="What runs the network there: a file of latent_nas/runtimes, or a .toml of your own.")
    ] = "cmsis_nn",
    limit: Annotated[
        list[str] | None,
        typer.Option(help="flash_kb=N, ram_kb=N or latency_ms=N, beside the device's own; may be repeated."),
    ] = None,
    entry: options.Entry = 1,
    task: Annotated[
        str, typer.Option(help="The task whose input genes are for; default: what the file says, else digits.")
    ] = "",
    space: Annotated[str, typer.Option(help="The space that the genes are of; default: what the file says.")] = "",
    as_json: options.Json = False,
) -> None:
    """Print what every layer costs, what binds and at which layer, and how much is left. Nothing is trained.

    Example: latent-nas cost mlperf_resnet8 --device stm32f446
    """
    from latent_nas.jobs import cost as job
    from latent_nas.jobs.networks import open_source
    from latent_nas.limits import Limits

    limits = Limits.parse(limit or [])
    source = open_source(network, entry)
    graph = source.bound(task or source.task or "digits", space).graph()
    found = {**job.explain(graph, device, runtime, limits), "notes": source.notes()}
    print(json.dumps(found, indent=1) if as_json else job.table(found))

"""``latent-nas query`` and ``latent-nas validate``: candidates from the surrogates, and the truth about them."""

import json
from pathlib import Path
from typing import Annotated

import typer

from latent_nas.cli import options


def query(
    task: options.Task = "digits",
    space: options.Space = "",
    device: options.Device = "stm32f405",
    runtime: options.Runtime = "native",
    flash_kb: Annotated[float | None, typer.Option(help="Maximum flash.")] = None,
    ram_kb: Annotated[float | None, typer.Option(help="Maximum RAM.")] = None,
    latency_ms: Annotated[float | None, typer.Option(help="Maximum latency per inference.")] = None,
    limit: options.Limit = None,
    front_end_apart: options.FrontEndApart = False,
    top: Annotated[int, typer.Option(help="Number of candidates.")] = 10,
    queries: Annotated[int, typer.Option(help="Number of architectures to score.")] = 2000,
    codec: options.CodecDir = None,
    surrogates: options.SurrogatesDir = None,
    agent: Annotated[Path | None, typer.Option(help="Folder of an agent; default: the shipped one.")] = None,
    seed: options.Seed = 0,
    out: Annotated[Path | None, typer.Option(help="File for the JSON as well.")] = None,
) -> None:
    """Ask the surrogates for candidates within limits; nothing is trained, accuracies are predictions. Prints JSON.

    Example: latent-nas query --flash-kb 32 --ram-kb 16 --latency-ms 5 --top 10
    """
    from latent_nas import artifacts
    from latent_nas.jobs import query as job
    from latent_nas.limits import Limits
    from latent_nas.target import Target, open_target, with_space

    if out:
        artifacts.writable(out)
    setup = open_target(with_space(Target(space, task, device, runtime)), anew=True).check()
    named = {"flash_kb": flash_kb, "ram_kb": ram_kb, "latency_ms": latency_ms}
    given = [*(limit or []), *(f"{k}={v}" for k, v in named.items() if v is not None)]
    limits = (Limits.parse(given) if given else setup.task.limits).tighten(setup.device.limits)
    found = job.candidates(setup, limits, top, queries, codec, surrogates, agent, seed, front_end_apart)
    text = json.dumps(found, indent=1)
    if out:
        artifacts.write(out, text + "\n")
    print(text)


def validate(
    candidates: Annotated[
        Path, typer.Argument(help="JSON of `query`, a run folder (its best), or best_architecture.json.")
    ],
    top: Annotated[int, typer.Option(help="Number of candidates to train.")] = 3,
    final_seeds: options.FinalSeeds = 3,
    workers: options.Workers = 0,
    qat: options.Qat = "auto",
    weight_bits: Annotated[
        int,
        typer.Option(
            help="Bits of the weights: 8, or 4 (two a byte, fine-tuned unless --qat never, native runtime only). 0: as"
            " the run has them, 8 of anything else.",
            rich_help_panel=options.FINAL,
        ),
    ] = 0,
    recipe: options.Recipe = None,
    prune_to: Annotated[
        list[str] | None,
        typer.Option(
            help="Prune each trained network to flash_kb=N, ram_kb=N or latency_ms=N and train it on; may be repeated.",
            rich_help_panel=options.FINAL,
        ),
    ] = None,
    accelerator: options.Accelerator = "auto",
    seed: options.Seed = 0,
    out: Annotated[Path, typer.Option(help="Folder for the store, the networks and result.json.")] = Path(
        "runs/validated"
    ),
    as_json: options.Json = False,
) -> None:
    """Train the top picks in full, quantise them, and measure them on the test part, once.

    Example: latent-nas query --out runs/candidates.json && latent-nas validate runs/candidates.json
    """
    from latent_nas.crews import local

    local.expect()
    from latent_nas.cli.show import show
    from latent_nas.jobs import validate as job
    from latent_nas.jobs.summary import exit_code, summary

    with show(as_json) as view:
        result = job.validate(
            candidates,
            top,
            final_seeds,
            workers,
            seed,
            out,
            view.say,
            view.done,
            accelerator,
            qat,
            tuple(recipe or ()),
            weight_bits,
            tuple(prune_to or ()),
        )
    print(json.dumps(result.to_json(), indent=1) if as_json else summary(result, out))
    if code := exit_code(result):
        raise typer.Exit(code)

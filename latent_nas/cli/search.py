"""``latent-nas search``: the main job."""

import inspect
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from latent_nas.cli import options, own_data

ELSEWHERE = ("config", "plugin", "trust", "resume", "tensorboard", "as_json")  # change no training
DATA = tuple(inspect.signature(own_data.named).parameters)  # make up the name of the task


@own_data.of_data(own_data.named)
def search(
    context: typer.Context,
    task: options.Task = "digits",
    space: options.Space = "",
    device: options.Device = "stm32f405",
    runtime: Annotated[
        str | None,
        typer.Option(
            help="What runs the network there: a file of latent_nas/runtimes. Default: cmsis_nn, native with"
            " --measure emulate."
        ),
    ] = None,
    strategy: Annotated[str, typer.Option(help="A file of latent_nas/strategies; rl is latent_rl.")] = "latent_rl",
    preset: Annotated[
        str, typer.Option(help="fast, default or thorough: 500, 20000, 75000 trainings of 20, 100, 150 epochs.")
    ] = "",
    trainings: Annotated[
        int | None, typer.Option(help="True trainings to spend before the final ones; default: the preset's, or 24.")
    ] = None,
    child_epochs: Annotated[
        int | None, typer.Option(help="Epochs of such a training; default: the preset's, or the task's recipe's.")
    ] = None,
    settings: options.Settings = None,
    batch: Annotated[int, typer.Option(help="Trainings of a round; after each the surrogates are refitted.")] = 4,
    limit: options.Limit = None,
    objective: Annotated[str, typer.Option(help="What to maximise: a file of latent_nas/objectives.")] = "metric",
    surrogate: Annotated[
        str, typer.Option(help="What predicts accuracy: a file of latent_nas/surrogates, or a .py file of yours.")
    ] = "stack",
    wall_s: Annotated[float | None, typer.Option(help="Begin no new round after so many seconds.")] = None,
    workers: options.Workers = 0,
    ray: options.Ray = None,
    asynchronous: Annotated[
        bool, typer.Option("--async", help="Let no worker wait for a slow one; results then depend on timing.")
    ] = False,
    measure: options.Measure = "training",
    halving: Annotated[
        int, typer.Option(help="Short trainings for one of full length, which the best of them gets; 0: all are full.")
    ] = 0,
    seed: options.Seed = 0,
    top: Annotated[int, typer.Option(help="Networks to train in full at the end.")] = 3,
    final_seeds: options.FinalSeeds = 3,
    codec: options.CodecDir = None,
    warm_start: Annotated[Path | None, typer.Option(help="A table of records to begin with (Parquet).")] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; default: runs/<time>-<strategy>.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Continue the search in this run folder.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop; nothing is written.")] = False,
    tensorboard: options.Tensorboard = False,
    as_json: options.Json = False,
) -> None:
    """Find the best network that fits a device, train it in full and report it.

    Example: latent-nas search --device stm32f405 --limit flash_kb=32 --limit ram_kb=16 --trainings 24
    """
    from latent_nas import plugins
    from latent_nas.cli.show import show
    from latent_nas.jobs.search import plan
    from latent_nas.jobs.search.board import Board, check
    from latent_nas.jobs.search.config import new_config
    from latent_nas.jobs.search.run import begin, resumed
    from latent_nas.jobs.search.run import search as run
    from latent_nas.jobs.summary import exit_code, summary
    from latent_nas.limits import Limits
    from latent_nas.runs import files
    from latent_nas.runs.folder import RunFolder
    from latent_nas.target import Target

    if tensorboard:
        check()  # wrong input leaves no folder behind
    if resume is not None:
        RunFolder.open(resume)
        values = {"task": task, "limits": Limits.parse(limit or ()), "settings": tuple(settings or ())}
        prepared, folder = resumed(resume, **_anew(context, values))
    else:
        config = new_config(
            Target(space, task, device, runtime or ""),
            preset,
            trainings,
            child_epochs,
            Limits.parse(limit) if limit else None,
            strategy=strategy,
            batch=batch,
            wall_s=wall_s,
            workers=workers,
            seed=seed,
            top=top,
            final_seeds=final_seeds,
            codec=str(codec or ""),
            warm_start=str(warm_start or ""),
            settings=tuple(settings or ()),
            measure=measure,
            ray=ray or "",
            asynchronous=asynchronous,
            halving=halving,
            objective=objective,
            surrogate=surrogate,
            plugins=plugins.brought(),
        )
        if dry_run:
            found = plan.plan(config)
            print(json.dumps(found, indent=1) if as_json else plan.summary(found))
            return
        prepared, folder = begin(config, out)
    with show(as_json) as view:
        try:
            board = Board(folder.path / files.BOARD) if tensorboard else None
            result = run(prepared, folder, view.say, view.done, board)
        except KeyboardInterrupt:
            held = len(folder.store().records())
            view.say(f"stopped; {held} trainings are stored. Continue with: latent-nas search --resume {folder.path}")
            raise
    print(json.dumps(result.to_json(), indent=1) if as_json else summary(result, folder.path))
    if code := exit_code(result):
        raise typer.Exit(code)


def _anew(context: typer.Context, values: dict[str, Any]) -> dict[str, Any]:
    """Return the options that the user has given to a search that goes on, by the names of ``new_config``.

    Raises:
        ValueError: one that has no meaning there.
    """
    asked, given = {}, options.given(context)
    for name in given:
        if name in DATA and "task" not in given:
            raise ValueError(f"--{name} is part of which data a run began with; leave it out, or say --task as well")
        if name in ("out", "dry_run", "preset"):
            raise ValueError(f"--{name.replace('_', '-')} is for a new search; leave it out with --resume")
        if name not in ELSEWHERE:
            name = "task" if name in DATA else "limits" if name == "limit" else name
            value = values[name] if name in values else context.params[name]
            asked[name] = str(value) if isinstance(value, Path) else value
    return asked

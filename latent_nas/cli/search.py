"""``latent-nas search``: the main job."""

import inspect
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from latent_nas import extras, plugins
from latent_nas.cli import options, own_data
from latent_nas.cli import search_options as asked
from latent_nas.cli.typed import called

if TYPE_CHECKING:
    from latent_nas.jobs.search.prepare import Prepared
    from latent_nas.runs.folder import RunFolder

ELSEWHERE = ("config", "plugin", "trust", "resume", "tensorboard", "as_json")  # change no training
DATA = tuple(inspect.signature(own_data.named).parameters)  # make up the name of the task


@own_data.of_data(own_data.named)
def search(
    context: typer.Context,
    task: options.Task = "digits",
    space: options.Space = "",
    device: options.Device = "stm32f405",
    runtime: asked.Runtime = None,
    strategy: asked.Strategy = "latent_rl",
    preset: asked.Preset = "",
    trainings: asked.Trainings = None,
    child_epochs: asked.ChildEpochs = None,
    settings: options.Settings = None,
    batch: asked.Batch = 4,
    limit: options.Limit = None,
    objective: asked.Objective = "metric",
    surrogate: asked.Surrogate = "stack",
    wall_s: asked.WallS = None,
    workers: options.Workers = 0,
    ray: options.Ray = None,
    accelerator: options.Accelerator = "auto",
    asynchronous: asked.Asynchronous = False,
    measure: options.Measure = "training",
    halving: asked.Halving = 0,
    fidelities: asked.Fidelities = None,
    seed: options.Seed = 0,
    top: asked.Top = 3,
    finals: asked.Finals = "best",
    final_seeds: options.FinalSeeds = 3,
    qat: options.Qat = "auto",
    weight_bits: options.WeightBits = 8,
    recipe: options.Recipe = None,
    codec: options.CodecDir = None,
    warm_start: asked.WarmStart = None,
    related: asked.Related = False,
    front_end_apart: options.FrontEndApart = False,
    prefix: asked.Prefix = "",
    out: asked.Out = None,
    resume: asked.Resume = None,
    dry_run: asked.DryRun = False,
    tensorboard: options.Tensorboard = False,
    as_json: options.Json = False,
) -> None:
    """Find the best network that fits a device, train it in full and report it.

    Example: latent-nas search --device stm32f405 --limit flash_kb=32 --limit ram_kb=16 --trainings 24
    """
    from latent_nas.crews import local

    if not (dry_run or ray):
        local.expect()
    from latent_nas import plugins
    from latent_nas.jobs.search import plan
    from latent_nas.jobs.search.begin import begin
    from latent_nas.jobs.search.board import check
    from latent_nas.jobs.search.config import new_config
    from latent_nas.limits import Limits
    from latent_nas.target import Target

    if tensorboard:
        check()  # wrong input leaves no folder behind
    if resume is not None:
        prepared, folder = _going_on(resume, context, task, limit, settings, fidelities, recipe)
    else:
        config = new_config(
            Target(
                space,
                task,
                device,
                runtime or "",
                accelerator=accelerator,
                qat=qat,
                full_recipe=tuple(recipe or ()),
                weight_bits=weight_bits,
            ),
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
            finals=finals,
            final_seeds=final_seeds,
            codec=str(codec or ""),
            warm_start=tuple(map(str, warm_start or ())),
            related=related,
            front_end_apart=front_end_apart,
            settings=tuple(settings or ()),
            measure=measure,
            ray=ray or "",
            asynchronous=asynchronous,
            halving=halving,
            fidelities=tuple(fidelities or ()),
            objective=objective,
            surrogate=surrogate,
            plugins=plugins.brought(),
            prefix=prefix,
        )
        if dry_run:
            planned = plan.plan(config)
            print(json.dumps(planned, indent=1) if as_json else plan.summary(planned))
            return
        prepared, folder = begin(config, out)
    _run(prepared, folder, tensorboard, as_json)


def _run(prepared: "Prepared", folder: "RunFolder", tensorboard: bool, as_json: bool) -> None:
    """Search, show how it goes, and print what came of it.

    Raises:
        typer.Exit: not all that was asked for could be made, see ``jobs.summary.exit_code``.
    """
    from latent_nas.cli.show import show
    from latent_nas.jobs.search.board import Board
    from latent_nas.jobs.search.run import search as run
    from latent_nas.jobs.summary import exit_code, summary
    from latent_nas.runs import files

    with show(as_json) as view:
        try:
            board = Board(folder.path / files.BOARD) if tensorboard else None
            result = run(prepared, folder, view.say, view.done, board)
        except KeyboardInterrupt:
            stored = len(folder.store().records())
            view.say(f"stopped; {stored} trainings are stored. Continue with: {_command('search --resume', folder)}")
            raise
        except Exception as error:
            if place := plugins.raised_at(error):
                line = (
                    f"your own code has failed; {len(folder.store().records())} trainings are stored in {folder.path}"
                )
                strategy = prepared.config.strategy
                if place.rpartition(":")[0] == strategy.partition("#")[0]:
                    again = f"{_command('search --resume', folder)} --strategy {shlex.quote(strategy)}"
                    line += f". Mend the strategy, then: {again}"
                view.say(line)
            raise
    print(json.dumps(result.to_json(), indent=1) if as_json else summary(result, folder.path))
    if code := exit_code(result):
        raise typer.Exit(code)
    if not as_json and result.networks:
        more = 2 * (prepared.config.trainings if result.short_trainings else result.trainings)
        steps = [("open", ""), ("deploy", "--out firmware --emulate"), ("search --resume", f"--trainings {more}")]
        lines = [f"  {_command(verb, folder)} {rest}".rstrip() for verb, rest in steps]
        if extras.missing("mcu"):  # which deploy wants
            lines.insert(1, f"  {extras.install('mcu')}")
        print("\n".join(["Next:", *lines]))


def _command(verb: str, folder: "RunFolder") -> str:
    """Return a command on a run folder as it can be typed here."""
    return f"{called()} {verb} {shlex.quote(str(folder.path))}"


def _going_on(
    resume: Path,
    context: typer.Context,
    task: str,
    limit: list[str] | None,
    settings: list[str] | None,
    fidelities: list[str] | None,
    recipe: list[str] | None,
) -> "tuple[Prepared, RunFolder]":
    """Return the search of a run folder with the options that the user has given anew.

    Raises:
        ValueError: it is not a run folder, or an option can't change in a search that goes on.
    """
    from latent_nas.jobs.search.begin import resumed
    from latent_nas.limits import Limits
    from latent_nas.runs.folder import RunFolder

    RunFolder.open(resume)
    values = {"task": task, "limits": Limits.parse(limit or ())}
    values |= {"settings": tuple(settings or ()), "fidelities": tuple(fidelities or ())}
    values |= {"recipe": tuple(recipe or ())}
    return resumed(resume, **_anew(context, values))


def _anew(context: typer.Context, values: dict[str, Any]) -> dict[str, Any]:
    """Return the options that the user has given to a search that goes on, by the names of ``new_config``.

    Raises:
        ValueError: one that has no meaning there.
    """
    anew, given = {}, options.given(context)
    for name in given:
        if name in DATA and "task" not in given:
            raise ValueError(f"--{name} is part of which data a run began with; leave it out, or say --task as well")
        if name in ("out", "dry_run", "preset"):
            raise ValueError(f"--{name.replace('_', '-')} is for a new search; leave it out with --resume")
        if name not in ELSEWHERE:
            name = "task" if name in DATA else "limits" if name == "limit" else name
            value = values[name] if name in values else context.params[name]
            anew[name] = str(value) if isinstance(value, Path) else value
    return anew

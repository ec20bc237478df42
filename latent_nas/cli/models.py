"""``latent-nas dataset build``, ``codec train``, ``surrogate train`` and ``agent train``: how what ships is made."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from latent_nas.cli import options

Table = Annotated[Path | None, typer.Option(help="Table of records (Parquet); default: the shipped one.")]
Out = Annotated[Path | None, typer.Option(help="Folder to write; default: runs/pretrained/<space>-<task>/...")]


def dataset_build(
    task: options.Task = "digits",
    space: options.Space = "",
    device: options.Device = "stm32f405",
    runtime: options.Runtime = "native",
    limit: options.Limit = None,
    networks: Annotated[int, typer.Option(help="Number of distinct networks, each trained once.")] = 3000,
    repeats: Annotated[int, typer.Option(help="Number of networks that are trained with several seeds.")] = 300,
    repeat_seeds: Annotated[int, typer.Option(help="Seeds of each of these networks.")] = 5,
    seed: options.Seed = 0,
    workers: options.Workers = 0,
    measure: options.Measure = "training",
    work: Annotated[Path, typer.Option(help="Store of the trainings; continued if it is there.")] = Path(
        "runs/dataset.sqlite"
    ),
    out: Annotated[Path, typer.Option(help="Folder of the table and its card.")] = Path("runs/datasets_arch"),
    as_json: options.Json = False,
) -> None:
    """Train random networks for real and write them as a table with a card.

    Example: latent-nas dataset build --networks 100 --repeats 10 --out runs/table
    """
    import os

    from latent_nas import artifacts, lock, whole
    from latent_nas.cli.show import show
    from latent_nas.jobs.make import dataset
    from latent_nas.limits import Limits
    from latent_nas.target import Target, open_target, with_space

    target = with_space(Target(space, task, device, runtime))
    limits = Limits.parse(limit) if limit else open_target(target).task.limits
    plan = dataset.DatasetPlan(target, limits, networks, repeats, repeat_seeds, seed, measure)
    for place in (work, out / "table"):
        artifacts.writable(place)
    with lock.held(lock.beside(work), work), show(as_json) as view:
        records = dataset.build(
            plan, work, workers or os.cpu_count() or 1, view.say, lambda a, b: view.done("trainings", a, b)
        )
        whole.sweep(out)
        path = dataset.write(open_target(plan.target), plan, records, out)
    good = [r for r in records if r.ok]
    result = {
        "table": str(path),
        "records": len(records),
        "failed": len(records) - len(good),
        "networks": len({r.genes for r in records}),
        "noise": dataset.noise(records),
    }
    _print(result)


def codec_train(
    task: options.Task = "digits",
    space: options.Space = "",
    device: options.Device = "stm32f405",
    runtime: options.Runtime = "native",
    table: Annotated[Path | None, typer.Option(help="Records whose accuracies shape the latent as well.")] = None,
    metric: Annotated[
        list[str] | None, typer.Option(help="A metric of the table that shapes the latent as well; may be repeated.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Training steps; default: the codec's.")] = None,
    sweep: Annotated[
        int,
        typer.Option(help="Codecs to try in a search of hyperparameters; the best and a picture are kept."),
    ] = 0,
    seed: options.Seed = 0,
    out: Out = None,
    tensorboard: options.Tensorboard = False,
    as_json: options.Json = False,
) -> None:
    """Train the supervised VQ-VAE: on fresh architectures and their costs, and on accuracies if a table is given.

    Example: latent-nas codec train --steps 500 --out runs/codec
    """
    from latent_nas import lock
    from latent_nas.cli.show import show
    from latent_nas.jobs.make import artefacts
    from latent_nas.jobs.make import sweep as search
    from latent_nas.jobs.search.board import Board, beside
    from latent_nas.target import Target, open_target, with_space

    setup = open_target(with_space(Target(space, task, device, runtime)), anew=True).check()
    name = "codec-labelled" if table else "codec"
    place = out or _place(setup, name)
    board = Board(beside(place)) if tensorboard else None
    with lock.held(lock.beside(place), place), show(as_json) as view:
        given = (table, steps, seed, place, view.say, view.done, metric or ())
        result = search.sweep(setup, sweep, *given) if sweep else artefacts.codec(setup, *given, board)
    _print(result)


def surrogate_train(
    task: options.Task = "digits",
    space: options.Space = "",
    device: options.Device = "stm32f405",
    runtime: options.Runtime = "native",
    table: Table = None,
    codec: options.CodecDir = None,
    seed: options.Seed = 0,
    out: Out = None,
    as_json: options.Json = False,
) -> None:
    """Fit the surrogates of accuracy and costs, judge them on records held out, and save them.

    Example: latent-nas surrogate train --out runs/surrogates
    """
    from latent_nas import lock
    from latent_nas.cli.show import show
    from latent_nas.jobs.make import artefacts
    from latent_nas.target import Target, open_target, with_space

    setup = open_target(with_space(Target(space, task, device, runtime)), anew=True).check()
    place = out or _place(setup, ".")
    with lock.held(lock.beside(place), place), show(as_json) as view:
        result = artefacts.surrogates(setup, table, codec, seed, place, view.say)
    _print(result)


def agent_train(
    task: options.Task = "digits",
    space: options.Space = "",
    device: options.Device = "stm32f405",
    runtime: options.Runtime = "native",
    limit: options.Limit = None,
    codec: options.CodecDir = None,
    surrogates: options.SurrogatesDir = None,
    steps: Annotated[int, typer.Option(help="Environment steps, those of MAP-Elites counted.")] = 500_000,
    learner: Annotated[str, typer.Option(help="q, ppo or a2c.")] = "q",
    place: Annotated[
        str, typer.Option(help="slot: an edit replaces a code; dimension (ppo, a2c): one number.")
    ] = "slot",
    history: Annotated[int, typer.Option(help="Last actions that ppo or a2c see (seed design: 6).")] = 0,
    parameters: Annotated[int | None, typer.Option(help="Maximum number of weights and biases of a network.")] = None,
    start: Annotated[Path | None, typer.Option(help="Q agent to start from, e.g. of another task.")] = None,
    seed: options.Seed = 0,
    out: Out = None,
    tensorboard: options.Tensorboard = False,
    as_json: options.Json = False,
) -> None:
    """Train the RL agent on the surrogates, for limits of all sizes or those given, and show what it finds.

    Example: latent-nas agent train --steps 100000 --out runs/agent
    """
    from latent_nas import lock
    from latent_nas.cli.show import show
    from latent_nas.jobs.make import artefacts
    from latent_nas.jobs.search.board import Board, beside
    from latent_nas.limits import Limits
    from latent_nas.target import Target, open_target, with_space

    setup = open_target(with_space(Target(space, task, device, runtime)), anew=True).check()
    limits = Limits.parse(limit).tighten(setup.device.limits) if limit else None
    folder = out or _place(setup, "agent")
    board = Board(beside(folder)) if tensorboard else None
    with lock.held(lock.beside(folder), folder), show(as_json) as view:
        agent = artefacts.AgentOptions(learner, place, history, parameters, str(start) if start else None)
        result = artefacts.agent(setup, limits, codec, surrogates, steps, seed, folder, view.say, agent, board)
    _print(result)


def _place(setup: Any, name: str) -> Path:
    return Path("runs") / "pretrained" / f"{setup.target.space}-{setup.task.name}" / name


def _print(result: dict[str, Any]) -> None:
    print(json.dumps(result, indent=1))

"""``latent-nas search``: the main job."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from latent_nas.cli import options


def search(
    task: options.Task = "digits",
    space: options.Space = "mcu_cnn",
    device: options.Device = "stm32f405",
    runtime: options.Runtime = "cmsis_nn",
    strategy: Annotated[str, typer.Option(help="How to search: a file of latent_nas/strategies.")] = "latent_rl",
    trainings: Annotated[int, typer.Option(help="True trainings to spend before the final ones.")] = 24,
    batch: Annotated[int, typer.Option(help="Trainings of a round; after each the surrogates are refitted.")] = 4,
    limit: options.Limit = None,
    wall_s: Annotated[float | None, typer.Option(help="Begin no new round after so many seconds.")] = None,
    workers: options.Workers = 0,
    seed: options.Seed = 0,
    top: Annotated[int, typer.Option(help="Networks to train in full at the end.")] = 3,
    final_seeds: Annotated[int, typer.Option(help="Seeds of each final training.")] = 3,
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
    from latent_nas.cli.show import show
    from latent_nas.evaluators import Target
    from latent_nas.limits import Limits
    from latent_nas.pipeline import plan
    from latent_nas.pipeline.board import Board, check
    from latent_nas.pipeline.folder import RunFolder
    from latent_nas.pipeline.search import SearchConfig, override, prepare
    from latent_nas.pipeline.search import search as run
    from latent_nas.pipeline.setup import MAIN_LIMITS

    if tensorboard:
        check()  # wrong input leaves no folder behind
    if resume is not None:
        folder, saved = RunFolder.open(resume)
        config = override(SearchConfig.from_json(saved), workers or None)
    else:
        config = SearchConfig(
            Target(space, task, device, runtime),
            strategy,
            trainings,
            batch,
            Limits.parse(limit) if limit else MAIN_LIMITS,
            wall_s,
            workers,
            seed,
            top,
            final_seeds,
            str(codec or ""),
            str(warm_start or ""),
        )
        if dry_run:
            found = plan.plan(config)
            print(json.dumps(found, indent=1) if as_json else plan.summary(found))
            return
        prepare(config)  # wrong input leaves no folder behind
        place = out or Path("runs") / f"{time.strftime('%Y%m%d-%H%M%S')}-{strategy}"
        folder = RunFolder.create(place, config.to_json())
    with show(as_json) as view:
        try:
            board = Board(folder.path / "tensorboard") if tensorboard else None
            result = run(config, folder, view.say, view.done, board)
        except KeyboardInterrupt:
            held = len(folder.store().records())
            view.say(f"stopped; {held} trainings are stored. Continue with: latent-nas search --resume {folder.path}")
            raise
    print(json.dumps(result, indent=1) if as_json else summary(result, folder.path))


def summary(result: dict[str, Any], folder: Path) -> str:
    """Return the result as a few lines for a person."""
    lines = [
        f"{result['trainings']} true trainings in {result['search_s'] or 0:.0f} s; all took {result['wall_s']:.0f} s.",
        "Fully trained on train + validation data, measured on the test part (mean and std over seeds):",
    ]
    for rank, network in enumerate(result["networks"], 1):
        region, ram = next(iter(network["ram_bytes"].items()))
        if network["measured_int8_accuracy"] is None:
            lines.append(f"  {rank}. final training failed")
            continue
        accuracy, std = network["measured_int8_accuracy"], network["measured_int8_accuracy_std"]
        lines.append(
            f"  {rank}. int8 accuracy {accuracy:.4f} +- {std:.4f}"
            f" (float {network['measured_float_accuracy']:.4f}); flash {network['flash_bytes'] / 1024:.1f} KB,"
            f" RAM {ram / 1024:.1f} KB in {region}, {network['latency_ms']:.2f} ms"
            f" (+- {network['latency_error_ms']:.2f}, computed); {'fits' if network['fits'] else 'DOES NOT FIT'}"
        )
    return "\n".join([*lines, f"Run folder: {folder}"])

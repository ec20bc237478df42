"""``latent-nas train``: one network, trained as a recipe says."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latent_nas.cli import options, own_data

if TYPE_CHECKING:
    from latent_nas.graph import Graph
    from latent_nas.jobs.train_config import TrainConfig
    from latent_nas.runs.folder import RunFolder

MAY_CHANGE = {"resume", "task", "as_json", "config", "plugin", "trust"}  # in a training that goes on


@own_data.of_data(own_data.named)
def train(
    context: typer.Context,
    network: options.Network = "",
    task: Annotated[
        str,
        typer.Option(
            help=f"{options.TASK_HELP} Default: what the network's file names, else digits.",
            callback=options.full_task,
            rich_help_panel=options.DATA,
        ),
    ] = "",
    entry: options.Entry = 1,
    space: Annotated[str, typer.Option(help="Search space of the genes. Default: that of the file.")] = "",
    fidelity: Annotated[str, typer.Option(help="The task's recipe to start from: full or search.")] = "full",
    epochs: Annotated[int | None, typer.Option(help="Maximum number of epochs; the schedule ends there.")] = None,
    batch: Annotated[int | None, typer.Option(help="Samples per step.")] = None,
    optimiser: Annotated[str | None, typer.Option(help="Optimiser: sgd, adam, adamw, muon or rmsprop.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak learning rate.")] = None,
    weight_decay: Annotated[float | None, typer.Option(help="Weight decay, not of biases and norms.")] = None,
    schedule: Annotated[str | None, typer.Option(help="cosine, constant, step, plateau or one-cycle.")] = None,
    warmup: Annotated[float | None, typer.Option(help="Epochs of linear warm-up.")] = None,
    drop: Annotated[float | None, typer.Option(help="Factor of step and plateau for the learning rate.")] = None,
    drop_after: Annotated[int | None, typer.Option(help="Epochs before a drop (plateau: without progress).")] = None,
    patience: Annotated[int | None, typer.Option(help="Epochs without progress before stopping.")] = None,
    label_smoothing: Annotated[float | None, typer.Option(help="Label smoothing of the cross entropy.")] = None,
    average: Annotated[float | None, typer.Option(help="Decay of the weights' moving average; 0 is none.")] = None,
    augment: Annotated[bool | None, typer.Option(help="Augment the training inputs where the task can.")] = None,
    augmentation: Annotated[
        str | None,
        typer.Option(help="Further augmentation for the kind of data, as shift=2,cutout=8; a wrong name prints all."),
    ] = None,
    unaugmented_epochs: Annotated[
        int | None, typer.Option(help="Last epochs of the schedule, which see inputs without any augmentation.")
    ] = None,
    qat: Annotated[
        str,
        typer.Option(
            help="Quantisation-aware training at the end: auto (where int8 loses more than 0.3 points on validation),"
            " always or never."
        ),
    ] = "auto",
    teachers: Annotated[
        int | None, typer.Option(help="Distil an ensemble of this many larger networks, trained first and kept.")
    ] = None,
    branches: Annotated[
        int | None,
        typer.Option(
            help="Train every convolution as this many copies, a 1x1 one and the input; folded into one afterwards."
        ),
    ] = None,
    whiten: Annotated[
        bool | None,
        typer.Option(help="Begin the first convolution with the principal components of what its windows see."),
    ] = None,
    bf16: Annotated[
        bool | None,
        typer.Option(help="Learn in mixed precision (bfloat16), where the processor computes in it faster."),
    ] = None,
    balanced_sampling: Annotated[
        bool | None, typer.Option(help="Draw every class equally often, small ones repeatedly.")
    ] = None,
    weight_bits: Annotated[
        int,
        typer.Option(
            help="Bits of the weights of convolutions and dense layers: 8, or 4 (two a byte, fine-tuned unless --qat"
            " never; runs on the native runtime)."
        ),
    ] = 8,
    prune_to: Annotated[
        list[str] | None,
        typer.Option(
            help="Prune the trained network to flash_kb=N, ram_kb=N or latency_ms=N and train it on; may be repeated."
        ),
    ] = None,
    device: Annotated[
        str, typer.Option(help="Microcontroller of --prune-to; default: what the file names, else stm32f405.")
    ] = "",
    runtime: Annotated[
        str, typer.Option(help="Runtime of --prune-to; default: what the file names, else native.")
    ] = "",
    samples: Annotated[int, typer.Option(help="Training samples to use; 0 is all.")] = 0,
    valid_samples: Annotated[int, typer.Option(help="Validation samples to use; 0 is all.")] = 0,
    test: Annotated[bool, typer.Option("--test", help="Read the test part, once, at the end.")] = False,
    seed: options.Seed = 0,
    accelerator: options.Accelerator = "auto",
    out: Annotated[Path | None, typer.Option(help="Run folder; default: runs/<time>-<network>.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Continue the training in this run folder.")] = None,
    as_json: options.Json = False,
) -> None:
    """Train a named network or genes for a task: weights, int8 network, metrics and curves.

    Example: latent-nas train nascnn15 --task cifar10 --epochs 30 --schedule one-cycle
    """
    from latent_nas.accelerator import resolve
    from latent_nas.cli.show import show
    from latent_nas.jobs.moved import check_of
    from latent_nas.jobs.networks import open_source
    from latent_nas.jobs.train import summary
    from latent_nas.jobs.train import train as run
    from latent_nas.jobs.train_config import TrainConfig, begin, recipe_of
    from latent_nas.target import MAIN_TARGET
    from latent_nas.tasks import open_task

    if resume is not None:
        config, graph, folder = _going_on(resume, context, task)
    else:
        if not network:
            raise ValueError("say what to train: a network's name or a JSON file; or --resume a run folder")
        source = open_source(network, entry)
        chosen = task or source.task or MAIN_TARGET.task
        check_of(network, chosen)
        recipe = recipe_of(
            chosen,
            fidelity,
            epochs=epochs,
            batch=batch,
            optimiser=optimiser,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            schedule=schedule,
            warmup=warmup,
            drop=drop,
            drop_after=drop_after,
            patience=patience,
            label_smoothing=label_smoothing,
            average=average,
            augment=augment,
            augmentation=augmentation,
            unaugmented_epochs=unaugmented_epochs,
            qat=qat,
            teachers=teachers,
            branches=branches,
            whiten=whiten,
            bf16=bf16,
            balanced_sampling=balanced_sampling,
        )
        where = resolve(accelerator)
        config = TrainConfig(
            network,
            chosen,
            recipe,
            seed,
            samples,
            valid_samples,
            test,
            accelerator=where,
            weight_bits=weight_bits,
            prune_to=tuple(prune_to or ()),
            device=device or ((source.device or MAIN_TARGET.device) if prune_to else ""),
            runtime=runtime or ((source.runtime or MAIN_TARGET.runtime) if prune_to else ""),
        )
        graph = source.bound(chosen, space).graph_for(open_task(chosen))
        folder = begin(config, graph, out)
    with show(as_json) as view:
        try:
            result = run(config, graph, folder, view.say, view.done)
        except KeyboardInterrupt:
            view.say(f"stopped; continue with: latent-nas train --resume {folder.path}")
            raise
    print(json.dumps(result.to_json(), indent=1) if as_json else summary(result, folder.path))


def _going_on(resume: Path, context: typer.Context, task: str) -> "tuple[TrainConfig, Graph, RunFolder]":
    """Return the training in a run folder, its data at ``task`` if the user says so.

    Raises:
        ValueError: the folder is none of a training, its data is another, or an option can't change there.
    """
    from latent_nas.jobs.train_config import resumed

    given = options.given(context)
    resumption = resumed(resume, task if "task" in given else "")
    if more := sorted(set(given) - MAY_CHANGE):
        raise ValueError(
            f"--{more[0].replace('_', '-')} can't change in a training that goes on, as its epochs so far depend on"
            " it; leave it out, or begin another with --out"
        )
    return resumption

"""Options that only ``latent-nas search`` has, with their help."""

from pathlib import Path
from typing import Annotated

import typer

Runtime = Annotated[
    str | None,
    typer.Option(
        help="What runs the network there: a file of latent_nas/runtimes. Default: cmsis_nn, native with"
        " --measure emulate."
    ),
]
Strategy = Annotated[str, typer.Option(help="A file of latent_nas/strategies; rl is latent_rl.")]
Preset = Annotated[
    str, typer.Option(help="fast, default or thorough: 500, 20000, 75000 trainings of 20, 100, 150 epochs.")
]
Trainings = Annotated[
    int | None, typer.Option(help="True trainings to spend before the final ones; default: the preset's, or 24.")
]
ChildEpochs = Annotated[
    int | None, typer.Option(help="Epochs of such a training; default: the preset's, or the task's recipe's.")
]
Batch = Annotated[int, typer.Option(help="Trainings of a round; after each the surrogates are refitted.")]
Objective = Annotated[str, typer.Option(help="What to maximise: a file of latent_nas/objectives.")]
Surrogate = Annotated[
    str, typer.Option(help="What predicts accuracy: a file of latent_nas/surrogates, or a .py file of yours.")
]
WallS = Annotated[float | None, typer.Option(help="Begin no new round after so many seconds.")]
Asynchronous = Annotated[
    bool, typer.Option("--async", help="Let no worker wait for a slow one; results then depend on timing.")
]
Halving = Annotated[
    int, typer.Option(help="Short trainings for one of full length, which the best of them gets; 0: all are full.")
]
Top = Annotated[int, typer.Option(help="Networks to train in full at the end.")]
WarmStart = Annotated[Path | None, typer.Option(help="A table of records to begin with (Parquet).")]
Out = Annotated[Path | None, typer.Option(help="Run folder; default: runs/<time>-<strategy>.")]
Resume = Annotated[Path | None, typer.Option(help="Continue the search in this run folder.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop; nothing is written.")]

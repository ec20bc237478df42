"""Options that only ``latent-nas search`` has, with their help."""

from pathlib import Path
from typing import Annotated

import typer

from latent_nas.cli.options import BOARD, FINAL, MACHINES, RUN, SEARCH

Runtime = Annotated[
    str | None,
    typer.Option(
        help="Inference runtime, a name of `latent-nas runtimes` or a .toml file of yours. Default: native, the kernels"
        " that `latent-nas deploy` exports; limits count the whole image.",
        rich_help_panel=BOARD,
    ),
]
Strategy = Annotated[
    str,
    typer.Option(
        help="A name of `latent-nas strategies` or a .py file of yours; rl is latent_rl.", rich_help_panel=SEARCH
    ),
]
Preset = Annotated[
    str,
    typer.Option(
        help="fast, default or thorough: 500, 20000, 75000 trainings of 20, 100, 150 epochs.", rich_help_panel=SEARCH
    ),
]
Trainings = Annotated[
    int | None,
    typer.Option(
        help="Networks to train before the final ones. Default: the preset's, else 24.", rich_help_panel=SEARCH
    ),
]
ChildEpochs = Annotated[
    int | None,
    typer.Option(
        help="Epochs of each of these trainings. Default: the preset's, else the task's.", rich_help_panel=SEARCH
    ),
]
Batch = Annotated[
    int, typer.Option(help="Trainings per round; the surrogates are refitted after each round.", rich_help_panel=SEARCH)
]
Objective = Annotated[
    str,
    typer.Option(
        help="Objective to maximise: a name (a wrong one prints all) or a .py file of yours.", rich_help_panel=SEARCH
    ),
]
Surrogate = Annotated[
    str,
    typer.Option(
        help="Predictor of accuracy: a name (a wrong one prints all) or a .py file of yours.", rich_help_panel=SEARCH
    ),
]
WallS = Annotated[float | None, typer.Option(help="Start no round after this many seconds.", rich_help_panel=SEARCH)]
Asynchronous = Annotated[
    bool,
    typer.Option(
        "--async",
        help="Start the next training as soon as a worker is free; results then depend on timing.",
        rich_help_panel=MACHINES,
    ),
]
Fidelities = Annotated[
    list[str] | None,
    typer.Option(
        "--fidelity",
        help="Short trainings: the first share of a full one's epochs, epochs=0.5, or one epoch over a share of the"
        " data, data=1; may be repeated. The judge decides which networks get one and which are trained in full;"
        " --trainings is then in full-training equivalents.",
        rich_help_panel=SEARCH,
    ),
]
Halving = Annotated[
    int,
    typer.Option(
        help="Train this many candidates briefly and only the best in full; 0: train all in full.",
        rich_help_panel=SEARCH,
    ),
]
Top = Annotated[int, typer.Option(help="Networks to train in full at the end.", rich_help_panel=FINAL)]
Finals = Annotated[
    str,
    typer.Option(
        help="Which networks: best, or front (the best, and smaller ones that lose the least).",
        rich_help_panel=FINAL,
    ),
]
WarmStart = Annotated[
    list[Path] | None,
    typer.Option(
        help="Table of records to begin with (Parquet), of this task or of others on its space, as"
        " shipped:mcu_cnn-digits; may be repeated.",
        rich_help_panel=SEARCH,
    ),
]
Related = Annotated[
    bool,
    typer.Option(
        "--related",
        help="The other tasks of --warm-start are similar: train their 3 best first.",
        rich_help_panel=SEARCH,
    ),
]
Prefix = Annotated[
    str,
    typer.Option(
        help="Prefix of every name in C that the run's firmware has, and `deploy` takes. Default: model.",
        rich_help_panel=FINAL,
    ),
]
Out = Annotated[Path | None, typer.Option(help="Run folder; default: runs/<time>-<strategy>.", rich_help_panel=RUN)]
Resume = Annotated[
    Path | None,
    typer.Option(
        help="Continue the search in this run folder, also with more --trainings or another --limit.",
        rich_help_panel=RUN,
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print the plan and stop; nothing is written.", rich_help_panel=RUN)
]

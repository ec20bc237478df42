"""Options that only ``latent-nas bench`` has, with their help."""

from pathlib import Path
from typing import Annotated

import typer

Table = Annotated[
    Path | None, typer.Option(help="CSV, CSV.GZ or Parquet: id, gene.NAME, metric.NAME, cost.NAME, group.")
]
Objective = Annotated[str, typer.Option(help="Column to maximise, as metric.valid_accuracy.")]
Out = Annotated[
    Path | None,
    typer.Option(help="JSON file of the results; an existing one is continued. With --fetch, the table's file."),
]
Strategies = Annotated[str, typer.Option(help="Names of strategies, separated by commas.")]
Trainings = Annotated[int, typer.Option(help="Trainings per run; a network's second evaluation is free.")]
Seeds = Annotated[int, typer.Option(help="Runs of each strategy: seeds 0, 1, ...")]
Space = Annotated[str, typer.Option(help="Space of the genes, for graphs and features.")]
Report = Annotated[str, typer.Option(help="Column to report for the best network found.")]
Minimise = Annotated[bool, typer.Option("--minimise", help="Minimise the objective.")]
Maximum = Annotated[list[str] | None, typer.Option("--max", help="Limit, as cost.macs_m=50; may be repeated.")]
Batch = Annotated[int, typer.Option(help="Trainings per round; 0 is each strategy's default.")]
Stop = Annotated[bool, typer.Option("--stop-at-optimum", help="Stop a run once it has found the optimum.")]
Front = Annotated[str, typer.Option(help="Cost to trade the objective against, as cost.macs_m.")]
Inputs = Annotated[
    list[str] | None,
    typer.Option("--input", help="Column that surrogates may see: proxy.synflow, or proxy. for all."),
]
Fidelities = Annotated[
    list[str] | None,
    typer.Option(
        "--fidelity",
        help="Column of a shorter training and its cost in full ones, as metric.valid_accuracy_12_epochs=0.06;"
        " may be repeated. --trainings is then in full-training equivalents.",
    ),
]
Continued = Annotated[
    bool,
    typer.Option(
        "--continued", help="The columns of --fidelity are first epochs of the full training, which goes on from there."
    ),
]
WarmStart = Annotated[
    list[str] | None,
    typer.Option(
        help="Table of another task on the same space, FILE or FILE=COLUMN (default: --objective's); may be repeated."
        " For strategies that ask a judge."
    ),
]
Related = Annotated[
    bool, typer.Option("--related", help="Treat the tasks of --warm-start as similar: train their 3 best first.")
]
Workers = Annotated[int, typer.Option(help="Processes; 0 is one per core. Does not change results.")]
Ray = Annotated[
    str | None,
    typer.Option(help='Run on a Ray cluster whose nodes can read the table: host:port, or "local" (extra ray).'),
]
Fetch = Annotated[
    str, typer.Option(help="Make a public table instead, as nas_bench_graph-cora; a wrong name prints all.")
]
From = Annotated[Path | None, typer.Option("--from", help="The authors' file, where --fetch can't download it.")]

"""``latent-nas bench``: strategies compared on a table of trained networks."""

from pathlib import Path
from typing import Annotated

import typer

from latent_nas.cli import options


def bench(
    table: Annotated[
        Path | None, typer.Option(help="CSV, CSV.GZ or Parquet: id, gene.NAME, metric.NAME, cost.NAME, group.")
    ] = None,
    objective: Annotated[str, typer.Option(help="Column to maximise, as metric.valid_accuracy.")] = "",
    out: Annotated[
        Path | None,
        typer.Option(help="JSON file of the results; one that is there is continued. With --fetch, the table's file."),
    ] = None,
    strategies: Annotated[str, typer.Option(help="Names of strategies, separated by commas.")] = "random,evolution",
    trainings: Annotated[int, typer.Option(help="Trainings per run; a network's second evaluation is free.")] = 150,
    seeds: Annotated[int, typer.Option(help="Runs of each strategy: seeds 0, 1, ...")] = 20,
    space: Annotated[str, typer.Option(help="Space of the genes, which gives them graphs and features.")] = "",
    report: Annotated[str, typer.Option(help="Column to report of the best network found.")] = "",
    minimise: Annotated[bool, typer.Option("--minimise", help="Minimise the objective.")] = False,
    maximum: Annotated[
        list[str] | None, typer.Option("--max", help="Limit, as cost.macs_m=50; may be repeated.")
    ] = None,
    batch: Annotated[int, typer.Option(help="Trainings per round; 0 is each strategy's default.")] = 0,
    stop: Annotated[bool, typer.Option("--stop-at-optimum", help="End a run when it has found the optimum.")] = False,
    front: Annotated[str, typer.Option(help="Cost to trade the objective against, as cost.macs_m.")] = "",
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", help="Column that surrogates may see: proxy.synflow, or proxy. for all."),
    ] = None,
    fidelities: Annotated[
        list[str] | None,
        typer.Option(
            "--fidelity",
            help="Column of a shorter training and its cost in full ones, as metric.valid_accuracy_12_epochs=0.06;"
            " may be repeated. --trainings is then in full-training equivalents.",
        ),
    ] = None,
    warm_start: Annotated[
        list[str] | None,
        typer.Option(help="Table of another task on the same space, FILE or FILE=COLUMN; may be repeated."),
    ] = None,
    related: Annotated[
        bool, typer.Option("--related", help="The tasks of --warm-start are alike: train their best 3 networks first.")
    ] = False,
    settings: options.Settings = None,
    workers: Annotated[int, typer.Option(help="Processes; 0 is one per core. Changes no result.")] = 0,
    ray: Annotated[
        str | None,
        typer.Option(help='Run on a Ray cluster whose nodes can read the table: host:port, or "local" (extra ray).'),
    ] = None,
    fetch: Annotated[
        str, typer.Option(help="Make a public table instead, as nas_bench_graph-cora; a wrong name prints all.")
    ] = "",
    given: Annotated[
        Path | None, typer.Option("--from", help="The authors' file, where --fetch can't download it.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Compare strategies on a table of trained networks, at equal trainings.

    Example: latent-nas bench --fetch nas_bench_graph-cora

    Example: latent-nas bench --table t.csv.gz --objective metric.valid_accuracy --out b.json
    """
    import json

    if fetch:
        _fetch(fetch, given, out or Path(f"{fetch}.csv.gz"), as_json)
        return
    if given:
        raise ValueError("--from is the file that --fetch NAME converts; name the table with --fetch")
    if not table or not objective or not out:
        missing = [o for o, v in (("--table", table), ("--objective", objective), ("--out", out)) if not v]
        raise ValueError(f"a bench wants {', '.join(missing)} as well; see latent-nas bench --help")

    from latent_nas.cli.show import show
    from latent_nas.jobs.bench.config import BenchConfig, parse_fidelities, parse_limits
    from latent_nas.jobs.bench.regret import standings
    from latent_nas.jobs.bench.run import bench as run
    from latent_nas.jobs.bench.run import summary
    from latent_nas.strategies import full_strategy

    names = tuple(full_strategy(name.strip()) for name in strategies.split(",") if name.strip())
    limits = parse_limits(maximum or [])
    config = BenchConfig(
        table=str(table),
        objective=objective,
        strategies=names,
        trainings=trainings,
        seeds=seeds,
        space=space,
        report=report,
        minimise=minimise,
        limits=limits,
        batch=batch,
        stop=stop,
        front=front,
        inputs=tuple(inputs or ()),
        workers=workers,
        settings=tuple(settings or ()),
        ray=ray or "",
        fidelities=parse_fidelities(fidelities or []),
        sources=tuple(warm_start or ()),
        related=related,
    )
    with show(as_json) as view:
        result = run(config, out, view.say, view.done)
    if as_json:
        stand = standings(result["runs"], result["table"]["optimum"], trainings)
        result["standings"] = {name: standing.plain() for name, standing in stand.items()}
    print(json.dumps(result) if as_json else summary(result))


def _fetch(name: str, given: Path | None, out: Path, as_json: bool) -> None:
    """Make a public table, and say whose it is and how to go on."""
    import json

    from latent_nas.cli.show import show
    from latent_nas.tables.sources import fetch

    with show(as_json) as view:
        source, objective = fetch(name, given, out, view.done)
    command = f"latent-nas bench --table {out} --objective {objective}"
    command += (
        f" --space {source.space}" if source.space else ""
    ) + " --strategies latent_rl,evolution --out bench.json"
    if as_json:
        print(json.dumps({"table": str(out), "licence": source.licence, "cite": source.cite, "next": command}))
    else:
        print(f"{out}: {source.cite} ({source.licence}). Next:\n  {command}")

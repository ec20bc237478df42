"""``latent-nas bench``: strategies compared on a table of trained networks."""

from pathlib import Path

import typer

from latent_nas.cli import bench_options as asked
from latent_nas.cli import options

WITH_FETCH = ("fetch", "given", "out", "as_json", "config")  # what --fetch heeds


def bench(
    context: typer.Context,
    table: asked.Table = None,
    objective: asked.Objective = "",
    out: asked.Out = None,
    strategies: asked.Strategies = "random,evolution",
    trainings: asked.Trainings = 150,
    seeds: asked.Seeds = 20,
    space: asked.Space = "",
    report: asked.Report = "",
    minimise: asked.Minimise = False,
    maximum: asked.Maximum = None,
    batch: asked.Batch = 0,
    stop: asked.Stop = False,
    front: asked.Front = "",
    inputs: asked.Inputs = None,
    fidelities: asked.Fidelities = None,
    continued: asked.Continued = False,
    warm_start: asked.WarmStart = None,
    related: asked.Related = False,
    settings: options.Settings = None,
    workers: asked.Workers = 0,
    ray: asked.Ray = None,
    fetch: asked.Fetch = "",
    given: asked.From = None,
    as_json: options.Json = False,
) -> None:
    """Compare strategies on a table of trained networks, at equal trainings.

    Example: latent-nas bench --fetch nas_bench_graph-cora

    Example: latent-nas bench --table t.csv.gz --objective metric.valid_accuracy --out b.json
    """
    import json

    if fetch:
        _nothing_else(context)
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
        continued=continued,
        sources=tuple(warm_start or ()),
        related=related,
    )
    with show(as_json) as view:
        result = run(config, out, view.say, view.done)
    if as_json:
        stand = standings(result["runs"], result["table"]["optimum"], trainings)
        result["standings"] = {name: standing.plain() for name, standing in stand.items()}
    print(json.dumps(result) if as_json else summary(result))


def _nothing_else(context: typer.Context) -> None:
    """Raise ValueError that names the options of a bench that making a table would pass over."""
    known = {p.name: p.opts[0] for p in context.command.params}
    passed = [known[name] for name in options.given(context) if name not in WITH_FETCH]
    if passed:
        raise ValueError(
            f"--fetch makes a table and runs no bench, so {', '.join(passed)} would do nothing; leave it out, and give"
            " it to the bench on that table"
        )


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

"""Strategies compared on a table of trained networks: every strategy, every seed, the same number of trainings."""

import json
import os
import re
from collections.abc import Callable, Generator
from contextlib import closing
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import artifacts, lock, plugins, sealed
from latent_nas.crews import carry_out, open_crew
from latent_nas.jobs.bench.config import AGENT, BenchConfig, open_contest
from latent_nas.jobs.bench.contest import Contest, trained_codec
from latent_nas.jobs.bench.regret import Standing, standings

Say = Callable[[str], None]
Done = Callable[[str, int, int], None]
Run = tuple[str, int]  # a strategy's name and a seed
SMALL = {"loss", "error", "err", "rmse", "mse", "mae", "mape", "nll", "perplexity", "ppl", "wer", "cer", "regret"}
LARGE = {"accuracy", "acc", "top1", "top5", "auc", "f1", "r2", "precision", "recall", "map", "iou", "psnr"}
MARKS = (10, 25, 50, 100, 150, 192, 300, 500, 1000)  # trainings at which the summary looks


def bench(config: BenchConfig, out: Path, say: Say, done: Done) -> dict[str, Any]:
    """Carry out the runs that ``out`` does not hold yet, keep each as it ends, and return what the file then holds.

    Raises:
        ValueError: wrong settings or a wrong table, before anything is written; ``out`` is of another bench; or a run's
            worker was lost twice.
    """
    with lock.held(lock.beside(out), out):
        return _bench(config, out, say, done)


def _bench(config: BenchConfig, out: Path, say: Say, done: Done) -> dict[str, Any]:
    match = open_contest(config.check())
    decisive = config.decisive()
    result: dict[str, Any] = {"config": decisive, "table": match.summary(), "runs": []}
    if out.exists():
        result["runs"] = _finished(out, decisive)
    artifacts.writable(out)
    for line in _doubted(decisive):
        say(line)
    ignoring = [name for name in config.strategies if not plugins.load("strategies", name).judged]
    if config.sources and ignoring:
        say(f"{', '.join(ignoring)} asks no judge and begins without --warm-start; the others begin with it")
    jobs = [(s, seed) for s in config.strategies for seed in range(config.seeds)]
    finished = {(r["strategy"], r["seed"]) for r in result["runs"]}
    missing = [job for job in jobs if job not in finished]
    if finished and missing:
        say(f"{out} holds {len(finished)} of {len(jobs)} runs; going on")
    done("runs", len(jobs) - len(missing), len(jobs))
    codec = Path()
    if any(plugins.load("strategies", strategy).judged for strategy, _ in missing):
        codec = trained_codec(match, out, say)
    with closing(_runs(config, match, codec, missing)) as runs:
        for run in runs:
            result["runs"].append(run)
            result["runs"].sort(key=lambda r: (config.strategies.index(r["strategy"]), r["seed"]))
            artifacts.write(out, json.dumps(sealed.seal(result)) + "\n")
            done("runs", len(result["runs"]), len(jobs))
    return result


def _finished(out: Path, decisive: dict[str, Any]) -> list[dict[str, Any]]:
    try:
        file = json.loads(out.read_text(encoding="utf-8"))
        before, runs = dict(file["config"]), list(file["runs"])
    except (KeyError, TypeError, ValueError, OSError, RecursionError):
        raise ValueError(f"{out} is there and is not a file of a bench; choose another --out") from None
    sealed.unseal(file, str(out))
    before = _with_agent(before, decisive, out)
    other = sorted(k for k in {*before, *decisive} if before.get(k) != decisive.get(k))
    if other:
        raise ValueError(
            f"{out} is of a bench with other {', '.join(other)}; repeat its arguments or choose another --out"
        )
    return runs


def _with_agent(before: dict[str, Any], now: dict[str, Any], out: Path) -> dict[str, Any]:
    """Return what a file was made by, with latent_rl's agent named as it is now where the file does not say.

    Raises:
        ValueError: it does not say, and neither does anybody now.
    """
    mine = [text for text in now.get("settings", []) if text.partition("=")[0].strip() == AGENT]
    named = "agent" in before or any(text.partition("=")[0].strip() == AGENT for text in before.get("settings", []))
    if named or "latent_rl" not in before.get("strategies", []):
        return before
    if not mine:
        raise ValueError(
            f"{out} does not say which agent its runs of latent_rl had, which was PPO before Q became the default; go"
            f" on with --set {AGENT}=ppo, or choose another --out"
        )
    return {**before, "settings": [text for text in now["settings"] if text in {*mine, *before.get("settings", [])}]}


def _runs(config: BenchConfig, match: Contest, codec: Path, jobs: list[Run]) -> Generator[dict[str, Any], None, None]:
    """Yield the runs in the order in which they end; one whose worker is lost is repeated."""
    workers = min(config.workers or os.cpu_count() or 1, len(jobs))
    if workers <= 1 and not config.ray:
        for strategy, seed in jobs:
            yield match.run(strategy, seed, codec)
        return
    crew = open_crew(config.workers if config.ray else workers, config.ray)
    try:
        yield from carry_out(crew, partial(_run, config, codec), jobs, _give_up)
    finally:
        crew.close()


_opened = lru_cache(1)(open_contest)  # a worker reads the table once


def _run(config: BenchConfig, codec: Path, job: Run) -> dict[str, Any]:
    """Return one run, in a worker."""
    return _opened(config).run(*job, codec)


def _give_up(job: Run, reason: str) -> dict[str, Any]:
    strategy, seed = job
    raise ValueError(f"the run of {strategy} with seed {seed} {reason}; the others are kept, so try the command again")


def summary(result: dict[str, Any]) -> str:
    """Return the runs as a table for a person, a line per strategy, and what its columns mean."""
    trainings = max(len(r["incumbents"]) for r in result["runs"])
    marks = sorted({*(m for m in MARKS if m < trainings), trainings})[-3:]
    table, names = result["table"], result["config"]["strategies"]
    stand = standings(result["runs"], table["optimum"], trainings)
    best = stand[names[0]].against
    width = max(len("strategy"), *map(len, names)) + 2
    head = f"{'strategy':<{width}}{'seeds':>5}{'to optimum [95 %]':>22}{'reached':>9}{'regret':>10}"
    head += f"{f'minus {best} [95 %]':>{len(best) + 32}}" + "".join(f" {f'at {m}':>9}" for m in marks)
    without = f"; {table['without']} rows without the objective are left out" if table.get("without") else ""
    lines = [f"{_optimum(result)} of {table['networks']} networks in {table['rows']} rows{without}", head]
    for name in names:
        s, runs = stand[name], [r for r in result["runs"] if r["strategy"] == name]
        above = f"{s.above.mean:+.3g} [{s.above.low:+.3g}, {s.above.high:+.3g}]" if s.above else "-"
        means = [np.mean([r["incumbents"][min(m, len(r["incumbents"])) - 1] for r in runs]) for m in marks]
        lines.append(
            f"{name:<{width}}{s.seeds:>5}{_median(s):>22}{s.reached:>9.0%} {s.regret:>9.4g}"
            f"{above:>{len(best) + 32}}" + "".join(f" {mean:>9.5g}" for mean in means)
        )
    what = f"regret: mean distance of the best so far from the optimum over {trainings} trainings; paired by seed"
    return "\n".join([*lines, what, *_asked(result), *_misled(result["runs"], names), *_doubted(result["config"])])


def _optimum(result: dict[str, Any]) -> str:
    """Return the optimum, and which end of which column it is."""
    config, table = result["config"], result["table"]
    end = "smallest" if config["minimise"] else "largest"
    within = f", of the {table['feasible']} within --max" if config["limits"] else ""
    return f"optimum {table['optimum']:g} ({end} {config['objective']}{within})"


def _doubted(config: dict[str, Any]) -> list[str]:
    """Return a line where an objective is called as what has its better end on the other side."""
    words = set(re.split(r"[^a-z0-9]+", config["objective"].lower()))
    if words & SMALL and not words & LARGE and not config["minimise"]:
        return [f"{config['objective']} is called as what is better small, and large was taken for better: --minimise"]
    if words & LARGE and not words & SMALL and config["minimise"]:
        return [f"{config['objective']} is called as what is better large, and --minimise was given"]
    return []


def _asked(result: dict[str, Any]) -> list[str]:
    """Return a line for ``--report`` and one for ``--front``: of every strategy the mean over its runs."""
    config, lines = result["config"], []
    for key, said in (
        ("reported", config["report"] and f"{config['report']} of the best network found"),
        ("hypervolume", config["front"] and f"area of the front against {config['front']}, as a share of the table's"),
    ):
        if said:
            means = []
            for name in config["strategies"]:
                values = [run[key] for run in result["runs"] if run["strategy"] == name and run[key] is not None]
                means.append(f"{name} {np.mean(values):.5g}" if values else f"{name} has none")
            lines.append(f"{said} (mean): {', '.join(means)}")
    return lines


def _misled(runs: list[dict[str, Any]], names: list[str]) -> list[str]:
    """Return a line for every fidelity that runs of a strategy gave up."""
    lines = []
    for name in names:
        mine = [run for run in runs if run["strategy"] == name]
        for fidelity in sorted({fidelity for run in mine for fidelity in run.get("misleading", ())}):
            many = sum(fidelity in run.get("misleading", ()) for run in mine)
            lines.append(f"{name}: {fidelity} misled, and was given up, in {many} of {len(mine)} runs")
    return lines


def _median(stand: Standing) -> str:
    """Return the median of the trainings to the optimum with its interval, as in "24.5 [20, 31]", if it has one."""
    median, low, high = (
        f"{x:g}" if np.isfinite(x) else "-" for x in (stand.median, stand.median_low, stand.median_high)
    )
    known = np.isfinite(stand.median_low) and (low != median or high != median)
    return f"{median} [{low}, {high}]" if known else median

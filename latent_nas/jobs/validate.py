"""The truth about candidates: the best of a query or of a run, trained in full and measured on the test part, once."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from latent_nas import plugins, records
from latent_nas.jobs.final import finalise
from latent_nas.jobs.make.dataset import with_costs
from latent_nas.jobs.search.config import SearchConfig
from latent_nas.limits import Limits
from latent_nas.ranges import check_least
from latent_nas.records import Record, ranked
from latent_nas.runs.folder import RunFolder
from latent_nas.store import Store
from latent_nas.target import Target, open_target


def validate(
    source: Path,
    top: int,
    final_seeds: int,
    workers: int,
    seed: int,
    out: Path,
    say: Callable[[str], None],
    done: Callable[[str, int, int], None],
) -> dict[str, Any]:
    """Train the first ``top`` networks of a query's JSON, or the best of a run, in full; write and return the result.

    Raises:
        ValueError: a number out of range, the source is neither, or the folder holds something else.
    """
    check_least(1, top=top, final_seeds=final_seeds)
    check_least(0, workers=workers, seed=seed)
    started = time.monotonic()
    target, limits, chosen, kind = _chosen(source, top)
    setup = open_target(target).check()
    config = {"strategy": "validate", "source": str(source), "top": top, "final_seeds": final_seeds, "seed": seed}
    folder = RunFolder(out) if _continues(out, config) else RunFolder.create(out, config)
    store: Store = folder.store()
    evaluator = plugins.load("evaluators", kind)(target, workers)
    try:
        networks = finalise(
            setup,
            limits,
            chosen,
            evaluator,
            store,
            seed,
            final_seeds,
            out / "networks",
            say,
            lambda a, b: done("final trainings", a, b),
        )
    finally:
        evaluator.close()
    result = {
        "networks": networks,
        "trainings": 0,
        "search_s": 0.0,
        "wall_s": time.monotonic() - started,
        "seed": seed,
        "test_reads": store.note("test_reads") or 0,
        "limits": limits.to_json(),
        "versions": records.versions(),
    }
    folder.write_json("result.json", result)
    store.close()
    return result


def _continues(out: Path, config: dict[str, Any]) -> bool:
    return (out / "config.json").exists() and RunFolder.open(out)[1] == config


def _chosen(source: Path, top: int) -> tuple[Target, Limits, list[Record], str]:
    """Return target, limits and networks of a run or a query, and the evaluator for them."""
    if source.is_dir():
        folder, saved = RunFolder.open(source)
        config = SearchConfig.from_json(saved)
        limits = config.limits.tighten(open_target(config.target, anew=True).device.limits)
        found = ranked([r for r in folder.store().records() if r.fidelity == "search"])[:top]
        return config.target, limits, found, config.measure
    try:
        data = json.loads(source.read_text(encoding="utf-8"))
        target, limits = Target(**data["target"]), Limits.from_json(data["limits"])
        genes = [tuple(int(g) for g in c["genes"]) for c in data["candidates"][:top]]
    except FileNotFoundError:
        raise ValueError(f"{source} does not exist; make it with `latent-nas query --out {source}`") from None
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{source} is no result of `latent-nas query`: {error}") from None
    if not genes:
        raise ValueError(f"{source} has no candidates; ask again with wider limits or more --queries")
    setup = open_target(target, anew=True).check()
    canonical = setup.space.canonical(setup.space.check(genes))
    blank = [Record(tuple(g), target.space, target.task, 0) for g in canonical.tolist()]
    return target, limits, with_costs(setup, blank), "training"

"""Questions to what ships: candidates by the surrogates alone, and the truth about the best of them."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import artifacts, plugins, records, seeds
from latent_nas.evaluators import Target
from latent_nas.limits import Limits
from latent_nas.pipeline import make, models
from latent_nas.pipeline.dataset import with_costs
from latent_nas.pipeline.final import finalise
from latent_nas.pipeline.folder import RunFolder
from latent_nas.pipeline.reach import check_reachable
from latent_nas.pipeline.search import SearchConfig
from latent_nas.pipeline.setup import Setup
from latent_nas.records import Record
from latent_nas.store import Store
from latent_nas.study import ranked


def candidates(
    setup: Setup,
    limits: Limits,
    top: int,
    queries: int,
    codec: Path | None,
    surrogates: Path | None,
    agent: Path | None,
    seed: int,
) -> dict[str, Any]:
    """Return the ``top`` networks by pessimistic score that keep the limits exactly; accuracies are predictions.

    Raises:
        ValueError: limits that nothing meets, or artefacts missing, damaged or of another space.
    """
    from latent_nas.env.core import EditCore
    from latent_nas.strategies._agent import Agent
    from latent_nas.strategies._population import CodeEdits, Pool, judged_pool, search
    from latent_nas.strategies.latent_rl import LatentRL, limit_row

    check_reachable(setup, limits)
    scorer, latent = make.open_scorer(setup, limits, codec, surrogates, seed, lambda line: None)
    weights = artifacts.load(agent or models.pretrained(setup, "agent"), "agent").files["agent.safetensors"]
    row = limit_row(limits)
    core = EditCore(latent, scorer, row, LatentRL.episode)
    rng = seeds.rng(seed, "query")
    genes = setup.space.sample(rng, 256)
    met = [judged_pool(core, latent.encode(genes), genes, row)]

    def keep(pool: Pool) -> None:
        met[0] = met[0].join(pool).distinct().best(max(64, 8 * top))

    edits = CodeEdits(core, Agent(artifacts.unpack(weights)))
    search(core, met[0], edits, rng, max(queries - len(genes), 0), each=keep)
    keep(met[0])
    scores = scorer.rerank(met[0].genes)
    order = np.argsort(-scores.pessimistic, kind="stable")
    good = [i for i in order if setup.fits(met[0].genes[i : i + 1], limits)[0]][:top]
    low, high = scorer.interval(met[0].genes)
    found = []
    for i in good:
        network = tuple(met[0].genes[i].tolist())
        cost = setup.costs(network)
        found.append(
            {
                "genes": list(network),
                "architecture": setup.space.describe(network),
                "predicted_int8_accuracy": float(scores.predicted_accuracy[i]),
                "predicted_std": float(scores.predicted_std[i]),
                "predicted_interval_90": [float(low[i]), float(high[i])],
                "flash_bytes": cost.flash_bytes,
                "ram_bytes": cost.ram_bytes,
                "latency_ms": cost.latency_ms,
                "latency_error_ms": cost.latency_error_ms,
            }
        )
    return {
        "target": vars(setup.target),
        "limits": limits.to_json(),
        "queries": queries,
        "seed": seed,
        "candidates": found,
    }


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
        ValueError: the source is neither, or the folder holds something else.
    """
    started = time.monotonic()
    target, limits, chosen = _chosen(source, top)
    setup = Setup(target).check()
    config = {"strategy": "validate", "source": str(source), "top": top, "final_seeds": final_seeds, "seed": seed}
    folder = RunFolder(out) if _continues(out, config) else RunFolder.create(out, config)
    store: Store = folder.store()
    evaluator = plugins.load("evaluators", "training")(target, workers or os.cpu_count() or 1)
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


def _chosen(source: Path, top: int) -> tuple[Target, Limits, list[Record]]:
    if source.is_dir():
        folder, saved = RunFolder.open(source)
        config = SearchConfig.from_json(saved)
        limits = config.limits.tighten(Setup(config.target).device.limits)
        return config.target, limits, ranked([r for r in folder.store().records() if r.fidelity == "search"])[:top]
    try:
        data = json.loads(source.read_text(encoding="utf-8"))
        target, limits = Target(**data["target"]), Limits.from_json(data["limits"])
        genes = [tuple(int(g) for g in c["genes"]) for c in data["candidates"][:top]]
    except FileNotFoundError:
        raise ValueError(f"{source} does not exist; make it with `latent-nas query --out {source}`") from None
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{source} is no result of `latent-nas query`: {error}") from None
    setup = Setup(target).check()
    canonical = setup.space.canonical(setup.space.check(genes))
    blank = [Record(tuple(g), target.space, target.task, 0) for g in canonical.tolist()]
    return target, limits, with_costs(setup, blank)

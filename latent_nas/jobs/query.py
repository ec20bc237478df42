"""Questions to what ships: candidates within limits by the surrogates alone, without what trains or proves."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_nas import seeds
from latent_nas.jobs import models
from latent_nas.jobs.make import artefacts
from latent_nas.jobs.reach import check_reachable
from latent_nas.limits import Limits
from latent_nas.ranges import check_least
from latent_nas.target import Setup

if TYPE_CHECKING:
    from latent_nas.agent.universal import Adept
    from latent_nas.codec import Codec
    from latent_nas.judge.scorer import Scorer

SHARES = (1.0, 0.93, 0.85, 0.7)  # of the limits, under which the surrogates are asked


def candidates(
    setup: Setup,
    limits: Limits,
    top: int,
    queries: int,
    codec: Path | None,
    surrogates: Path | None,
    agent: Path | None,
    seed: int,
    front_end_apart: bool = False,
) -> dict[str, Any]:
    """Return the ``top`` networks by pessimistic score that keep the limits exactly; accuracies are predictions.

    What is predicted has the name of what the surrogates were fitted to, e.g. ``predicted_int8_accuracy``.

    Args:
        limits: of front end and network together, as a search counts them; of the network alone where
            ``front_end_apart``. What is returned are those of the network.

    Raises:
        ValueError: a number out of range, limits that nothing meets, or artefacts missing, damaged or of another space.
    """
    from latent_nas.agent import universal

    check_least(1, top=top, queries=queries)
    check_least(0, seed=seed)
    limits = limits if front_end_apart else setup.beside_front_end(limits)
    check_reachable(setup, limits)
    scorer, latent = artefacts.open_scorer(setup, limits, codec, surrogates, seed, lambda line: None)
    adept = universal.Adept.load(agent or models.pretrained(setup, "agent"), latent)
    genes = within(setup, scorer, latent, adept, limits, queries, top, seed)
    scores = scorer.rerank(genes)
    objective, sign = scorer.objective
    believed = sign * scorer.plausible(scores.predicted_accuracy)
    bounds = np.sort(sign * np.array(scorer.interval(genes)), axis=0)
    beside = artefacts.open_measures(setup, surrogates)
    metrics = beside.predict(genes) if beside and len(genes) else {}
    found = []
    for i, network in enumerate(map(tuple, genes.tolist())):
        cost = setup.costs(network)
        found.append(
            {
                "genes": list(network),
                "architecture": setup.space.describe(network),
                f"predicted_{objective}": float(believed[i]),
                "predicted_std": float(scores.predicted_std[i]),
                "predicted_interval_90": bounds[:, i].tolist(),
                "predicted_metrics": {name: float(mean[i]) for name, (mean, _) in metrics.items()},
                "predicted_metrics_std": {name: float(std[i]) for name, (_, std) in metrics.items()},
                "flash_bytes": cost.flash_bytes,
                "ram_bytes": cost.ram_bytes,
                "ram_low_bytes": cost.ram_low_bytes,
                "ram_high_bytes": cost.ram_high_bytes,
                "latency_ms": cost.latency_ms,
                "latency_error_ms": cost.latency_error_ms,
                "energy_uj": cost.energy_uj,
                "energy_error_uj": cost.energy_error_uj,
            }
        )
    return {
        "target": vars(setup.target),
        "limits": limits.to_json(),
        "front_end": setup.front_end and {**setup.front_end.to_json(), "apart": front_end_apart},
        "queries": queries,
        "seed": seed,
        "candidates": found,
    }


def within(
    setup: Setup,
    scorer: "Scorer",
    codec: "Codec",
    adept: "Adept",
    limits: Limits,
    queries: int,
    top: int,
    seed: int,
) -> np.ndarray:
    """Return the ``top`` networks (n, genes) by pessimistic score, the best first, that keep the limits exactly.

    Where the surrogate of the costs is too sanguine about all of them, it is asked again under tighter limits.
    """
    from latent_nas.agent import universal

    good: list[np.ndarray] = []
    for share in SHARES:
        core = adept.core(codec, scorer, limits.row() * share)
        first = universal.start(core, adept, core.limits[0])
        rng = seeds.rng(seed, "query")
        met = universal.answer(core, first, universal.edits(core, adept), rng, queries, 8 * top).genes
        for genes in met[np.argsort(-scorer.rerank(met).pessimistic, kind="stable")]:
            if setup.fits(genes[None], limits)[0]:
                good.append(genes)
            if len(good) == top:
                break
        if good:
            break
    return np.array(good, np.int64).reshape(-1, len(setup.space.genes))

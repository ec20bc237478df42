"""What ships and how it is made: codec, surrogates, agent, each saved with what was measured of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import artifacts, seeds, shipped
from latent_nas.codec import Codec, CodecSettings
from latent_nas.limits import Limits
from latent_nas.pipeline import dataset, models
from latent_nas.pipeline.board import Board
from latent_nas.pipeline.setup import Setup
from latent_nas.records import Record
from latent_nas.scorer import Scorer, labels

Say = Callable[[str], None]
Done = Callable[[str, int, int], None]


def shipped_table(setup: Setup) -> Path:
    """Return where the table of this space and task ships."""
    return shipped.folder("datasets_arch") / f"{setup.target.space}-{setup.target.task}.parquet"


def codec(
    setup: Setup,
    table: Path | None,
    steps: int | None,
    seed: int,
    out: Path,
    say: Say,
    done: Done,
    board: Board | None = None,
) -> dict[str, Any]:
    """Train, save and judge a codec: on fresh architectures, exact costs of some, a table's accuracies if given."""
    from latent_nas.codec.train import train_codec  # imports torch

    settings = CodecSettings() if steps is None else CodecSettings(steps=steps)
    say("computing exact costs of random architectures")
    costs = models.sampled_costs(setup, seed)
    known = labels(dataset.read(table)) if table else None

    def progress(step: int, losses: dict[str, float]) -> None:
        done("codec steps", step, settings.steps)
        if board:
            board.scalars("codec", step, losses)

    made = train_codec(setup.space, settings, seed, costs, known, progress)
    if board:
        board.close()
    made.save(out)
    return {"codec": str(out), "quality": made.quality, "made": made.made}


def surrogates(
    setup: Setup, table: Path | None, codec_folder: Path | None, seed: int, out: Path, say: Say
) -> dict[str, Any]:
    """Fit cost and accuracy surrogates; the latter are judged on a fifth held out, then fitted to all records."""
    model, errors = models.fit_costs(setup, seed, say)
    artifacts.save(out / models.cost_name(setup), model.artifact(models.costs_made(setup, seed), errors))
    records = dataset.read(table or shipped_table(setup))
    latent = Codec.load(codec_folder or models.pretrained(setup, "codec"), setup.space)
    scorer = Scorer(setup.space, Limits(), model, latent, seed)
    networks = sorted({r.genes for r in records if r.ok})
    held = {networks[i] for i in seeds.rng(seed, "held out").permutation(len(networks))[: len(networks) // 5]}
    say(f"judging the accuracy surrogates on {len(held)} networks held out")
    scorer.refit([r for r in records if r.genes not in held])
    quality = judge(scorer, [r for r in records if r.genes in held])
    say(f"fitting them to all {len(networks)} networks")
    scorer.refit(records)
    scorer.save(out / "accuracy", {"space": setup.space.name, "task": setup.target.task, "seed": seed}, quality)
    return {"surrogates": str(out), "accuracy": quality, "costs": errors}


def judge(scorer: Scorer, held: list[Record]) -> dict[str, float]:
    """Return how well a scorer predicts records that it has not seen: one record each, the first training's."""
    from scipy.stats import kendalltau

    first = {r.genes: r for r in reversed(held) if r.ok}
    genes = np.array(sorted(first))
    measured = np.array([first[tuple(g)].measured_int8_accuracy for g in genes.tolist()], float)
    predicted = scorer.rerank(genes).predicted_accuracy
    low, high = scorer.interval(genes)
    best = measured >= np.quantile(measured, 0.75)
    return {
        "held_out": float(len(genes)),
        "kendall_tau": float(kendalltau(predicted, measured).statistic),
        "kendall_tau_top_quarter": float(kendalltau(predicted[best], measured[best]).statistic),
        "mean_absolute_error": float(np.abs(predicted - measured).mean()),
        "coverage_of_90_percent_interval": float(((low <= measured) & (measured <= high)).mean()),
    }


def open_scorer(
    setup: Setup, limits: Limits, codec_folder: Path | None, folder: Path | None, seed: int, say: Say
) -> tuple[Scorer, Codec]:
    """Return a scorer with the surrogates of a folder, by default the shipped ones, and the codec it uses.

    Raises:
        ValueError: there are none, or of another space or codec.
    """
    place = folder or models.pretrained(setup, ".")
    latent = Codec.load(codec_folder or models.pretrained(setup, "codec"), setup.space)
    scorer = Scorer(setup.space, limits, models.cost_surrogate(setup, seed, say, place), latent, seed)
    scorer.load(place / "accuracy")
    return scorer, latent


def agent(
    setup: Setup,
    limits: Limits | None,
    codec_folder: Path | None,
    folder: Path | None,
    steps: int,
    seed: int,
    out: Path,
    say: Say,
    board: Board | None = None,
) -> dict[str, Any]:
    """Train an agent on saved surrogates for limits of all sizes, or for those given, judge it and save it.

    Judged on limits that it has not seen, beside evolution at as many queries.
    """
    from latent_nas.pipeline import agents
    from latent_nas.strategies.latent_rl import limit_row

    scorer, latent = open_scorer(setup, limits or Limits(), codec_folder, folder, seed, say)
    say(f"training the agent for {steps} steps")
    row = None if limits is None else limit_row(limits)
    tell = (lambda step, found: board.scalars("agent", step, found)) if board else None
    adept = agents.train_agent(scorer, latent, row, steps, seed, tell)
    if board:
        board.close()
    found: dict[str, list[float]] = {"agent": [], "evolution": []}
    for repeat, some in enumerate(agents.unseen(scorer, seed, 20) if row is None else [row] * 5):
        for name, value in agents.compare(scorer, latent, adept, some, 2000, seed + repeat, tuple(found)).items():
            found[name].append(value)
    quality = {f"best score of 2000 queries, {k}, mean of {len(v)}": float(np.mean(v)) for k, v in found.items()}
    made: dict[str, Any] = {"space": setup.space.name, "task": setup.target.task, "steps": steps, "seed": seed}
    adept.save(out, made | {"limits": limits.to_json() if limits else "drawn"}, quality)
    return {"agent": str(out), "quality": quality}

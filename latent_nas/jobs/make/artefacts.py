"""What ships and how it is made: codec, surrogates, agent, each saved with what was measured of it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_nas import artifacts, seeds, shipped, threads
from latent_nas.codec import Codec, CodecSettings
from latent_nas.env.parameters import parameter_excess
from latent_nas.jobs import models
from latent_nas.jobs.make import dataset
from latent_nas.jobs.search.board import Board
from latent_nas.judge.measures import Measures, measured
from latent_nas.judge.scorer import Scorer, labels
from latent_nas.limits import Limits
from latent_nas.ranges import check_least
from latent_nas.records import Record, objective_of
from latent_nas.target import Setup

if TYPE_CHECKING:
    from latent_nas.agent.gains import Gains

Say = Callable[[str], None]
Done = Callable[[str, int, int], None]


def shipped_table(setup: Setup) -> Path:
    """Return where the table of this space and task ships."""
    return shipped.folder("datasets_arch") / f"{setup.target.space}-{setup.task.name}.parquet"


@threads.one()
def codec(
    setup: Setup,
    table: Path | None,
    steps: int | None,
    seed: int,
    out: Path,
    say: Say,
    done: Done,
    metrics: Sequence[str] = (),
    board: Board | None = None,
) -> dict[str, Any]:
    """Train, save and judge a codec: on fresh architectures, exact costs of some, a table's accuracies if given.

    Args:
        metrics: of what the table's records measured beside the objective, e.g. "int8_accuracy", those that shape the
            latent as well.

    Raises:
        ValueError: fewer than 1 step, the table has no such metric, or the codec can't be put there.
    """
    from latent_nas.codec.train import train_codec  # imports torch

    if steps is not None:
        check_least(1, steps=steps)
    artifacts.free(out)
    settings = CodecSettings() if steps is None else CodecSettings(steps=steps)
    taught = known(dataset.read(table), metrics) if table else None
    say("computing exact costs of random architectures")
    costs = models.sampled_costs(setup, seed)

    def progress(step: int, losses: dict[str, float]) -> None:
        done("codec steps", step, settings.steps)
        if board:
            board.scalars("codec", step, losses)

    made = train_codec(setup.space, settings, seed, costs, taught, progress)
    if board:
        board.close()
    made.save(out)
    return {"codec": str(out), "quality": made.quality, "made": made.made}


def known(records: list[Record], metrics: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return genes (n, genes) and labels (n, 1 + metrics): the objective, then the metrics.

    Raises:
        ValueError: the records have no such metric.
    """
    genes, objective = labels(records)
    _, values, names = measured(records)
    if missing := [name for name in metrics if name not in names]:
        raise ValueError(f"the table has no metric {missing[0]!r}; there are: {', '.join(names) or 'none'}")
    return genes, np.column_stack([objective, values[:, [names.index(name) for name in metrics]]])


@threads.one()
def surrogates(
    setup: Setup, table: Path | None, codec_folder: Path | None, seed: int, out: Path, say: Say
) -> dict[str, Any]:
    """Fit cost and accuracy surrogates; the latter are judged on a fifth held out, then fitted to all records."""
    places = [artifacts.free(out / name) for name in (models.cost_name(setup), "accuracy")]
    records = dataset.read(table or shipped_table(setup))
    model, errors = models.fit_costs(setup, seed, say)
    artifacts.save(places[0], model.artifact(models.costs_made(setup, seed), errors))
    latent = models.ready(setup, codec_folder, seed, say)
    scorer = Scorer(setup.space, Limits(), model, latent, seed)
    networks = sorted({r.genes for r in records if r.ok})
    held = {networks[i] for i in seeds.rng(seed, "held out").permutation(len(networks))[: len(networks) // 5]}
    say(f"judging the accuracy surrogates on {len(held)} networks held out")
    scorer.refit([r for r in records if r.genes not in held])
    quality = judge(scorer, [r for r in records if r.genes in held])
    say(f"fitting them to all {len(networks)} networks")
    scorer.refit(records)
    name, higher_is_better = objective_of(records)
    made = {"space": setup.space.name, "task": setup.target.task, "seed": seed, "objective": name}
    made |= {"sign": 1.0 if higher_is_better else -1.0}
    scorer.save(out / "accuracy", made, quality)
    beside = _measures(setup, records, held, seed, out)
    return {"surrogates": str(out), "accuracy": quality, "metrics": beside, "costs": errors}


def _measures(
    setup: Setup, records: list[Record], held: set[tuple[int, ...]], seed: int, out: Path
) -> dict[str, dict[str, float]]:
    """Fit and save a surrogate of whatever else the records measure; return its quality on the networks held out."""
    from scipy.stats import kendalltau

    genes, values, names = measured(records)
    if not names:
        return {}
    away = np.array([tuple(row) in held for row in genes.tolist()])
    judged = Measures.fit(setup.space, genes[~away], values[~away], names, seed).predict(genes[away])
    quality = {
        name: {
            "kendall_tau": float(kendalltau(mean, values[away, i]).statistic),
            "mean_absolute_error": float(np.abs(mean - values[away, i]).mean()),
        }
        for i, (name, (mean, _)) in enumerate(judged.items())
    }
    made = {"space": setup.space.name, "task": setup.target.task, "seed": seed, "labels": len(genes)}
    artifacts.save(out / "metrics", Measures.fit(setup.space, genes, values, names, seed).artifact(made, quality))
    return quality


def judge(scorer: Scorer, held: list[Record]) -> dict[str, float]:
    """Return how well a scorer predicts records that it has not seen: one record each, the first training's."""
    from scipy.stats import kendalltau

    first = {r.genes: r for r in reversed(held) if r.ok}
    genes = np.array(sorted(first))
    true = np.array([first[tuple(g)].score for g in genes.tolist()], float)
    predicted = scorer.rerank(genes).predicted_accuracy
    low, high = scorer.interval(genes)
    best = true >= np.quantile(true, 0.75)
    return {
        "held_out": float(len(genes)),
        "kendall_tau": float(kendalltau(predicted, true).statistic),
        "kendall_tau_top_quarter": float(kendalltau(predicted[best], true[best]).statistic),
        "mean_absolute_error": float(np.abs(predicted - true).mean()),
        "coverage_of_90_percent_interval": float(((low <= true) & (true <= high)).mean()),
    }


def open_scorer(
    setup: Setup, limits: Limits, codec_folder: Path | None, folder: Path | None, seed: int, say: Say
) -> tuple[Scorer, Codec]:
    """Return a scorer with the surrogates of a folder, by default the shipped ones, and the codec it uses.

    Raises:
        ValueError: there are none, or of another space or codec.
    """
    place = folder or models.pretrained(setup, ".")
    if not (place / "accuracy").is_dir():
        raise ValueError(
            f"there are no accuracy surrogates of space {setup.space.name!r} and task {setup.task.name!r} in {place};"
            " make some with `latent-nas dataset build` and `latent-nas surrogate train`, and name their folder with"
            " --surrogates, or search at once"
        )
    latent = models.ready(setup, codec_folder, seed, say)
    scorer = Scorer(setup.space, limits, models.cost_surrogate(setup, seed, say, place), latent, seed)
    scorer.load(place / "accuracy")
    return scorer, latent


def open_measures(setup: Setup, folder: Path | None) -> Measures | None:
    """Return the surrogate of further metrics in a folder of surrogates, by default the shipped one; None for none.

    Raises:
        ValueError: it is damaged or of another space.
    """
    place = (folder or models.pretrained(setup, ".")) / "metrics"
    return Measures.of_artifact(setup.space, artifacts.load(place, "surrogate")) if place.is_dir() else None


@dataclass(frozen=True)
class AgentOptions:
    """How an agent edits, what it sees and how it learns.

    Attributes:
        learner: "q", "ppo" or "a2c". place: an action puts a code into a "slot", or one of its numbers there
            ("dimension", the seed design's). history: the last actions that it observes. parameters: weights and biases
            that a network may have, or None. start: folder of the Q agent that it starts from, or None.
    """

    learner: str = "q"
    place: str = "slot"
    history: int = 0
    parameters: int | None = None
    start: str | None = None


@threads.one()
def agent(
    setup: Setup,
    limits: Limits | None,
    codec_folder: Path | None,
    folder: Path | None,
    steps: int,
    seed: int,
    out: Path,
    say: Say,
    options: AgentOptions = AgentOptions(),
    board: Board | None = None,
) -> dict[str, Any]:
    """Train an agent on saved surrogates for limits of all sizes, or for those given, judge it and save it.

    Judged on limits that it has not seen, beside evolution at as many queries.
    """
    from latent_nas.agent import universal

    check_least(1, steps=steps)
    artifacts.free(out)
    scorer, latent = open_scorer(setup, limits or Limits(), codec_folder, folder, seed, say)
    if options.parameters is not None:
        scorer.beyond = parameter_excess(setup.space, options.parameters)
    say(f"training the agent ({options.learner}) for {steps} steps, {universal.GRID_SHARE:.0%} of them MAP-Elites")
    row = None if limits is None else limits.row()
    begin = _begun(Path(options.start), latent) if options.start else None
    tell = (lambda step, found: board.scalars("agent", step, found)) if board else None
    form = (options.learner, options.place, options.history)
    adept = universal.train_universal(scorer, latent, row, steps, seed, *form, tell, begin)
    if board:
        board.close()
    found: dict[str, list[float]] = {"agent": [], "evolution": []}
    for repeat, some in enumerate(universal.unseen(scorer, seed, 20) if row is None else [row] * 5):
        for name, value in universal.compare(scorer, latent, adept, some, 2000, seed + repeat, tuple(found)).items():
            found[name].append(value)
    quality = {f"best score of 2000 queries, {k}, mean of {len(v)}": float(np.mean(v)) for k, v in found.items()}
    made: dict[str, Any] = {"space": setup.space.name, "task": setup.target.task, "steps": steps, "seed": seed}
    made |= {"options": asdict(options), "codec": _digest(latent)}
    adept.save(out, made | {"limits": limits.to_json() if limits else "drawn"}, quality)
    return {"agent": str(out), "quality": quality}


def _begun(folder: Path, codec: Codec) -> "Gains":
    """Return the Q agent of a folder to go on from.

    Raises:
        ValueError: another kind of agent, or one of another codec, whose codes mean other things.
    """
    from latent_nas.agent.gains import Gains
    from latent_nas.agent.universal import Adept

    agent = Adept.load(folder, codec).agent
    if not isinstance(agent, Gains):
        raise ValueError(f"{folder} holds a policy of PPO or A2C; start from a Q agent")
    if (said := artifacts.load(folder, "agent").made.get("codec")) != _digest(codec):
        raise ValueError(f"{folder} holds an agent of codec {said}, this one is {_digest(codec)}; name its --codec")
    return agent


def _digest(codec: Codec) -> str:
    """Return what names a codec: of its codebook, so that one lent to another input is the same."""
    return sha256(codec.codebook.tobytes()).hexdigest()[:16]

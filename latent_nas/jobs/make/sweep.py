"""The codec's hyperparameters, searched with Optuna; what was tried is kept as JSON and as a picture."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import artifacts, sealed, seeds
from latent_nas.codec import CodecSettings
from latent_nas.jobs import models
from latent_nas.jobs.make import artefacts, dataset
from latent_nas.jobs.make.artefacts import Done, Say
from latent_nas.strategies.samplers import quiet
from latent_nas.target import Setup

STEPS = 600  # of a trial, where nobody says how many
USED = 0.5  # part of the codes of a slot that a codec should use
FIRST_RANDOM = 6  # trials
DECODES = 10_000  # that ``codec.quality`` counts distinct networks in


def worth(quality: dict[str, float], codes: int) -> float:
    """Return what a codec is worth, 0 to 1: exactness x use of the codes x distinct networks among random codes.

    Each factor stands for a way to fail: networks that don't come back, codes that nobody uses, and many codes that
    decode to few networks. No accuracy is in it: a latent is judged by that only when a search uses it.
    """
    used = min(quality["perplexity"] / (USED * codes), 1.0)
    return quality["exact"] * used * quality["distinct"] / DECODES


def sweep(
    setup: Setup,
    trials: int,
    table: Path | None,
    steps: int | None,
    seed: int,
    out: Path,
    say: Say,
    done: Done,
    metrics: Sequence[str] = (),
) -> dict[str, Any]:
    """Train ``trials`` codecs; keep the best in ``out``, and ``sweep.json`` and ``sweep.html`` in ``out``-sweep.

    A sweep that was stopped goes on: what ``sweep.json`` holds of the same space, seed and steps is not trained again.

    Raises:
        ValueError: fewer than 1 trial, or another sweep's file is in the place.
    """
    import optuna

    from latent_nas.codec.train import train_codec

    if trials < 1:
        raise ValueError(f"a sweep has 1 or more trials, got {trials}")
    beside = out.parent / f"{out.name}-sweep"
    about = {"space": setup.target.space, "task": setup.target.task, "seed": seed, "steps": steps or STEPS}
    about |= {"table": str(table or ""), "metrics": list(metrics)}
    tried = _held(beside / "sweep.json", about)
    with quiet():
        study = optuna.create_study(direction="maximize")
        for old in tried:
            one = optuna.trial.create_trial(params=old["params"], distributions=_choices(), value=old["worth"])
            study.add_trial(one)
    if len(tried) < trials:
        say("computing exact costs of random architectures")
        costs = models.sampled_costs(setup, seed)
        known = artefacts.known(dataset.read(table), metrics) if table else None
    for number in range(len(tried), trials):
        with quiet():
            derived = seeds.derive(seed, "sweep", number) % 2**31  # a sweep that goes on draws as one never stopped
            study.sampler = optuna.samplers.TPESampler(seed=derived, n_startup_trials=FIRST_RANDOM)
            trial = study.ask(_choices())
        settings = replace(CodecSettings(steps=steps or STEPS), **trial.params)
        codec = train_codec(setup.space, settings, seed, costs, known)
        value = worth(codec.quality, settings.codes)
        study.tell(trial, value)
        if all(value > other["worth"] for other in tried):
            codec.save(out)
        tried.append({"params": trial.params, "worth": value, "quality": codec.quality})
        artifacts.write(beside / "sweep.json", json.dumps(sealed.seal({**about, "trials": tried}), indent=1) + "\n")
        artifacts.write(beside / "sweep.html", picture(tried))
        say(f"trial {number + 1} of {trials}: worth {value:.4f}, best {max(t['worth'] for t in tried):.4f}")
        done("codecs", number + 1, trials)
    best = max(tried, key=lambda trial: trial["worth"])
    found = {"codec": str(out), "sweep": str(beside), "trials": len(tried), "best": best}
    return {**found, "default": asdict(CodecSettings())}


def picture(tried: Sequence[dict[str, Any]]) -> str:
    """Return a page of its own: the worth of every trial over each hyperparameter, and trial by trial."""
    from plotly.subplots import make_subplots

    names = sorted(tried[0]["params"])
    figure = make_subplots(rows=2, cols=4, subplot_titles=["trial by trial", *names], shared_yaxes="all")
    values = [trial["worth"] for trial in tried]
    columns = [list(range(1, len(tried) + 1)), *([trial["params"][name] for trial in tried] for name in names)]
    for i, xs in enumerate(columns):
        row, column = divmod(i, 4)
        figure.add_scatter(x=xs, y=values, mode="markers", row=row + 1, col=column + 1, showlegend=False)
    best = np.maximum.accumulate(values).tolist()
    figure.add_scatter(x=columns[0], y=best, mode="lines", row=1, col=1, name="best so far")
    figure.update_layout(title="Worth of codecs: exact x used x distinct", height=700)
    return str(figure.to_html(include_plotlyjs=True))


def _choices() -> dict[str, Any]:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    return {
        "slots": IntDistribution(6, 32, step=2),
        "codes": CategoricalDistribution((8, 16, 32, 64)),
        "dim": CategoricalDistribution((4, 8, 16)),
        "hidden": CategoricalDistribution((32, 64, 128)),
        "learning_rate": FloatDistribution(1e-3, 1e-2, log=True),
        "usage": FloatDistribution(0.03, 1.0, log=True),
        "edit": FloatDistribution(0.1, 3.0, log=True),
    }


def _held(file: Path, about: dict[str, Any]) -> list[dict[str, Any]]:
    if not file.exists():
        return []
    try:
        found = sealed.unseal(json.loads(file.read_text(encoding="utf-8")), str(file))
        trials: list[dict[str, Any]] = found.pop("trials")
    except (ValueError, KeyError, AttributeError, RecursionError):
        raise ValueError(f"{file} is damaged; move it away, or choose another --out") from None
    if found != about:
        raise ValueError(f"{file} is of another sweep ({found}); choose another --out")
    return trials

"""Data sets that come inside other packages, as they come: read, searched, beside scikit-learn on the same split.

``python benchmarks/foreign_data.py --series DIR`` where DIR is the folder ``datasets/data`` of the package aeon or
sktime (``pip install --no-deps --target ELSEWHERE aeon``); without it, scikit-learn's own tables only.

Baselines are a logistic (or ridge) regression and a random forest on the flattened inputs; validation chooses one of
them, which then learns from train and validation and reads the test part once, as the networks do.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import sklearn
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import balanced_accuracy_score, r2_score

from latent_nas.tasks import open_task

TABLES = ("iris.csv", "wine_data.csv", "breast_cancer.csv")
SERIES = ("GunPoint", "ItalyPowerDemand", "ArrowHead", "BasicMotions", "JapaneseVowels?length=longest", "OSULeaf")
SERIES += ("Covid3Month_disc", "CardanoSentiment")


def baseline(task):
    """Return the name and the score on the test part of what validation chooses, and the name of the score."""
    data = task.data()
    flat = {name: getattr(data, name).x.reshape(len(getattr(data, name)), -1) for name in ("train", "valid", "test")}
    regress = task.kind.name == "regress"
    models = [RidgeCV(np.logspace(-4, 4, 9)), RandomForestRegressor(300, random_state=0)] if regress else [
        LogisticRegression(max_iter=3000, C=0.1), RandomForestClassifier(300, random_state=0)]  # fmt: skip
    metric = task.metrics[0].name
    score = r2_score if regress else balanced_accuracy_score if metric == "balanced_accuracy" else _accuracy
    y = {name: getattr(data, name).y.reshape(len(getattr(data, name))) for name in flat}
    best = max(models, key=lambda m: score(y["valid"], m.fit(flat["train"], y["train"]).predict(flat["valid"])))
    learnt = best.fit(np.concatenate([flat["train"], flat["valid"]]), np.concatenate([y["train"], y["valid"]]))
    return type(best).__name__, float(score(y["test"], learnt.predict(flat["test"]))), "r2" if regress else metric


def _accuracy(y, answers):
    return float((y == answers).mean())


def searched(name, trainings, folder):
    """Return the first final network of a search, as JSON."""
    command = [sys.executable, "-m", "latent_nas", "search", "--task", name, "--strategy", "random", "--json"]
    command += ["--trainings", str(trainings), "--batch", str(trainings), "--top", "1", "--final-seeds", "3"]
    command += ["--workers", "1", "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr[-600:]}")
    return json.loads(done.stdout)["networks"][0]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=Path)
    parser.add_argument("--only", default="", help="names that hold this")
    parser.add_argument("--trainings", type=int, default=8)
    options = parser.parse_args()
    tables = Path(sklearn.__file__).parent / "datasets" / "data"
    names = [str(tables / name) for name in TABLES]
    names += [str(options.series / name) for name in SERIES] if options.series else []
    for name in (name for name in names if options.only in name):
        task = open_task(name)
        model, reached, metric = baseline(task)
        with tempfile.TemporaryDirectory() as folder:
            network = searched(name, options.trainings, Path(folder) / "run")
        print(
            f"| {Path(name).name} | {'x'.join(map(str, task.input_shape))} | {len(task.data().test)} | {task.space} |"
            f" {metric} | {network['measured_int8'][metric]:.3f} +- {network['measured_int8_std'][metric]:.3f} |"
            f" {reached:.3f} ({model}) | {network['flash_bytes'] / 1024:.1f} KB, {network['latency_ms']:.1f} ms |",
            flush=True,
        )

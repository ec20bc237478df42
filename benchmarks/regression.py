"""Regression end to end: int8 against float, and both against scikit-learn on the same split.

python benchmarks/regression.py --trainings 12 --workers 2
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import LinearRegression

from latent_nas.tasks import open_task

WINDOWS, STEPS, SEEDS = 900, 64, 3


def sensor(path, seed=0):
    """Write windows of an accelerometer on two axes; the target is the shaft's speed in Hz, at a rate of 200 Hz.

    Phase, amplitude and the share of the second harmonic differ from window to window, and there is noise.
    """
    rng = np.random.default_rng(seed)
    time = np.arange(STEPS) / 200
    rows = ["window,target,x,y"]
    for w in range(WINDOWS):
        hertz, phase, size, share = rng.uniform(8, 40), rng.uniform(0, 6.28), rng.uniform(0.5, 2), rng.uniform(0, 0.6)
        angle = 2 * np.pi * hertz * time + phase
        x = size * (np.sin(angle) + share * np.sin(2 * angle)) + rng.normal(0, 0.3, STEPS)
        y = size * (np.cos(angle) - share * np.cos(2 * angle)) + rng.normal(0, 0.3, STEPS)
        rows += [f"{w},{hertz:.3f},{a:.4f},{b:.4f}" for a, b in zip(x, y, strict=True)]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return str(path)


def rivals(name):
    """Return R2 on the test part, of train and validation together, (seeds,) each."""
    task = open_task(name)
    data = task.data()
    learn = data.learn
    flat = [part.x.reshape(len(part), -1) for part in (learn, data.test)]

    def r2(model):
        errors = model.fit(flat[0], learn.y[:, 0]).predict(flat[1]) - data.test.y[:, 0]
        return 1 - (errors**2).mean() / data.test.y[:, 0].var()

    boosted = [r2(GradientBoostingRegressor(random_state=s, subsample=0.8)) for s in range(SEEDS)]
    return {"linear regression": [r2(LinearRegression())], "gradient boosting": boosted}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trainings", type=int, default=12)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="diabetes or sensor")
    options = parser.parse_args()
    print(
        "| data | network | float R2 | int8 R2 | int8 RMSE | linear regression R2 | gradient boosting R2 |\n|"
        + "---|" * 7
    )
    with tempfile.TemporaryDirectory() as folder:
        tasks = {"diabetes": "diabetes", "sensor windows": sensor(Path(folder) / "sensor.csv")}
        for name, task in tasks.items():
            if not name.startswith(options.only):
                continue
            command = [sys.executable, "-m", "latent_nas", "search", "--task", task, "--space", "mcu_cnn1d", "--json"]
            command += ["--trainings", str(options.trainings), "--workers", str(options.workers), "--top", "1"]
            command += ["--final-seeds", str(SEEDS), "--seed", str(options.seed), "--out", f"{folder}/{name[:4]}"]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            best = json.loads(done.stdout)["networks"][0]
            texts = [f"{best[f'measured_{k}'][m]:.3f} +- {best[f'measured_{k}_std'][m]:.3f}"
                     for k, m in (("float", "r2"), ("int8", "r2"), ("int8", "rmse"))]  # fmt: skip
            texts += [f"{np.mean(found):.3f} +- {np.std(found):.3f}" for found in rivals(task).values()]
            size = f"{best['flash_bytes'] / 1024:.1f} KB flash"
            print(f"| {name} | {size} | " + " | ".join(texts) + " |", flush=True)


if __name__ == "__main__":
    main()

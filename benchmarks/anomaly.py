"""Anomaly detection end to end: every digit as the normal one, and a bearing's vibration; firmware flags beside.

python benchmarks/anomaly.py --trainings 8 --workers 2

The network is found on one digit by its validation part and trained anew for each of the ten; the test part is read
once per final training.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from latent_nas.evaluators import Job
from latent_nas.evaluators.training import Training
from latent_nas.jobs.build import Build
from latent_nas.jobs.deploy import deploy
from latent_nas.target import Target

SEARCHED, SEEDS, STEPS, INPUTS = 8, 3, 64, 50


def vibration(path, seed=0):
    """Write 400 normal windows of a shaft (three harmonics of any phase in noise) and 40 of each of three faults.

    A bearing's knocks at 4.3 per turn, a strong fourth harmonic (misalignment), an amplitude of half or double.
    """
    rng = np.random.default_rng(seed)
    turns = np.arange(STEPS) / 16
    rows = ["label,window,x"]
    for w in range(520):
        fault = 0 if w < 400 else 1 + (w - 400) // 40
        speed = rng.uniform(0.95, 1.05)
        x = sum(a * np.sin(2 * np.pi * (k * speed * turns + rng.random())) for k, a in ((1, 1.0), (2, 0.5), (3, 0.25)))
        if fault == 1:
            knocks = np.exp(-8 * ((4.3 * speed * turns + rng.random()) % 1))
            x = x + 1.5 * knocks * rng.normal(0, 1, STEPS)
        elif fault == 2:
            x = x + 0.8 * np.sin(2 * np.pi * (4 * speed * turns + rng.random()))
        elif fault == 3:
            x = x * rng.choice([0.5, 2.0])
        x = x + rng.normal(0, 0.15, STEPS)
        rows += [f"{'anomaly' if fault else 'normal'},{w},{value:.4f}" for value in x]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return str(path)


def search(task, space, folder, options, seeds):
    """Return the best network of a search, as JSON."""
    command = [sys.executable, "-m", "latent_nas", "search", "--task", task, "--space", space, "--json", "--top", "1"]
    command += ["--trainings", str(options.trainings), "--workers", str(options.workers), "--out", str(folder)]
    command += ["--final-seeds", str(seeds), "--seed", str(options.seed)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)["networks"][0]


def flags(network, out):
    """Return how many inputs a network's firmware flags on the emulated device, and whether the reference does so."""
    report = deploy(network, "stm32f405", out, Build(emulator="unicorn"), INPUTS, 1, lambda line: None)
    alarms = report["alarms"]
    same = "the same" if alarms["same_as_reference"] and report["emulated"]["bit_exact"] else "DIFFERENT"
    return f"{alarms['flagged']} of {alarms['inputs']}, {same}"


def row(name, floats, integers, beside, said):
    rates = [beside[rate] for rate in ("detection_rate", "false_alarm_rate")]
    print(f"| {name} | {floats:.4f} | {integers:.4f} | {rates[0]:.3f} | {rates[1]:.3f} | {said} |", flush=True)


def digits(options, folder):
    """Print a row per digit and the mean over all."""
    genes = tuple(search(f"digits_anomaly:{SEARCHED}", "mcu_cnn", folder / "search", options, 1)["genes"])
    found = []
    for digit in range(10):
        target = Target("mcu_cnn", f"digits_anomaly:{digit}", "stm32f405", "cmsis_nn")
        crew = Training(target, options.workers)
        valid = next(iter(crew.evaluate([Job(genes, options.seed, "full")])))
        keep = str(folder / f"network{digit}")
        finals = [
            Job(genes, s, "full", part="test", epochs=valid.epochs, keep=keep if s == 0 else "") for s in range(SEEDS)
        ]
        records = list(crew.evaluate(finals))
        crew.close()
        means = [float(np.mean([r.measured[f"{kind}_auc"] for r in records])) for kind in ("float", "int8")]
        beside = {
            name: float(np.mean([r.measured_beside[name] for r in records])) for name in records[0].measured_beside
        }
        found.append(means)
        row(f"digit {digit}", *means, beside, flags(Path(keep), folder / f"firmware{digit}"))
    floats, integers = np.mean(found, axis=0)
    print(f"| mean of 10 digits | {floats:.4f} | {integers:.4f} | | | |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trainings", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print("| normal | float AUC | int8 AUC | detected | false alarms | flagged in emulation, against the reference |")
    print("|" + "---|" * 6)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        digits(options, folder)
        best = search(vibration(folder / "vibration.csv"), "mcu_cnn1d", folder / "run", options, SEEDS)
        said = flags(folder / "run" / "networks" / "1", folder / "firmware")
        row("vibration", best["measured_float"]["auc"], best["measured_int8"]["auc"], best["measured_beside"], said)


if __name__ == "__main__":
    main()

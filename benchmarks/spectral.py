"""Spectral features against the series themselves at equal limits: motion by class, a frequency, a worn machine.

    python benchmarks/spectral.py --out DIR [--trainings 12] [--windows 170] [--only motion]

Data are made here. Each front end gets one search under the same limits, which count the front end; the best network by
validation is trained in full by three seeds, and each of those reads the test part once. The spectral networks are then
deployed and fed with 200 raw windows on two emulated boards.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
import motion_data

from latent_nas.jobs.build import Build
from latent_nas.jobs.deploy import deploy

LIMITS = ("flash_kb=48", "ram_kb=16", "latency_ms=4")
BOARDS = ("stm32f405", "rp2040")  # Cortex-M4, Cortex-M0+
STEPS, RATE, INPUTS = 128, 100, 200  # of the vibrations; raw windows that are proven


def vibration(hertz, rng, worn=0.0):
    """Return windows (n, STEPS, 3) of a machine that is fixed at any angle and turns at frequencies in Hz, (n,).

    Args:
        worn: strength of a second wave, at 31 Hz.
    """
    t = np.arange(STEPS) / RATE
    x = []
    for one in hertz:
        wave = rng.uniform(0.5, 2) * np.sin(2 * np.pi * (one * t + rng.random()))
        wave = wave + worn * np.sin(2 * np.pi * (31 * t + rng.random()))
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        x.append(9.81 * turn[2] + wave[:, None] * turn[0] + rng.normal(0, 0.4, (STEPS, 3)))
    return np.array(x, np.float32)


def data(place, windows):
    """Write the three sets and return their tasks by name."""
    rng = np.random.default_rng(0)
    x, y = motion_data.windows(windows, STEPS)
    np.savez(place / "motion.npz", x=x, y=y)
    hertz = rng.uniform(3, 30, 6 * windows)
    np.savez(place / "frequency.npz", x=vibration(hertz, rng), y=hertz.astype(np.float32))
    normal, worn = vibration(np.full(5 * windows, 12.0), rng), vibration(np.full(windows, 12.0), rng, 0.8)
    labels = np.array(["normal"] * len(normal) + ["anomaly"] * len(worn))
    np.savez(place / "machine.npz", x=np.concatenate([normal, worn]), y=labels)
    return {
        "motion, 6 classes": f"{place}/motion.npz?layout=nsc",
        "frequency (regression)": f"{place}/frequency.npz?layout=nsc",
        "worn machine (anomaly)": f"{place}/machine.npz?layout=nsc&kind=anomaly",
    }


def search(task, out, options):
    """Return the result of a search."""
    command = [sys.executable, "-m", "latent_nas", "search", "--task", task, "--top", "1", "--final-seeds", "3"]
    command += [word for limit in LIMITS for word in ("--limit", limit)]
    command += ["--trainings", str(options.trainings), "--workers", str(options.workers), "--out", str(out), "--json"]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def main():
    """Print a row per data set and front end, and what was proven."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--trainings", type=int, default=12)
    parser.add_argument("--windows", type=int, default=170, help="of every class")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--only", default="", help="data sets whose names begin so; default: all three")
    options = parser.parse_args()
    options.out.mkdir(parents=True)
    sets = data(options.out, options.windows)
    for name, task in ((name, task) for name, task in sets.items() if name.startswith(options.only)):
        for front in ("raw", "spectral"):
            run = options.out / f"{name.split()[0].strip(',')}_{front}"
            result = search(f"{task}&front={front}", run, options)
            best, before = result["networks"][0], result["front_end"] or {}
            print(f"{name}, {front}: {json.dumps({'network': best, 'front_end': before})}", flush=True)
            for board in BOARDS if front == "spectral" else ():
                report = deploy(run, board, run / board, Build(emulator="unicorn"), INPUTS, 1, lambda line: None)
                found = report["emulated"]
                print(
                    f"  {board}: {found['inputs']} raw windows, int8 inputs equal {found['equal_inputs']:.2%}, outputs"
                    f" {found['equal_outputs']:.2%}; features {found['preprocess_instructions']:,} instructions,"
                    f" {found['preprocess_cycles'][0]:,} to {found['preprocess_cycles'][1]:,} cycles",
                    flush=True,
                )


if __name__ == "__main__":
    main()

"""How long a search on one's own data takes: 200 PNGs in 4 class folders, the same as .npz, a .csv of time series.

python benchmarks/own_data.py --seed 0 --workers 2
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES, EACH, SIDE, STEPS = 4, 50, 64, 128
LIMITS = ["flash_kb=64", "ram_kb=32", "latency_ms=60"]


def images(rng):
    """Squares and crosses, filled or not, somewhere in noise: (200, side, side) uint8 and classes."""
    y = np.repeat(np.arange(CLASSES), EACH)
    x = rng.normal(90, 25, (len(y), SIDE, SIDE))
    for picture, kind in zip(x, y, strict=True):
        size = int(rng.integers(18, 34))
        top, left = rng.integers(0, SIDE - size, 2)
        shape = np.zeros((size, size))
        if kind < 2:
            shape[:] = 1
            shape[4:-4, 4:-4] = kind  # a frame, or all of it
        else:
            middle = size // 2
            shape[middle - 2 : middle + 2] = shape[:, middle - 2 : middle + 2] = 1
            if kind == 3:  # a cross that lies down
                shape = np.maximum(np.eye(size), np.eye(size)[::-1])
                shape = np.maximum(shape, np.roll(shape, 1, axis=1))
        picture[top : top + size, left : left + size] += 70 * shape
    return np.clip(x, 0, 255).astype(np.uint8), y


def series(rng):
    """Sines, saws, squares and beats of any phase in noise: (200, steps, 2) and classes."""
    y = np.repeat(np.arange(CLASSES), EACH)
    phase = 2 * np.pi * (np.arange(STEPS) / 16 * rng.uniform(0.8, 1.25, (len(y), 1)) + rng.random((len(y), 1)))
    kinds = [np.sin(phase), (phase / np.pi) % 2 - 1, np.sign(np.sin(phase)), np.sin(phase) * np.sin(phase / 5)]
    first = np.choose(y[:, None], kinds)
    return np.stack([first, np.gradient(first, axis=1)], axis=2) + rng.normal(0, 0.3, (len(y), STEPS, 2)), y


def write(folder, seed):
    """Write the three data sets; return (name, task, space) of each."""
    x, y = images(np.random.default_rng(seed))
    for i, (picture, kind) in enumerate(zip(x, y, strict=True)):
        place = folder / "png" / f"class{kind}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(place / f"{i:03}.png")
    np.savez(folder / "images.npz", x=x[:, 8:56, 8:56], y=y)
    values, y = series(np.random.default_rng(seed + 1))
    rows = ["label,window,a,b"]
    rows += [f"kind{y[w]},{w},{a:.4f},{b:.4f}" for w, window in enumerate(values) for a, b in window]
    (folder / "series.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return [
        ("200 PNGs as 48x48x1", f"{folder / 'png'}?input=48x48x1", "mcu_cnn"),
        ("200 images as .npz", str(folder / "images.npz"), "mcu_cnn"),
        ("200 windows as .csv", str(folder / "series.csv"), "mcu_cnn1d"),
    ]


def _cpu_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--trainings", type=int, default=6)
    options = parser.parse_args()
    print("| data | wall s | CPU s | int8 accuracy on test, mean of 3 | float |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for name, task, space in write(Path(scratch), options.seed):
            command = [sys.executable, "-m", "latent_nas", "search", "--task", task, "--space", space, "--json"]
            command += ["--trainings", str(options.trainings), "--workers", str(options.workers), "--top", "1"]
            command += ["--batch", "3", "--seed", str(options.seed), "--out", f"{scratch}/{space}-{time.time_ns()}"]
            started, before = time.monotonic(), _cpu_s()
            done = subprocess.run(
                command + [part for limit in LIMITS for part in ("--limit", limit)],
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            wall, cpu = time.monotonic() - started, _cpu_s() - before
            best = json.loads(done.stdout)["networks"][0]
            accuracies = f"{best['measured_int8']['accuracy']:.4f} | {best['measured_float']['accuracy']:.4f}"
            print(f"| {name} | {wall:.0f} | {cpu:.0f} | {accuracies} |", flush=True)


if __name__ == "__main__":
    main()

"""What the commands of the pages are run on: made-up data under the names that the pages use."""

import gzip
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy.io import wavfile

from latent_nas.costs.layer import layer
from latent_nas.firmware.draw import drawn
from latent_nas.interchange import tflite_export
from latent_nas.jobs.make.artefacts import shipped_table
from latent_nas.operators.conv2d import Conv2d
from latent_nas.spaces import open_space
from latent_nas.target import MAIN_TARGET, Setup

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands(page):
    """Return the commands of a page's shell blocks, in their order, without comments."""
    found = []
    for block in re.findall(r"```(?:sh|shell|bash|console)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        lines = (line.partition(" #")[0] for line in block.replace("\\\n", " ").splitlines())
        found += [" ".join(line.split()) for line in lines if line.strip()]
    return found


def furnish(place):
    """Put into a folder what the pages take for granted: a user's own data."""
    images(place / "photos", 12)
    images(place / "parts", 12)
    recordings(place / "words")
    (place / "my.toml").write_text('trainings = 40\nlimit = ["flash_kb=24"]\n', encoding="utf-8")
    search = (ROOT / "docs" / "search.md").read_text(encoding="utf-8")
    (place / "genes.json").write_text(re.search(r'`(\{"space": "dna_cnn".*?\})`', search)[1], encoding="utf-8")
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (24, 32, 32, 3), np.uint8), np.arange(24) % 10
    np.savez(place / "part.npz", x_train=x, y_train=y, x_test=x[:10], y_test=y[:10])
    (place / "mine.txt").write_text(text(), encoding="utf-8")
    (place / "layers.csv").write_text(layers(), encoding="utf-8")
    pd.read_parquet(shipped_table(Setup(MAIN_TARGET))).head(60).to_parquet(place / "few.parquet")
    with gzip.open(place / "nb201.csv.gz", "wt", encoding="utf-8") as file:
        file.write(table())
    network, _ = drawn(Setup(MAIN_TARGET).space.graph(Setup(MAIN_TARGET).space.sample(rng, 1)[0]), 0, 2)
    tflite_export.export_int8(network, place / "model.tflite")
    (place / "steps.csv").write_text(steps(), encoding="utf-8")
    shutil.copytree(ROOT / "tests" / "data" / "run_0_1", place / "runs" / "old_run")


def images(folder, each):
    """Draw a folder of images by class: a bright bar, elsewhere for each class."""
    rng = np.random.default_rng(0)
    for k, name in enumerate(("bolt", "nut", "screw", "washer")):
        (folder / name).mkdir(parents=True)
        for i in range(each):
            pixels = rng.integers(0, 60, (20, 24), np.uint8)
            pixels[5 * k : 5 * k + 5] += 150
            Image.fromarray(pixels).save(folder / name / f"{i}.png")


def recordings(folder):
    """Write a folder of recordings by class: two tones."""
    at = np.arange(2400) / 8000
    for k, name in enumerate(("low", "high")):
        (folder / name).mkdir(parents=True)
        for i in range(8):
            wave = 0.4 * np.sin(2 * np.pi * ((400, 1500)[k] + 10 * i) * at)
            wavfile.write(folder / name / f"{i}.wav", 8000, (wave * 32767).astype(np.int16))


def text():
    """Return a text of made-up words of so many syllables that a thousand tokens can be learnt from it."""
    rng = np.random.default_rng(0)
    syllables = [a + b for a in "bcdfglmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er")]
    words = ["".join(rng.choice(syllables, rng.integers(1, 5))) for _ in range(600)]
    return "\n".join("ROMEO: " + " ".join(rng.choice(words, 8)) + "." for _ in range(400)) + "\n"


def steps():
    """Return recordings of an accelerometer, a row per step: nine people, each at rest, walking and running."""
    rng, lines = np.random.default_rng(0), ["subject,activity,ax,ay,az"]
    for subject in range(9):
        for activity, pace in (("rest", 0.0), ("walk", 0.1), ("run", 0.3)):
            phase = rng.random(3) * 6
            for at in range(384):
                values = np.sin(pace * at + phase) * bool(pace) + rng.normal(0, 0.1, 3)
                lines.append(f"p{subject},{activity}," + ",".join(f"{value:.3f}" for value in values))
    return "\n".join(lines) + "\n"


def layers():
    """Return layers that a user measured on the board NAME: convolutions of two cycles a MAC and fifty an output."""
    rng, lines = np.random.default_rng(0), ["board,core,operator,input,filters,kernel_size,stride,padding,cycles"]
    for _ in range(30):
        side, channels, filters = (int(v) for v in rng.integers([4, 1, 2], [20, 33, 40]))
        cycles = layer(Conv2d(filters, (3, 3), (1, 1)), ((side, side, channels),)).total({"macs": 2.0, "outputs": 50.0})
        lines.append(f"NAME,cortex-m4,conv2d,{side}x{side}x{channels},{filters},3x3,1x1,same,{cycles}")
    return "\n".join(lines) + "\n"


def table():
    """Return a table of some cells of nasbench201, the better the more of their genes are high."""
    space = open_space("nasbench201", (32, 32, 3), 10)
    genes = np.unique(space.sample(np.random.default_rng(0), 60), axis=0)
    lines = [",".join(["id", *(f"gene.{gene.name}" for gene in space.genes), "metric.valid_accuracy"])]
    for i, row in enumerate(genes):
        named = [str(gene.choices[g]) for gene, g in zip(space.genes, row, strict=True)]
        lines.append(",".join([str(i), *named, f"{60 + row.sum() + i / 100:.2f}"]))
    return "\n".join(lines) + "\n"

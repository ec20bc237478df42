"""The component: from raw data on the emulated board, twelve libraries compiled strictly and linked in pairs.

    python benchmarks/component.py --out DIR [--fsdd fsdd.npz] [--inputs 200] [--only audio]

Data are made here, but recordings, which are those of the Free Spoken Digit Dataset where its file is given. With
--only, one data set is proven and no library is compiled.
"""

import argparse
import itertools
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas.jobs.build import Build
from latent_nas.jobs.deploy import deploy
from latent_nas.spaces import open_space
from latent_nas.tasks import open_task
from latent_nas.training import train
from latent_nas.training.metadata import metadata_of

EPOCHS = 4
STRICT = ["-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Wpedantic"]
ARM = ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]
ZIG = [sys.executable, "-m", "ziglang", "cc", "-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4+vfp4d16sp"]
CXX = ["-x", "c++", "-std=c++17"]
COMPILERS = {
    "gcc, C99": ["gcc", "-std=c99"],
    "g++, C++17": ["g++", *CXX],
    "arm-none-eabi-gcc, C99": ["arm-none-eabi-gcc", "-std=c99", *ARM],
    "arm-none-eabi-g++, C++17": ["arm-none-eabi-g++", *CXX, *ARM],
    "clang (zig) for Cortex-M4, C99": [*ZIG, "-std=c99"],
    "clang (zig) for Cortex-M4, C++17": [*ZIG, *CXX],
}


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--fsdd", type=Path, help="fsdd.npz; default: tones instead of speech")
    parser.add_argument("--inputs", type=int, default=200)
    parser.add_argument("--only", default="", help="one of image, series, audio, regression, anomaly, grey")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True)
    sources = data(arguments.out / "data", arguments.fsdd)
    wanted = [arguments.only] if arguments.only else [*sources]
    networks = {name: trained(sources[name], arguments.out / "networks" / name) for name in wanted}
    for name, network in networks.items():
        made = proven(network, arguments.out / "proof" / name, arguments.inputs)
        found = made["emulated"]
        print(
            f"{name}: {found['inputs']} inputs from raw data, int8 inputs equal {found['equal_inputs']:.2%}, outputs"
            f" {found['equal_outputs']:.2%}, the answer of training's input {found['same_answers_as_in_training']:.2%};"
            f" preprocessing {found['preprocess_instructions']:,} instructions",
            flush=True,
        )
    if arguments.only:
        return
    libraries = {
        prefix: library(network, arguments.out / "libraries" / prefix, prefix)
        for name, network in networks.items()
        for prefix in (f"a_{name}", f"b_{name}")
    }
    for compiler, command in COMPILERS.items():
        if shutil.which(command[0]):
            print(f"{compiler}: {sum(warnings(command, folder) for folder in libraries.values())} warnings", flush=True)
    pairs = [(a, b) for a, b in itertools.product(libraries, libraries) if a[0] == "a" and b[0] == "b"]
    right = sum(both_right(libraries, pair, arguments.out / "pairs") for pair in pairs)
    print(f"{right} of {len(pairs)} pairs linked into one program, both self tests right")


def data(place: Path, fsdd: Path | None) -> dict[str, str]:
    """Make data sets and return the task of each kind."""
    rng = np.random.default_rng(0)
    images(place / "images", rng)
    series(place / "motion", rng)
    sounds(place / "audio", fsdd, rng)
    return {
        "image": str(place / "images"),
        "series": f"{place / 'motion'}?window=50&hop=25",
        "audio": str(place / "audio"),
        "regression": "diabetes",
        "anomaly": "digits_anomaly:3",
        "grey": f"{place / 'images'}?input=16x16x1",
    }


def images(place: Path, rng: np.random.Generator) -> None:
    """Write colour photographs of handwritten digits, as a camera would give them."""
    from PIL import Image
    from sklearn.datasets import load_digits

    digits, targets = load_digits(return_X_y=True)
    for i, (digit, target) in enumerate(zip(digits.reshape(-1, 8, 8) / 16, targets, strict=True)):
        light = np.kron(digit, np.ones((2, 2)))[..., None] * rng.uniform(120, 220, 3) + rng.uniform(0, 30, (16, 16, 3))
        (place / str(target)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(light.astype(np.uint8)).save(place / str(target) / f"{i}.png")


def series(place: Path, rng: np.random.Generator) -> None:
    """Write recordings of three sensors in units that differ: m/s2, a temperature, raw counts."""
    place.mkdir(parents=True)
    for name, hertz in (("still", 0.0), ("slow", 0.03), ("fast", 0.09)):
        for i in range(12):
            t = np.arange(600)
            moved = np.sin(2 * np.pi * hertz * t + rng.uniform(0, 6))
            columns = (9.81 + 2 * moved, 22 + 0.3 * moved, 20_000 + 4000 * np.roll(moved, 5))
            rows = np.stack(columns, axis=1) + rng.normal(0, (0.6, 0.1, 1000), (600, 3))
            text = "\n".join(",".join(f"{v:.4f}" for v in row) for row in rows)
            (place / f"{name}_{i:02d}.csv").write_text(f"acceleration,temperature,counts\n{text}\n")


def sounds(place: Path, fsdd: Path | None, rng: np.random.Generator) -> None:
    """Write recordings of one second."""
    from scipy.io import wavfile

    if fsdd is None:
        heard = [(int(i % 4), 8000 * np.sin(np.arange(16000) * 0.05 * (1 + i % 4)) + rng.normal(0, 900, 16000)) for i in
                 range(1200)]  # fmt: skip
        rate = 16000
    else:
        with np.load(fsdd, allow_pickle=False) as file:
            parts = np.split(file["audio"], file["offset"][1:-1])
            heard, rate = list(zip(file["digit"].tolist(), parts, strict=True)), 8000
    for i, (target, sound) in enumerate(heard):
        (place / str(target)).mkdir(parents=True, exist_ok=True)
        wavfile.write(place / str(target) / f"{i}.wav", rate, np.asarray(sound).astype(np.int16))


def trained(source: str, folder: Path) -> Path:
    """Train a small network shortly and keep it with what travels with it."""
    task = open_task(source)
    space, data = open_space(task.space, task.input_shape, task.outputs), task.data()
    graphs = (space.graph(g) for g in space.sample(np.random.default_rng(1), 200))
    graph = next(g for g in graphs if len(g.nodes) < 16 and g.macs < 2e6)
    recipe = replace(task.recipe("search"), epochs=EPOCHS)
    made = train(graph, task, recipe, 0, data.train, data.valid)
    about = metadata_of(task, made.network, {f"valid_{k}": v for k, v in made.int8_metrics.items()})
    made.network.save(folder, {"task": source}, about.files())
    made.model.save(folder / "float", {})
    print(f"{folder.name}: {made.int8_metrics}", flush=True)
    return folder


def proven(network: Path, out: Path, inputs: int) -> dict[str, Any]:
    """Return the report of a firmware that runs from raw data on the emulated board."""
    return deploy(network, "stm32f405", out, Build(emulator="unicorn"), inputs, 1, lambda line: None)


def library(network: Path, out: Path, prefix: str) -> Path:
    """Export the component alone."""
    deploy(network, "stm32f405", out, Build(prefix=prefix, layout="library"), 1, 1, lambda line: None)
    return out


def warnings(command: list[str], folder: Path) -> int:
    """Return how many warnings and errors a compiler has for the C files of a folder."""
    found = 0
    for file in sorted(folder.glob("*.c")):
        words = [*command, *STRICT, "-ffreestanding", "-O2", f"-I{folder}", "-c", str(file), "-o", str(folder / "x.o")]
        said = subprocess.run(words, capture_output=True, text=True, check=False)
        found += said.stderr.count("warning:") + said.stderr.count("error:") + bool(said.returncode)
    (folder / "x.o").unlink(missing_ok=True)
    return found


def both_right(libraries: dict[str, Path], pair: tuple[str, str], place: Path) -> bool:
    """Return whether a program of two components, all kernels compiled twice, passes both self tests."""
    place.mkdir(exist_ok=True)
    heads = "".join(f'#include "{prefix}.h"\n' for prefix in pair)
    (place / "main.c").write_text(
        f"{heads}int main(void) {{ return {' + '.join(f'{p}_self_test()' for p in pair)}; }}\n"
    )
    folders = [libraries[prefix] for prefix in pair]
    files = [str(file) for folder in folders for file in folder.glob("*.c")]
    command = ["gcc", "-std=c99", "-O2", *(f"-I{folder}" for folder in folders), str(place / "main.c"), *files]
    built = subprocess.run([*command, "-o", str(place / "program")], capture_output=True, text=True, check=False)
    return built.returncode == 0 and subprocess.run([str(place / "program")], check=False).returncode == 0


if __name__ == "__main__":
    main()

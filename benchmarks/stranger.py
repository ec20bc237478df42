"""A stranger's parts: each written outside of the package, checked, and used in a search with workers or on Ray.

python benchmarks/stranger.py                 with two local workers
python benchmarks/stranger.py --ray local     on a Ray cluster of this machine

Most parts are the examples of CONTRIBUTING.md, one file each; the operator has its C beside it.
"""

import argparse
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from latent_nas import cli, plugins
from latent_nas.contracts import check_file

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"### [^\n]*`latent_nas/(\w+)/<name>\.(py|toml)`\n+```\w+\n(.*?)```", re.DOTALL)
OPERATOR = re.compile(r"### An operator: [^\n]*\n+```python\n(.*?)```\n+```c\n(.*?)```", re.DOTALL)
OBJECTIVE = '''
"""Accuracy, less a point of it per KB of flash."""

from latent_nas.objectives import Objective
from latent_nas.records import Record


class Small(Objective):
    """Accuracy and flash as one number."""

    name = "small"

    def value(self, record: Record) -> float:
        """Return int8 accuracy - flash / 100 KB."""
        return record.measured_int8["accuracy"] - record.flash_bytes / 102_400


Plugin = Small
'''
EVALUATOR = '''
"""Training, with the share of weights that are zero measured beside."""

from dataclasses import replace

from latent_nas.evaluators import Job
from latent_nas.evaluators.work import trained
from latent_nas.evaluators.training import Training
from latent_nas.records import Record
from latent_nas.target import Target


def measured(target: Target, job: Job) -> Record:
    """Return the record of a job with its own measurement; runs in a worker."""
    record, network = trained(target, job)
    return record if network is None else replace(record, measured_beside={"networks": 1.0})


class Counted(Training):
    """Trains as ``training`` does."""

    def __init__(self, target: Target, workers: int = 0, ray: str = "") -> None:
        super().__init__(target, workers, ray, measured)


Plugin = Counted
'''
REGRESSION = '''
"""The slope of a noisy line, from eight of its points."""

from latent_nas import seeds
from latent_nas.tasks import Data, Part, Recipe, Task
from latent_nas.tasks.kinds.regress import Regression


def part(name: str, n: int) -> Part:
    """Return n lines."""
    rng = seeds.rng(0, "slope", name)
    slope = rng.uniform(-2, 2, (n, 1)).astype("float32")
    x = slope * range(8) / 8 + rng.normal(0, 0.05, (n, 8))
    return Part(x.astype("float32").reshape(n, 8, 1, 1), slope)


class Slope(Task):
    """One number of a series of eight steps."""

    name = "slope"
    input_shape = (8, 1, 1)
    outputs = 1
    recipes = {"search": Recipe(epochs=4), "full": Recipe(epochs=8)}

    def __init__(self) -> None:
        self.kind = Regression.of(self.data().train.y, ("slope",))

    def data(self) -> Data:
        """Return lines, drawn once."""
        return Data(part("train", 300), part("valid", 100), part("test", 100))


Plugin = Slope
'''
ANOMALY = '''
"""Sine waves are normal, noise is not."""

import numpy as np

from latent_nas import seeds
from latent_nas.tasks import Data, Part, Recipe, Task
from latent_nas.tasks.kinds.anomaly import OUTPUTS, Anomaly


def part(name: str, normal: int, odd: int) -> Part:
    """Return so many waves, and so much noise."""
    rng = seeds.rng(0, "waves", name)
    waves = np.sin(np.linspace(0, 6, 16) + rng.uniform(0, 6, (normal, 1))) + rng.normal(0, 0.1, (normal, 16))
    x = np.concatenate([waves, rng.normal(0, 0.7, (odd, 16))]).astype("float32").reshape(-1, 16, 1, 1)
    return Part(x, np.repeat(np.array([0, 1]), (normal, odd)))


class Waves(Task):
    """Windows of sixteen steps."""

    name = "waves"
    input_shape = (16, 1, 1)
    outputs = OUTPUTS
    kind = Anomaly()
    recipes = {"search": Recipe(epochs=6, batch=16), "full": Recipe(epochs=10, batch=16)}

    def data(self) -> Data:
        """Return normal waves to learn from, and both to be judged on."""
        return Data(part("train", 150, 0), part("valid", 60, 60), part("test", 60, 60))


Plugin = Waves
'''
TEXT_TASK = '''
"""Words of three drawn syllables, in characters and in byte pairs."""

import tempfile
from pathlib import Path

from latent_nas import seeds
from latent_nas.tasks.char_lm import CharLm

SYLLABLES = [c + v for c in "bcdfghklmnprstvz" for v in "aeiou"]


def file() -> str:
    """Return the text's file, written where it is not there yet."""
    place = Path(tempfile.gettempdir()) / "latent_nas-syllables.txt"
    if not place.exists():
        drawn = seeds.rng(0, "syllables").choice(SYLLABLES, (4000, 3))
        place.write_text(" ".join("".join(word) for word in drawn), encoding="utf-8")
    return str(place)


class Syllables(CharLm):
    """Next-token prediction."""

    name = "syllables"

    def __init__(self) -> None:
        super().__init__(file())


Plugin = Syllables
'''
FINISH = ("--batch", "2", "--top", "1", "--final-seeds", "1", "--limit", "flash_kb=64")


def written(folder: Path) -> list[Path]:
    """Write all parts and return their files, of the operator without its C."""
    found = {kind: text for kind, _, text in EXAMPLE.findall(TEXT)}
    operator = OPERATOR.search(TEXT)
    assert operator is not None
    board = found["devices"].replace('"cortex-m4"', '"core.toml"')
    folded = found["spaces"].replace("build.add(Relu(), ", 'build.add(from_json({"kind": "magnitude"}), ')
    folded = folded.replace("from latent_nas.operators.relu import Relu", "from latent_nas.operators import from_json")
    files = {
        "space.py": found["spaces"],
        "folded.py": folded.replace('name = "perceptron"', 'name = "folded"'),
        "task.py": found["tasks"],
        "strategy.py": found["strategies"],
        "surrogate.py": found["surrogates"],
        "reader.py": found["readers"],
        "core.toml": found["cores"],
        "board.toml": board,
        "objective.py": OBJECTIVE,
        "evaluator.py": EVALUATOR,
        "regression.py": REGRESSION,
        "anomaly.py": ANOMALY,
        "text.py": TEXT_TASK,
        "magnitude.py": operator[1],
        "magnitude.c": operator[2],
    }
    for name, text in files.items():
        (folder / name).write_text(text.lstrip("\n"), encoding="utf-8")
    rows = [f"{'even' if n % 2 == 0 else 'odd'} {n:08b}" for n in range(256)]
    (folder / "numbers.bits").write_text("\n".join(rows), encoding="utf-8")
    return [folder / name for name in files if name not in ("magnitude.c", "folded.py")]


def search(folder: Path, out: str, where: list[str], *parts: str) -> dict[str, object]:
    """Run a search in a process of its own, which knows the package and not the files; return what it found."""
    command = [sys.executable, "-m", "latent_nas", "search", *parts, *FINISH, *where, "--out", out, "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr[-2000:]}")
    return found(folder / out, done.stdout)


def search_here(folder: Path, out: str, where: list[str], *parts: str) -> dict[str, object]:
    """Run a search in this process, which has forgotten the files; its workers have never known them."""
    plugins.forget()
    printed = io.StringIO()
    before = Path.cwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(printed):
            cli.main(["search", *parts, *FINISH, *where, "--out", out, "--json"])
    except SystemExit as end:
        if end.code:
            raise
    finally:
        os.chdir(before)
    return found(folder / out, printed.getvalue())


def found(run: Path, printed: str) -> dict[str, object]:
    """Return of a search what its result says, and what was copied into its folder."""
    result = json.loads(printed)
    copies = sorted(path.name for path in (run / "plugins").iterdir())
    return {
        "trainings": result["trainings"],
        "failed_trainings": result["failed_trainings"],
        "fits": [network["fits"] for network in result["networks"]],
        "copies in the run folder": copies,
    }


def main() -> None:
    """Check all parts, run two searches that use them, and print what came of it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ray", default="", help='"local", or the address of a cluster')
    parser.add_argument("--trainings", type=int, default=4, help="of each search")
    parser.add_argument("--cache", help="folder of what was compiled and is trusted; default: a new one")
    options = parser.parse_args()
    ray = options.ray
    where = ["--workers", "2", *(["--ray", ray] if ray else []), "--trainings", str(options.trainings)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["LATENT_NAS_CACHE"] = options.cache or str(folder / "cache")
        kept = {}
        for file in written(folder):
            kind, failures = check_file(file)
            kept[file.name] = {"kind": kind, "failures": [str(failure) for failure in failures]}
        first = ["--space", "space.py", "--task", "task.py", "--strategy", "strategy.py", "--objective", "objective.py"]
        first += ["--measure", "evaluator.py", "--device", "board.toml", "--runtime", "native"]
        second = ["--space", "folded.py", "--plugin", "magnitude.py", "--plugin", "reader.py", "--task", "numbers.bits"]
        second += ["--surrogate", "surrogate.py", "--strategy", "greedy_surrogate", "--runtime", "native"]
        searches = {"all of a target": search(folder, "one", where, *first)}
        searches["operator, reader and surrogate"] = search(folder, "two", where, *second)
        for name, space in (("regression", "mcu_cnn1d"), ("anomaly", "mcu_cnn1d"), ("text", "tiny_transformer")):
            parts = ["--task", f"{name}.py", "--space", space, "--strategy", "random", "--runtime", "native"]
            searches[name] = (search if ray else search_here)(folder, name, where, *parts, "--limit", "ram_kb=64")
        print(json.dumps({"checked": kept, "where": where, "searches": searches}, indent=1))


if __name__ == "__main__":
    main()

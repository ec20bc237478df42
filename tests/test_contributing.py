"""The examples of CONTRIBUTING.md work: in their places in a copy of the package, and as files of your own."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import latent_nas
from latent_nas import plugins
from latent_nas.contracts import check_file

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"### [^\n]*`latent_nas/(\w+)/<name>\.(py|toml)`\n+```\w+\n(.*?)```", re.DOTALL)
NAMES = {
    "devices": "stm32f401",
    "tasks": "parity",
    "readers": "bits",
    "strategies": "mutate_best",
    "cores": "cortex-m4-nofpu",
    "spaces": "perceptron",
    "surrogates": "ridge",
    "objectives": "brisk",
    "evaluators": "noisy",
}
OPERATOR = re.compile(r"### An operator: [^\n]*\n+```python\n(.*?)```\n+```c\n(.*?)```", re.DOTALL)
USE_OPERATOR = """
import numpy as np
from dataclasses import replace
from pathlib import Path
from latent_nas import plugins
from latent_nas.cores import open_core
from latent_nas.costs import costs
from latent_nas.devices import open_device
from latent_nas.firmware.check import emulate
from latent_nas.firmware.compile import build
from latent_nas.firmware.export import project
from latent_nas.graph import Builder, Graph
from latent_nas.operators.dense import Dense
from latent_nas.runtimes import open_runtime
from latent_nas.training.network import Network
from latent_nas.training.quantise import quantise
build_graph = Builder((6,))
build_graph.add(Dense(3), build_graph.add(plugins.load("operators", "magnitude.py")(), 0))
graph = build_graph.build()
assert Graph.from_json(graph.to_json()) == graph
x = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
model = Network(graph)
network = quantise(graph, model, x)
assert np.abs(network.outputs(x) - model.outputs(x)).max() < 0.1
for name in ("cortex-m0+", "cortex-m4"):
    device = replace(open_device("stm32f405"), core=open_core(name))
    cost = costs(graph, device, open_runtime("native"))
    assert cost.layers[1].cycles > 0
    made = project(network, device)
    made.write(Path(name))
    assert "nn_magnitude" in made.library["kernels.h"]
    _, report, _ = emulate(made, build(Path(name), device.core), x[:5], tensors=5)
    assert report["bit_exact"]
"""
USES = {
    "devices": """
from latent_nas.devices import open_device
assert open_device("stm32f401").largest_region_bytes == 65536
""",
    "tasks": """
from latent_nas.tasks import open_task
from latent_nas.spaces import open_space
from latent_nas.training import train
from latent_nas.tasks import Recipe
import numpy as np
task = open_task("parity")
space = open_space("mcu_cnn", task.input_shape, task.outputs)
data = task.data()
genes = [0, 1, 0, 0, 0, 1, 1, 1, 0] + [0] * 26
assert train(space.graph(genes), task, Recipe(epochs=3), 0, data.train, data.valid).int8_metrics["accuracy"] > 0.6
""",
    "readers": """
from pathlib import Path
from latent_nas.tasks import open_task
rows = [f"{'even' if n % 2 == 0 else 'odd'} {n:08b}" for n in range(64)]
Path("numbers.bits").write_text("\\n".join(rows))
task = open_task("numbers.bits")
assert (task.input_shape, task.outputs) == ((8, 1, 1), 2)
assert [len(p) for p in (task.data().train, task.data().valid, task.data().test)] == [40, 12, 12]
""",
    "strategies": """
import numpy as np
from latent_nas.limits import Limits
from latent_nas.records import Record
from latent_nas.spaces import open_space
from latent_nas.strategies import Problem, open_strategy
space = open_space("mcu_cnn", (8, 8, 1), 10)
strategy = open_strategy("mutate_best", Problem(space, None, Limits(), lambda g: np.ones(len(g), bool)), 0)
first = strategy.ask(3, None)
strategy.tell([Record(g, "mcu_cnn", "digits", 0, measured_int8={"accuracy": 0.5}) for g in first])
second = strategy.ask(3, None)
third = strategy.ask(3, None, second)
assert len({*first, *second, *third}) == 9
""",
    "cores": """
from latent_nas.cores import open_core
from latent_nas.runtimes import open_runtime
runtime, own, near = open_runtime("native"), open_core("cortex-m4-nofpu"), open_core("cortex-m4")
assert own.lacks() == ["soft float"]
assert runtime.cycles("conv2d", own)[0] == runtime.cycles("conv2d", near)[0]
""",
    "spaces": """
import numpy as np
from latent_nas.spaces import open_space
space = open_space("perceptron", (8, 8, 1), 10)
every = np.array([[a, b] for a in range(5) for b in range(5)])
assert len(np.unique(space.canonical(every), axis=0)) == 21
assert space.features(every).shape == (25, 3)
assert space.graph((0, 3)) == space.graph((3, 0))
""",
    "surrogates": """
import numpy as np
from latent_nas import plugins
from latent_nas.surrogates import restore
rng = np.random.default_rng(0)
x = rng.normal(size=(40, 3))
model = plugins.load("surrogates", "ridge")(penalty=1e-6).fit(x, x @ [1.0, 2.0, 3.0])
assert np.allclose(restore(model.artifact()).predict(x), x @ [1.0, 2.0, 3.0], atol=1e-3)
""",
    "objectives": """
from latent_nas.limits import Limits
from latent_nas.objectives import open_objective
from latent_nas.records import Record
from latent_nas.tasks import open_task
brisk = open_objective("brisk", Limits())
record = Record((0,), "space", "task", 0, measured_int8={"accuracy": 0.8}, latency_ms=4.0)
assert abs(brisk.judge(record).score - 0.78) < 1e-9
brisk.check(open_task("digits"))
try:
    brisk.check(open_task("diabetes"))
except ValueError as error:
    assert "'diabetes' does not measure" in str(error)
else:
    raise AssertionError
""",
    "evaluators": """
from dataclasses import replace
from latent_nas import plugins
from latent_nas.evaluators import Job
from latent_nas.target import MAIN_TARGET
evaluator = plugins.load("evaluators", "noisy")(replace(MAIN_TARGET, search_epochs=8), workers=1)
(record,) = evaluator.evaluate([Job((0, 1, 0, 0, 0, 1, 1, 1, 0, *[0] * 26), 0)])
evaluator.close()
assert record.ok, record.reason
assert 0.2 < record.measured_beside["noisy_accuracy"] <= 1
assert record.objective == "int8_accuracy"
""",
}


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A copy of the package with every example in its place."""
    place = tmp_path_factory.mktemp("copy")
    shutil.copytree(
        Path(latent_nas.__file__).parent, place / "latent_nas", ignore=shutil.ignore_patterns("__pycache__")
    )
    for kind, ending, text in EXAMPLE.findall(TEXT):
        (place / "latent_nas" / kind / f"{NAMES[kind]}.{ending}").write_text(text, encoding="utf-8")
    return place


def test_every_kind_has_an_example():
    assert sorted(kind for kind, _, _ in EXAMPLE.findall(TEXT)) == sorted(NAMES)


@pytest.mark.parametrize("kind", NAMES)
def test_example_works(package, kind):
    done = subprocess.run(
        [sys.executable, "-c", USES[kind]], cwd=package, capture_output=True, text=True, timeout=1800, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("ziglang", "unicorn")), reason="the extra mcu"
)
def test_operator_outside_the_package_works_down_to_the_device(tmp_path):
    python, c = OPERATOR.search(TEXT).groups()
    (tmp_path / "magnitude.py").write_text(python, encoding="utf-8")
    (tmp_path / "magnitude.c").write_text(c, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", USE_OPERATOR], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture
def examples(tmp_path, monkeypatch):
    """A folder with every example, as a user has them; nothing is known of earlier ones."""
    monkeypatch.chdir(tmp_path)
    plugins.forget()
    for kind, ending, text in EXAMPLE.findall(TEXT):
        (tmp_path / f"{NAMES[kind]}.{ending}").write_text(text, encoding="utf-8")
    python, c = OPERATOR.search(TEXT).groups()
    (tmp_path / "magnitude.py").write_text(python, encoding="utf-8")
    (tmp_path / "magnitude.c").write_text(c, encoding="utf-8")
    yield tmp_path
    plugins.forget()


@pytest.mark.parametrize("kind", [*NAMES, "operators"])
def test_example_keeps_the_contracts(examples, kind):
    (file,) = examples.glob(f"{NAMES.get(kind, 'magnitude')}.[pt]*")
    found, failures = check_file(file)
    assert (found, [str(failure) for failure in failures]) == (kind, [])


def as_the_package(folder, modules):
    """Write mypy's settings with which modules are read as strictly as the package, and return their file."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    package = 'module = "latent_nas.*"\n'
    assert text.count(package) == 1
    (folder / "strictly.toml").write_text(
        text.replace(package, f"module = {['latent_nas.*', *modules]}\n"), encoding="utf-8"
    )
    return str(folder / "strictly.toml")


def test_examples_pass_the_linter_and_the_type_checker(examples):
    files = sorted(map(str, examples.glob("*.py")))
    environment = os.environ | {"MYPYPATH": str(ROOT)}
    settings = str(ROOT / "pyproject.toml")
    strictly = as_the_package(examples, [Path(file).stem for file in files])
    for command in (
        ["ruff", "check", "--config", settings, "--no-cache", *files],
        ["ruff", "format", "--check", "--config", settings, "--no-cache", *files],
        ["mypy", "--config-file", strictly, *files],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-500:]

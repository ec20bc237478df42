"""Imports of latent_nas point down, never up or sideways (docs/architecture.md, layers)."""

import ast
import re
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from checkout import ROOT

import latent_nas

PACKAGE = Path(latent_nas.__file__).parent

# A new module or folder of the package gets its place here: in the lowest layer that is above all it imports.
LAYERS = [
    {"seeds", "plugins", "records", "store", "artifacts", "fixed_point", "shipped", "limits", "front_end", "fidelity"}
    | {"preprocessing", "resampling", "spectrum", "spectral"}
    | {"compiled", "kernels", "extras", "ranges", "units", "fields", "nearest", "rank_agreement"}
    | {"whole", "lock", "sealed", "threads", "accelerator", "adam"},
    {"graph", "operators", "readers", "cores"},
    {"spaces", "tasks", "devices", "runtimes", "zoo"},
    {"costs", "training", "codec", "surrogates", "tables", "crews", "analog"},
    {"target", "judge", "firmware", "interchange", "calibration"},
    {"env", "evaluators"},
    {"agent", "objectives"},
    {"strategies"},
    {"study", "optuna_sampler"},
    {"runs", "contracts"},
    {"report"},
    {"jobs"},
    {"api", "modules", "ui"},
    {"cli"},
    {"__main__"},  # starts the cli
]
LEVEL = {unit: level for level, units in enumerate(LAYERS) for unit in units}
ONE_IDEA = {"graph", "operators"}  # may import each other: a graph is made of operators, and fuses them


def imported(file: Path, package: Path) -> list[tuple[int, str]]:
    """Return (line, unit) of every import from the package in a file, wherever in the file it stands."""
    found: dict[tuple[int, str], None] = {}
    here = [package.name, *file.relative_to(package).parent.parts]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else []
            base = [*base, *(node.module.split(".") if node.module else [])]
            names = [[*base, alias.name] for alias in node.names]
        else:
            continue
        own = [name[1] for name in names if name[0] == package.name and len(name) > 1]
        found |= {(node.lineno, unit): None for unit in own if unit != "__version__"}
    return list(found)


def complaint(unit: str, other: str) -> str | None:
    """Return what is wrong with a unit that imports another, or None."""
    for name in (unit, other):
        if name not in LEVEL:
            return f"{name!r} has no layer yet; add it to LAYERS in tests/test_layers.py"
    if unit == other or {unit, other} == ONE_IDEA or LEVEL[other] < LEVEL[unit]:
        return None
    if LEVEL[unit] == LEVEL[other] == 0:  # anything but a circle
        return None
    way = "up" if LEVEL[other] > LEVEL[unit] else "sideways"
    return f"{unit} (L{LEVEL[unit]}) imports {way}: {other} (L{LEVEL[other]})"


def violations(package: Path) -> list[str]:
    """Return a line for every import that breaks the layers, and for a circle in the lowest."""
    wrong = []
    lowest: dict[str, set[str]] = {unit: set() for unit in LAYERS[0]}
    for file in sorted(package.rglob("*.py")):
        place = file.relative_to(package)
        if place == Path("__init__.py"):
            continue
        unit = place.parts[0].removesuffix(".py")
        for line, other in [
            (1, unit),
            *imported(file, package),
        ]:  # a file is its unit's, even without imports
            if text := complaint(unit, other):
                wrong.append(f"{package.name}/{place.as_posix()}:{line}: {text}")
            elif unit in lowest and unit != other:
                lowest[unit].add(other)
    try:
        TopologicalSorter(lowest).prepare()
    except CycleError as error:
        wrong.append(f"L0 imports in a circle: {' -> '.join(error.args[1])}")
    return wrong


def test_imports_point_down():
    assert not violations(PACKAGE), "\n".join(violations(PACKAGE))


def test_the_table_of_layers_in_the_docs_is_this_one():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    told: list[set[str]] = [set() for _ in LAYERS]
    for level, modules in re.findall(r"^\| L(\d+) \| (.*) \|$", page, re.M):
        told[int(level)] |= set(re.findall(r"`(\w+)`", modules)) & set(LEVEL)
    assert told == [*LAYERS[:-1], set()]
    assert all((PACKAGE / unit).is_dir() or (PACKAGE / f"{unit}.py").is_file() for unit in LEVEL)


def test_the_package_itself_imports_nothing_heavy():
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    names |= {"." * node.level + (node.module or "") for node in imports if isinstance(node, ast.ImportFrom)}
    heavy = {name for name in names if name.split(".")[0] not in sys.stdlib_module_names}
    assert not heavy, f"whatever is imported imports latent_nas/__init__.py first, so keep {heavy} out of it"


def check(root: Path, files: dict[str, str]) -> list[str]:
    """Return the violations of a small package made of these files."""
    for name, text in files.items():
        file = root / "toy" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return violations(root / "toy")


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("env.py", "from toy.study import Study", "env (L5) imports up: study (L8)"),
        ("env.py", "import toy.study", "env (L5) imports up: study (L8)"),
        ("env.py", "from toy import study", "env (L5) imports up: study (L8)"),
        (
            "env.py",
            "def f():\n    from toy.study import Study",
            "toy/env.py:2: env (L5) imports up: study (L8)",
        ),
        ("env.py", "if TYPE_CHECKING:\n    from toy.study import Study", "env (L5) imports up: study (L8)"),
        ("codec/net.py", "from toy.training import fit", "codec (L3) imports sideways: training (L3)"),
        ("codec/net.py", "from ..training import fit", "codec (L3) imports sideways: training (L3)"),
        ("codec/deep/net.py", "from ...cli import main", "codec (L3) imports up: cli (L13)"),
        ("codec/__init__.py", "from .. import training", "codec (L3) imports sideways: training (L3)"),
        ("spaces/a.py", "from toy import tasks", "spaces (L2) imports sideways: tasks (L2)"),
        ("seeds.py", "from toy.graph import Graph", "seeds (L0) imports up: graph (L1)"),
        ("gadget.py", "", "'gadget' has no layer yet; add it to LAYERS in tests/test_layers.py"),
        ("cli.py", "from toy import Study", "'Study' has no layer yet"),
    ],
)
def test_the_check_catches(tmp_path: Path, file: str, text: str, expected: str):
    found = check(tmp_path, {file: text})
    assert len(found) == 1
    assert expected in found[0]


def test_the_check_catches_a_circle_in_the_lowest_layer(tmp_path: Path):
    found = check(tmp_path, {"seeds.py": "from toy import store", "store.py": "from toy import seeds"})
    assert len(found) == 1
    assert "in a circle" in found[0]


def test_the_check_lets_pass_what_points_down(tmp_path: Path):
    files = {
        "__init__.py": "",
        "__main__.py": "from toy.cli import main",
        "cli.py": "import json\nimport toy\nfrom toy import __version__\nfrom toy.study import Study",
        "study.py": "from .strategies.evolution import Plugin\nfrom . import store",
        "store.py": "from toy import records",
        "records.py": "",
        "graph/__init__.py": "from toy.operators import Operator",
        "graph/deploy.py": "from toy.graph import Graph\nfrom . import features\nfrom .. import seeds",
        "operators/conv2d.py": "from toy.graph import Graph",
    }
    assert not check(tmp_path, files)

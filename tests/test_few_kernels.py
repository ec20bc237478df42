"""Firmware of one operator and of two: what a kernel includes and declares may not hang on what others bring."""

import itertools
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ziglang")
pytest.importorskip("unicorn")
from on_host import compiled

from latent_nas import plugins
from latent_nas.contracts.operators import subjects
from latent_nas.devices import open_device
from latent_nas.firmware.check import emulate
from latent_nas.firmware.compile import build
from latent_nas.firmware.draw import drawn
from latent_nas.firmware.export import project
from latent_nas.firmware.layouts import laid_out
from latent_nas.graph import Builder, Graph
from latent_nas.operators import Operator
from latent_nas.operators.embedding import Embedding
from latent_nas.operators.input import Input
from latent_nas.operators.resize import Resize

BOARD = open_device("stm32f405")
OPERATORS = [o for name in plugins.names("operators") for o in subjects(plugins.load("operators", name))]
OPERATORS = [o for o in OPERATORS if not isinstance(o, Input)]
IMAGE, FEATURES, TOKENS, WIDTH, VOCABULARY = (7, 6, 4), 168, 12, 4, 9  # that every example takes


def network(*operators: Operator) -> Graph | None:
    """Return a network of operators, each behind the other, that begins with an image, a vector or a text."""
    for begin in ("image", "vector", "tokens", "text"):
        tokens = begin in ("tokens", "text")
        b = Builder() if tokens else Builder(IMAGE if begin == "image" else (FEATURES,))
        x = b.add(Input((TOKENS,), VOCABULARY)) if tokens else 0
        x = b.add(Embedding(VOCABULARY, WIDTH), x) if begin == "text" else x
        try:
            for i, operator in enumerate(operators):
                if isinstance(operator, Embedding) != (begin == "tokens" and i == 0):
                    raise ValueError("an embedding reads tokens, and nothing else does")
                x = b.add(operator, *[x] * (2 if operator.arity is None else operator.arity))
        except ValueError:
            continue
        return b.build()
    return None


def tried(graph: Graph, folder: Path) -> None:
    """Build the demo, hold its bits to the reference's, and compile the library as C and as C++."""
    made, x = drawn(graph, 0, 2)
    whole = project(made, BOARD)
    whole.write(folder / "demo")
    assert emulate(whole, build(folder / "demo", BOARD.core), x[:1])[1]["bit_exact"]
    (folder / "library").mkdir()
    for name, text in laid_out(whole, "library").items():
        (folder / "library" / name).write_text(text)
    for plus in (False, True):
        compiled([folder / "library"], folder / f"{plus}.lib", plus)


@pytest.mark.parametrize("operator", OPERATORS, ids=str)
def test_one_operator_alone(operator: Operator, tmp_path: Path):
    graph = network(operator)
    assert graph is not None
    tried(graph, tmp_path)


@pytest.mark.parametrize("seed", range(8))
def test_two_operators(seed: int, tmp_path: Path):
    pairs = [pair for pair in itertools.permutations(OPERATORS, 2) if network(*pair)]
    graph = network(*pairs[int(np.random.default_rng(seed).integers(len(pairs)))])
    assert graph is not None
    tried(graph, tmp_path)


@pytest.mark.parametrize("shape", [(65536, 1, 1), (1, 65536, 1)], ids=["rows", "columns"])
def test_a_resize_of_as_many_rows_or_columns_as_a_place_can_name(shape: tuple[int, ...], tmp_path: Path):
    b, far, near = Builder(shape), (0.0, 257.5, 65534.5, 65535.0), (0.0,)
    b.add(Resize(far, near) if shape[0] > 1 else Resize(near, far), 0)
    made, x = drawn(b.build(), 0, 2)
    whole = project(made, BOARD)
    whole.write(tmp_path)
    assert emulate(whole, build(tmp_path, BOARD.core), x[:1])[1]["bit_exact"]

"""Contracts: what ships keeps those of its kind; what is broken in one way is caught by the one that it breaks."""

import re
from pathlib import Path

import pytest
from fresh_cache import fresh_cache
from test_own_plugins import OBJECTIVE, STRATEGY, TASK
from test_plugins import BOARD, SPACE

import latent_nas
from latent_nas import cli, plugins
from latent_nas.contracts import check, check_file, names
from latent_nas.plugins.kinds import BASES
from latent_nas.surrogates.mlp import Mlp
from latent_nas.surrogates.xgb import Xgb

# Subjects that stand for a plugin where it would take long: fewer lists, smaller models.
QUICK = {
    ("spaces", "resnet_analog"): "resnet_analog:stages=1-3;repeats=1-2;branches=1-3",  # else thousands of layers
    ("surrogates", "mlp"): Mlp(steps=120, epochs=10, members=3),
    ("surrogates", "xgb"): Xgb(rounds=60, rate=0.1),
}
FETCHED = {
    "char_lm",
    "cifar10",
    "fashion_mnist",
    "mnist",
    "spoken_digits",
}  # by download; their own tests make some data
ELSEWHERE = {"crews": {"ray"}, "tasks": FETCHED, "evaluators": {"emulate", "analog"}}
SHIPPED = [(kind, name) for kind in BASES for name in plugins.names(kind) if name not in ELSEWHERE.get(kind, ())]


@pytest.mark.usefixtures("quick_strategies")
@pytest.mark.parametrize(("kind", "name"), SHIPPED)
def test_what_ships_keeps_its_contracts(kind: str, name: str):
    assert [str(failure) for failure in check(kind, QUICK.get((kind, name), name))] == []


def test_every_kind_has_contracts():
    assert all(names(kind) for kind in BASES)
    with pytest.raises(ValueError, match="there are no contracts for 'gadgets'; there are: spaces, tasks"):
        check("gadgets", "x")


SURROGATE = """
import numpy as np
from latent_nas import artifacts
from latent_nas.surrogates import Surrogate


class Ridge(Surrogate):
    def __init__(self, penalty=1.0, seed=0):
        self.penalty, self.seed = penalty, seed

    def _fit(self, X, y):
        X = np.hstack([X, np.ones((len(X), 1))])
        self.weights_ = np.linalg.solve(X.T @ X + 1e-3 * self.penalty * np.eye(X.shape[1]), X.T @ y)
        self.spread_ = (y - X @ self.weights_).std(axis=0) + 1e-6

    def _predict(self, X):
        mean = np.hstack([X, np.ones((len(X), 1))]) @ self.weights_
        return mean, np.broadcast_to(self.spread_, mean.shape)

    def _files(self):
        return {"ridge.safetensors": artifacts.pack({"weights": self.weights_, "spread": self.spread_})}

    def _restore(self, files):
        arrays = artifacts.unpack(files["ridge.safetensors"])
        if len(arrays["weights"]) != self.n_features_in_ + 1:
            raise ValueError("of another number of columns")
        self.weights_, self.spread_ = arrays["weights"], arrays["spread"]


Plugin = Ridge
"""
OPERATOR = """
from dataclasses import dataclass
from typing import ClassVar
from latent_nas.operators.relu import Relu


@dataclass(frozen=True)
class Positive(Relu):
    kind: ClassVar[str] = "positive"


Plugin = Positive
"""
READER = """
import numpy as np
from latent_nas.readers import Raw, Reader, number


class Bits(Reader):
    about = "a .bits file (lines of a class and 0110...)"

    def takes(self, path):
        return path.suffix == ".bits"

    def example(self, folder):
        (folder / "some.bits").write_text("up 01\\ndown 10\\n", encoding="utf-8")
        return folder / "some.bits"

    def read(self, path, wanted):
        rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
        y, classes = number([label for label, _ in rows])
        x = np.array([[float(bit) for bit in bits] for _, bits in rows], np.float32)[:, :, None, None]
        return Raw(x, y, classes, np.full(len(y), -1), tuple(map(str, range(len(y)))), "patterns")


Plugin = Bits
"""
EVALUATOR = """
from latent_nas.evaluators.training import Training


class Mine(Training):
    pass


Plugin = Mine
"""
CREW = """
from latent_nas.crews.local import Local


class Mine(Local):
    pass


Plugin = Mine
"""
GOOD = {
    "spaces": SPACE,
    "tasks": TASK,
    "strategies": STRATEGY,
    "surrogates": SURROGATE,
    "operators": OPERATOR,
    "objectives": OBJECTIVE,
    "readers": READER,
    "evaluators": EVALUATOR,
    "crews": CREW,
}
# kind, what of the good file is replaced by what, the contract that then fails, and what is said
BROKEN = [
    ("spaces", '    name = "one_layer"\n', "", "has a name genes and features", "no `name`"),
    (
        "spaces",
        "return np.array(genes, np.int64)",
        "return (np.array(genes, np.int64) + 1) % self.sizes",
        "canonical is idempotent and keeps the network",
        "its canonical form is",
    ),
    (
        "spaces",
        "first, second = genes",
        "first, second = genes[0], 0",
        "distinct canonical genes build distinct networks",
        "build one network",
    ),
    ("spaces", '["macs"]] for', '["macs"] + 1] for', "features equal the graphs", "feature 'macs' of"),
    (
        "spaces",
        "return rng.integers(0, self.sizes, (n, 2))",
        "return np.random.default_rng().integers(0, self.sizes, (n, 2))",
        "samples and mutants are canonical and derived from the generator",
        "draw from `rng` alone",
    ),
    (
        "spaces",
        "np.array(genes, np.int64)",
        "np.array(genes, np.int8)",
        "canonical is idempotent and keeps the network",
        "of int8 for (300, 2) of int64",
    ),
    (
        "spaces",
        "return np.array(genes, np.int64)",
        "genes[genes[:, 0] == 0] = 0\n        return genes",
        "arguments are left alone",
        "`canonical` changes the genes that it is given; let it work on a copy",
    ),
    (
        "spaces",
        "    def graph(",
        "    def mutate(self, genes, rng):\n        return genes + rng.integers(1, 3, genes.shape)\n\n    def graph(",
        "samples and mutants are canonical and derived from the generator",
        "allows 0 to ",
    ),
    (
        "spaces",
        "    def graph(",
        "    def mutate(self, genes, rng):\n        return (genes + 1) % self.sizes\n\n    def graph(",
        "samples and mutants are canonical and derived from the generator",
        "two generators give the same mutants; draw from `rng`",
    ),
    (
        "spaces",
        "    def graph(",
        "    def mutate(self, g, rng):\n        return super().mutate(g, np.random.default_rng())\n\n    def graph(",
        "samples and mutants are canonical and derived from the generator",
        "one generator gives two mutants of a network; draw from `rng` alone",
    ),
    (
        "spaces",
        "build.add(Dense(self.outputs), x)",
        "build.add(Dense(3), x)",
        "networks take the input and give the outputs",
        "a network gives (3,)",
    ),
    (
        "spaces",
        "first, second = genes",
        "first, second, third = genes",
        "canonical is idempotent",
        "not enough values to unpack",
    ),
    (
        "tasks",
        "recipes = {k: replace(r, epochs=1) for k, r in Digits.recipes.items()}",
        "recipes = {}",
        "has a name a kind and recipes",
        "no Recipe 'search' nor 'full'",
    ),
    (
        "tasks",
        '    name = "few"',
        '    name = "few"\n    input_shape = (4, 4, 1)',
        "parts have the stated input",
        "x of train is (797, 8, 8, 1), wanted (n, 4, 4, 1)",
    ),
    (
        "tasks",
        '    name = "few"',
        '    name = "few"\n\n    def data(self):\n        d = super().data()\n        return replace(d, test=d.train)',
        "the test part is not in training",
        "100% of the test samples",
    ),
    (
        "strategies",
        "self.rng(self.depth)",
        'self.rng(__import__("os").urandom(4).hex())',
        "one seed asks the same",
        "asks for different",
    ),
    (
        "strategies",
        "return self.random(n, self.rng(self.depth), pending)",
        "return self.random(n - 1, self.rng(self.depth), pending)",
        "asks are valid distinct feasible and new",
        "ask(4) gives",
    ),
    (
        "strategies",
        "return self.random(n, self.rng(self.depth), pending)",
        "return self.random(n, self.rng(self.depth))",
        "pending networks are not asked for",
        "a pending network is asked for",
    ),
    (
        "strategies",
        "return self.random(n, self.rng(self.depth), pending)",
        "return list(map(tuple, self.problem.space.sample(self.rng(), n).tolist()))",
        "asks are valid distinct feasible and new",
        "exceeds the limits",
    ),
    ("surrogates", "X.T @ y)", "X.T @ y) * 0", "predicts and doubts", "correlates with the target by 0.00"),
    (
        "surrogates",
        '"spread": self.spread_}',
        '"spread": self.spread_ + 1}',
        "saved and restored are equal",
        "something else",
    ),
    (
        "surrogates",
        "self.penalty, self.seed = penalty, seed",
        "self.penalty, self.seed = penalty, seed\n        np.random.rand()",
        "global generators are left alone",
        "numpy's global generator",
    ),
    (
        "objectives",
        'return record.measured_int8["accuracy"]',
        'return -record.measured_int8["accuracy"]',
        "a better network is better",
        "more is better",
    ),
    (
        "objectives",
        'return record.measured_int8["accuracy"]',
        'return float("nan") * record.measured_int8["accuracy"]',
        "a record gets a finite value",
        "wanted a finite number",
    ),
    ("readers", 'return path.suffix == ".bits"', "return True", "takes nothing but its own", "wanted False"),
    ("readers", ", np.float32)[:, :, None, None]", ", float)[:, :, None, None]", "reads its example", "float64"),
    (
        "evaluators",
        "    pass",
        "    def evaluate(self, jobs):\n        return iter(())",
        "gives a record per job",
        "0 records",
    ),
    ("crews", "    pass", "    slots = 0", "has slots", "wanted 1 or more"),
]


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LATENT_NAS_CACHE", str(fresh_cache(tmp_path / "cache")))
    plugins.forget()
    yield tmp_path
    plugins.forget()


@pytest.mark.parametrize("kind", GOOD)
def test_a_file_of_the_users_own_keeps_them(own, kind):
    Path("mine.py").write_text(GOOD[kind], encoding="utf-8")
    assert check_file("mine.py") == (kind, [])


@pytest.mark.parametrize(("kind", "before", "after", "contract", "said"), BROKEN)
def test_what_is_broken_in_one_way_is_named(own, kind, before, after, contract, said):
    assert before in GOOD[kind]
    Path("mine.py").write_text(GOOD[kind].replace(before, after), encoding="utf-8")
    failures = {failure.contract: failure for failure in check_file("mine.py")[1]}
    (name,) = [name for name in failures if name.startswith(contract)]
    assert said in failures[name].said
    assert re.search(r"mine\.py:\d+$", failures[name].where)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("macs.argsort().argsort()", "'cell.own' depends on the networks beside it"),
        ("np.random.random(len(macs))", "'cell.own' depends on the networks beside it"),
        ("macs + np.nan", "features are NaN or infinite"),
    ],
)
def test_features_of_a_spaces_own_are_looked_at(own, value, said):
    read = 'return np.array([[graph_features(self.graph(row))["macs"]] for row in genes], np.float32)'
    more = (
        f"macs = {read.removeprefix('return ')}[:, 0]\n        return np.stack([macs, {value}], 1).astype(np.float32)"
    )
    text = GOOD["spaces"].replace(read, more).replace('("macs",)', '("macs", "cell.own")')
    Path("mine.py").write_text(text, encoding="utf-8")
    (failure,) = check_file("mine.py")[1]
    assert failure.contract == "features are of each network alone"
    assert said in failure.said


class TestCommand:
    def run(self, capsys, *words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(["check", *words])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out + captured.err

    def test_says_what_is_kept(self, own, capsys):
        Path("mine.py").write_text(OBJECTIVE, encoding="utf-8")
        code, said = self.run(capsys, "mine.py")
        assert (code, said) == (0, f"mine.py keeps all {len(names('objectives'))} contracts of objectives\n")

    def test_a_board(self, own, capsys):
        Path("board.toml").write_text(BOARD.replace("clock_mhz = 100", "clock_mhz = 0.1"), encoding="utf-8")
        code, said = self.run(capsys, "board.toml")
        assert code == 1
        assert "board.toml: figures can be: its clock is 0.1 MHz" in said

    def test_a_file_that_is_no_plugin_is_a_line_and_code_1(self, own, capsys):
        for text, wanted in (
            ("import nothing_at_all\n", r"mine\.py:1: does not import: ModuleNotFoundError"),
            ("x = 1\n", r"the file has no Plugin"),
            ("Plugin = 3\n", r"not a plugin of any kind"),
        ):
            Path("mine.py").write_text(text, encoding="utf-8")
            code, said = self.run(capsys, "mine.py")
            assert code == 1
            assert re.search(wanted, said)
            assert said.count("\n") == 1

    def test_python_has_the_same(self, own):
        Path("mine.py").write_text(OBJECTIVE, encoding="utf-8")
        assert latent_nas.check("objectives", "mine.py") == []
        assert latent_nas.check("objectives", plugins.load("objectives", "mine.py")) == []

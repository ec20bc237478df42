"""The door: what a user brings, by path or as an object, in this process and in others; and what is wrong with it."""

import json
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from latent_nas import plugins
from latent_nas.crews import carry_out, open_crew
from latent_nas.devices import open_device
from latent_nas.operators import from_json
from latent_nas.spaces import open_space
from latent_nas.spaces.mcu_cnn import Plugin as McuCnn
from latent_nas.strategies.settings import configured
from latent_nas.target import Setup, Target
from latent_nas.tasks import open_task
from latent_nas.tasks._names import is_path
from latent_nas.tasks.digits import Digits

SPACE = """
import numpy as np
from latent_nas.graph import Builder
from latent_nas.graph.features import graph_features
from latent_nas.operators.dense import Dense
from latent_nas.operators.flatten import Flatten
from latent_nas.spaces import Gene, Space


class OneLayer(Space):
    name = "one_layer"
    feature_names = ("macs",)

    def __init__(self, input_shape, outputs, widths=(4, 8, 16)):
        super().__init__(input_shape, outputs)
        self.genes = (Gene("width", tuple(widths)), Gene("second", (0, *widths)))

    def sample(self, rng, n):
        return rng.integers(0, self.sizes, (n, 2))

    def canonical(self, genes):
        return np.array(genes, np.int64)

    def graph(self, genes):
        first, second = genes
        build = Builder(self.input_shape)
        x = build.add(Dense(self.genes[0].choices[first]), build.add(Flatten(), 0))
        x = build.add(Dense(self.genes[1].choices[second]), x) if second else x
        build.add(Dense(self.outputs), x)
        return build.build()

    def features(self, genes):
        return np.array([[graph_features(self.graph(row))["macs"]] for row in genes], np.float32)


Plugin = OneLayer
"""
OPERATOR = """
from dataclasses import dataclass
from typing import ClassVar
from latent_nas.operators.relu import Relu


@dataclass(frozen=True)
class Shifted(Relu):
    kind: ClassVar[str] = "{kind}"
    by: int = 1


Plugin = Shifted
"""
TASK = """
from latent_nas.tasks.digits import Digits


class Mine(Digits):
    name = "mine"


Plugin = Mine
"""
STRATEGY = """
from latent_nas.strategies.random import Plugin as Random


class Mine(Random):
    name = "mine"
    depth = 3


Plugin = Mine
"""
BOARD = """
core = "cortex-m4"
clock_mhz = 100
flash_kb = 256
regions = [{ name = "sram", kb = 64, address = 0x20000000 }]
"""


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch):
    """A folder of the user's own, and nothing known of earlier ones."""
    monkeypatch.chdir(tmp_path)
    plugins.forget()
    yield tmp_path
    plugins.forget()


def write(name: str, text: str) -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


class TestByPath:
    def test_a_space_with_its_lists(self, own):
        space = open_space(write("mine.py", SPACE), (8, 8, 1), 10)
        assert (space.name, space.sizes.tolist()) == ("one_layer", [3, 4])
        wide = open_space("mine.py:widths=8,16", (8, 8, 1), 10)
        assert wide.genes[0].choices == (8, 16)
        with pytest.raises(ValueError, match=r"space 'mine\.py' has no list 'depths'; there are: widths"):
            open_space("mine.py:depths=1", (8, 8, 1), 10)

    def test_any_class_of_a_file(self, own):
        write("two.py", SPACE + "\nclass Other(OneLayer):\n    name = 'other'\n")
        assert open_space("two.py#Other", (8, 8, 1), 10).name == "other"

    def test_a_task_is_told_apart_from_data_by_its_suffix(self, own):
        write("mine.py", TASK)
        assert open_task("mine.py").name == "mine"
        assert not is_path("mine.py")
        assert is_path("mine.csv")

    def test_a_strategy_is_set_by_its_own_name(self, own):
        write("m.py", STRATEGY)
        assert configured("m.py", ["mine.depth=5"]).depth == 5
        with pytest.raises(ValueError, match=r"of strategy 'evolution', which is not used; used: mine"):
            configured("m.py", ["evolution.population=5"])

    def test_a_board(self, own):
        assert open_device(write("board.toml", BOARD)).flash_bytes == 256 * 1024

    def test_a_file_that_changes_is_read_again(self, own):
        write("mine.py", SPACE)
        assert open_space("mine.py", (8, 8, 1), 10).sizes[0] == 3
        write("mine.py", SPACE.replace("(4, 8, 16)", "(4, 8)"))
        assert open_space("mine.py", (8, 8, 1), 10).sizes[0] == 2


class TestByName:
    def test_what_was_brought_is_found(self, own):
        assert plugins.bring(write("shifted.py", OPERATOR.format(kind="shifted"))) == "operators"
        assert "shifted" in plugins.names("operators")
        operator = from_json({"kind": "shifted", "by": 4})
        assert (operator.by, from_json(operator.to_json())) == (4, operator)

    def test_the_users_goes_before_the_shipped_one_and_this_is_said(self, own, caplog):
        plugins.bring(write("mine.py", OPERATOR.format(kind="relu")))
        assert from_json({"kind": "relu"}).by == 1
        assert [m for m in caplog.messages if re.fullmatch(r"operator 'relu' is that of .*mine\.py from now on.*", m)]

    def test_two_of_the_users_are_refused(self, own):
        plugins.bring(write("a.py", OPERATOR.format(kind="twin")))
        with pytest.raises(ValueError, match=r"two operators are called 'twin': .*a\.py and .*b\.py; rename one"):
            plugins.bring(write("b.py", OPERATOR.format(kind="twin")))

    def test_data_plugins(self, own):
        assert plugins.bring(write("board.toml", BOARD)) == "devices"
        assert open_device("board").clock_hz == 100_000_000


class TestObjects:
    def test_a_class_that_ships_is_its_name(self):
        assert plugins.reference("spaces", McuCnn) == "mcu_cnn"

    def test_a_class_that_a_file_made_goes_by_file_and_name(self, own):
        cls = plugins.load("spaces", write("mine.py", SPACE))
        reference = plugins.reference("spaces", cls)
        assert reference == f"{own / 'mine.py'}#OneLayer"
        assert plugins.load("spaces", reference) is cls

    def test_an_object_is_bound_to_its_task(self, own):
        space = plugins.load("spaces", write("mine.py", SPACE))((8, 8, 1), 10)
        reference = plugins.reference("spaces", space)
        assert open_space(reference, (8, 8, 1), 10) is space
        with pytest.raises(ValueError, match="bound to input"):
            open_space(reference, (4, 4, 1), 10)

    def test_a_device(self):
        device = open_device("stm32f405")
        assert open_device(plugins.reference("devices", device)) is device

    def test_an_object_of_another_process_is_asked_of_its_program(self):
        with pytest.raises(ValueError, match=r"space MySpace@0123abcd was an object of a Python program"):
            open_space("MySpace@0123abcd", (8, 8, 1), 10)

    def test_what_no_worker_can_make_is_said(self):
        class Hidden(Digits):
            pass

        with pytest.raises(ValueError, match="Hidden is made within a function"):
            plugins.reference("tasks", Hidden)

    def test_a_notebook_is_told_what_to_do(self, own):
        code = (
            "from latent_nas import plugins; from latent_nas.tasks.digits import Digits\n"
            "class Mine(Digits):\n    pass\n"
            "try:\n    plugins.reference('tasks', Mine)\nexcept ValueError as error:\n    print(error)\n"
        )
        done = subprocess.run([sys.executable], input=code, text=True, capture_output=True, check=True)
        assert "Mine is defined in a notebook or at a prompt" in done.stdout
        assert "mine.py that ends with `Plugin = ...`" in done.stdout


WRONG = {
    "does not import": ("x = 1\nx.y\n", r"mine\.py:2: does not import: AttributeError: 'int' object has no"),
    "is not a Python": ("def f(:\n", r"mine\.py:1: does not import: SyntaxError: "),
    "imports what is not there": ("import nothing_at_all\n", r"mine\.py:1: does not import: ModuleNotFoundError"),
    "ends the process": ("import sys\n\nsys.exit(1)\n", r"mine\.py:3: does not import: SystemExit: 1"),
    "assigns no Plugin": ("x = 1\n", r"mine\.py:1: the file has no Plugin; end the file with `Plugin = YourClass`"),
    "is a number": (
        "Plugin = 3\n",
        r"mine\.py: Plugin is int object 3; wanted a space: a class that inherits",
    ),
    "is of another kind": (
        "from latent_nas.tasks.digits import Digits\n\n\nclass A(Digits):\n    pass\n\n\nPlugin = A\n",
        r"mine\.py:4: Plugin is A, a task; wanted a space: a class that inherits latent_nas\.spaces\.Space",
    ),
    "lacks methods": (
        "from latent_nas.spaces import Space\n\n\nclass A(Space):\n    pass\n\n\nPlugin = A\n",
        r"mine\.py:4: A is not a whole space: it lacks canonical, features, graph, sample",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_one_line(own, case):
    text, said = WRONG[case]
    with pytest.raises(ValueError, match=said) as error:
        plugins.load("spaces", write("mine.py", text))
    assert "\n" not in str(error.value)


def test_other_wrong_input():
    with pytest.raises(ValueError, match=r"there is no file nowhere\.py; spaces known by name: .*mcu_cnn"):
        plugins.load("spaces", "nowhere.py")
    with pytest.raises(ValueError, match=r"ends in \.py or \.toml, got mine"):
        plugins.bring("mine")
    with pytest.raises(ValueError, match=r"not a plugin of any kind; those have regions"):
        plugins.bring(write("x.toml", "a = 1"))
    with pytest.raises(ValueError, match=r"not a plugin of any kind; those inherit spaces\.Space"):
        plugins.bring(write("x.py", "Plugin = 3"))


def opened_there(target: Target) -> tuple[int, str, str]:
    """Return what a target's parts are in this process."""
    setup = Setup(target)
    return len(setup.space.genes), setup.task.name, setup.device.name


def test_workers_get_the_text_even_where_the_file_is_gone(own):
    task = plugins.load("tasks", write("t.py", TASK))
    board, space = open_device(write("board.toml", BOARD)), plugins.located(write("mine.py", SPACE))
    target = Target(space, plugins.reference("tasks", task()), plugins.reference("devices", board), "cmsis_nn")
    assert opened_there(target) == (2, "mine", "board")
    for file in own.iterdir():
        file.unlink()
    crew = open_crew(1)
    assert list(carry_out(crew, opened_there, [target], lambda task, reason: reason)) == [(2, "mine", "board")]
    crew.close()


def test_work_travels_by_pickle_with_a_function_of_the_file(own):
    work = plugins.load("zoo", write("work.py", "def double(x):\n    return 2 * x\n\n\nPlugin = double\n"))
    data = pickle.dumps(plugins.carried(work))
    Path("work.py").unlink()
    code = f"import pickle; print(pickle.loads({data!r})(21))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "42"


def test_nothing_is_packed_where_nothing_was_brought():
    assert plugins.carried(np.sum) is np.sum
    assert json.dumps(plugins.reference("tasks", "digits")) == '"digits"'


def test_a_table_of_toml_is_of_who_reads_it_and_parsed_once(tmp_path, monkeypatch):
    file = tmp_path / "some.toml"
    file.write_text("kernels = [{ name = 'one', cycles = { high = 3 } }]", encoding="utf-8")
    first = plugins.toml(file)
    first["kernels"][0]["cycles"]["high"] = 4
    with monkeypatch.context() as unread:
        unread.setattr(plugins.tomllib, "loads", None)
        assert plugins.toml(file) == {"kernels": [{"name": "one", "cycles": {"high": 3}}]}
    file.write_text("kernels = []", encoding="utf-8")
    assert plugins.toml(file) == {"kernels": []}
    file.write_text("kernels = [", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(ValueError, match="is not TOML"):
            plugins.toml(file)

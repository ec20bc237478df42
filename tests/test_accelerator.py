"""Where networks are trained: a name, said or refused in a line; kept by a run; a GPU without room loses no record.

What runs on a GPU is marked ``gpu``; here its absence is tested, and a GPU that is full by the error that torch raises.
"""

import gc
import json
import logging
import weakref
from collections import deque
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from killed import gone_on

torch = pytest.importorskip("torch")

from latent_nas import accelerator, cli, plugins  # noqa: E402
from latent_nas.cli import doctor  # noqa: E402
from latent_nas.contracts.operators import around, subjects  # noqa: E402
from latent_nas.crews import Crew, carry_out  # noqa: E402
from latent_nas.evaluators import Job, work  # noqa: E402
from latent_nas.evaluators.training import Training, _on_the_cpu  # noqa: E402
from latent_nas.jobs.search.config import SearchConfig, new_config  # noqa: E402
from latent_nas.jobs.search.prepare import prepare  # noqa: E402
from latent_nas.jobs.search.resume import going_on  # noqa: E402
from latent_nas.jobs.train_config import TrainConfig, begin, recipe_of, resumed  # noqa: E402
from latent_nas.records import Record  # noqa: E402
from latent_nas.spaces import open_space  # noqa: E402
from latent_nas.target import Target, open_target  # noqa: E402
from latent_nas.tasks import open_task  # noqa: E402
from latent_nas.training import train  # noqa: E402
from latent_nas.training.network import Network, to_tensor  # noqa: E402

TARGET = Target("mcu_cnn", "digits", "stm32f405", "cmsis_nn", search_epochs=1)
GENES = (0, 3, 0, 0, 0, 3, 1, 1, 0, 2, 0, 5, 1, 1, 0, *[0] * 18, 0, 0)


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.fixture
def a_gpu(monkeypatch):
    """A machine whose torch says that there is a GPU; nothing runs on it."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    about = type("About", (), {"name": "Some GPU", "total_memory": 8 * 2**30})
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: about)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gpu", "no accelerator 'gpu'; there are: auto, cpu, cuda, mps"),
        ("cuda", r"no CUDA device here \(.*\); use --accelerator cpu, or auto for what there is"),
        ("mps", r"no MPS device here \(a Mac's GPU\); use --accelerator cpu"),
    ],
)
def test_what_is_not_there_is_one_line(name, message, no_gpu, tmp_path, capsys):
    with pytest.raises(ValueError, match=message):
        accelerator.resolve(name)
    for command in (["search"], ["train", "mlperf_resnet8"]):
        with pytest.raises(SystemExit) as stopped:
            cli.main([*command, "--accelerator", name, "--out", str(tmp_path / "run")])
        assert stopped.value.code == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_auto_is_the_cpu_where_there_is_nothing_else(no_gpu):
    assert accelerator.resolve("auto") == "cpu"
    assert accelerator.said("cpu") == "training on the CPU"
    assert "--accelerator auto: training on the CPU" in doctor.lines(doctor.examine())


def test_auto_is_the_gpu_that_torch_sees(a_gpu):
    assert accelerator.resolve("auto") == "cuda"
    assert doctor.examine()["accelerator"] == "training on the GPU Some GPU (8 GB, cuda)"


def test_a_run_keeps_the_kind_that_it_began_with(a_gpu, monkeypatch):
    begun = SearchConfig.from_json(json.loads(json.dumps(new_config(replace(TARGET, accelerator="auto")).to_json())))
    assert begun.target.accelerator == "cuda"
    assert going_on(begun, {"accelerator": "auto"})[0].target.accelerator == "cuda"
    with pytest.raises(ValueError, match=r"--accelerator can't change in a run that goes on.*'cuda', now 'cpu'"):
        going_on(begun, {"accelerator": "cpu"})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"the run trains on cuda: no CUDA device here \(.*\); go on where"):
        prepare(begun)


def test_a_training_keeps_its_kind_too(no_gpu, tmp_path):
    config = TrainConfig("toy", "digits", recipe_of("digits", "search", epochs=1), accelerator="cuda")
    graph = open_target(TARGET).space.graph(GENES)
    begin(config, graph, tmp_path / "run")
    with pytest.raises(ValueError, match="no CUDA device here"):
        resumed(tmp_path / "run")


def test_runs_from_before_trained_on_the_cpu():
    saved = json.loads(json.dumps(new_config(TARGET).to_json()))
    del saved["target"]["accelerator"]
    assert SearchConfig.from_json(saved).target.accelerator == "cpu"


def test_analog_memory_is_trained_for_on_the_cpu(a_gpu):
    assert new_config(replace(TARGET, accelerator="auto"), measure="analog").target.accelerator == "cpu"
    with pytest.raises(ValueError, match="'analog' trains on the CPU alone; leave --accelerator cuda away"):
        new_config(replace(TARGET, accelerator="cuda"), measure="analog")


def test_a_cluster_knows_itself_what_it_has(no_gpu):
    assert new_config(replace(TARGET, accelerator="cuda"), ray="10.0.0.1:6379").target.accelerator == "cuda"


def test_memory_in_cycles_is_given_back_too(a_gpu, monkeypatch):
    class Holder:
        pass

    gc.disable()
    try:
        holder = Holder()
        holder.itself = holder
        left = weakref.ref(holder)
        del holder
        monkeypatch.setattr(torch.cuda, "empty_cache", lambda: freed.append(left() is None))
        freed = []
        accelerator.release()
    finally:
        gc.enable()
    assert freed == [True]


@pytest.mark.parametrize(("size", "most"), [(8, 2048), (96, 113)])
def test_a_gpu_evaluates_fewer_at_once_of_a_network_with_large_tensors(size, most):
    """No tensor takes more than 64 MiB; "meta" stands for a GPU."""
    graph = open_space("mcu_cnn", (size, size, 1), 10).graph(GENES)
    model = Network(graph)
    assert model.at_once == 512
    assert model.to("meta").at_once == most
    assert most == 2048 or most == 2**24 // max(np.prod(node.shape) for node in graph.nodes)


class Inline(Crew):
    """Does work in this process, as many pieces at once as it is given, the first first. ``most``: that it has seen."""

    def __init__(self, slots: int) -> None:
        self._slots, self.most = slots, 0
        self.running: deque = deque()

    @property
    def slots(self) -> int:
        return self._slots

    def start(self, work, *arguments):
        self.running.append((work, arguments))
        self.most = max(self.most, len(self.running))
        return self.running[-1]

    def finished(self, handles):
        return handles[:1]

    def result(self, handle):
        try:
            return handle[0](*handle[1])
        finally:
            self.running.remove(handle)

    def close(self):
        pass


def full(crew: Inline, room: int, *given, **settings):
    """Train as ``train`` does, on a GPU that has room for so many at once; the CPU stands for it."""
    if settings["accelerator"] == "cuda":
        if len(crew.running) > room:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        settings["accelerator"] = "cpu"
    return train(*given, **settings)


@pytest.mark.parametrize("room", [0, 1, 2])
def test_a_full_gpu_trains_fewer_at_once_and_loses_none(room, monkeypatch, caplog):
    crew, target = Inline(4), replace(TARGET, accelerator="cuda")
    monkeypatch.setattr(work, "train", partial(full, crew, room))
    monkeypatch.setattr(accelerator, "said", lambda kind: f"training on {kind}")
    jobs = [Job(GENES, seed) for seed in range(6)]
    with caplog.at_level(logging.WARNING, "latent_nas"):
        found = list(carry_out(crew, partial(work.record_of, target), jobs, partial(work.failed, target), _on_the_cpu))
    assert sorted(record.seed for record in found) == list(range(6))
    assert all(record.ok for record in found)
    assert f"at most {max(room, 1)} at once from now on" in caplog.messages[-2 if room == 0 else -1] or room == 0
    kinds = {record.versions.get("accelerator", "training on the CPU") for record in found}
    assert kinds == ({"training on the CPU"} if room == 0 else {"training on cuda"})
    assert ("it is done with less" in caplog.text) == (room == 0)
    same = [essence(record) for record in sorted(found, key=lambda record: record.seed)]
    assert same == [essence(work.record_of(TARGET, job)) for job in jobs]  # as those of the CPU, which stood for it


def crowded(mark: str, target: Target, job: Job) -> Record:
    """Return a job's record; the first two find the GPU full."""
    marks = [Path(f"{mark}{i}") for i in range(2)]

    def trained(*given, **settings):
        for one in marks:
            try:
                one.touch(exist_ok=False)
            except FileExistsError:
                continue
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return train(*given, **{**settings, "accelerator": "cpu"})

    work.train, accelerator.said = trained, str
    return work.record_of(target, job)


def test_processes_that_find_a_gpu_full_go_on(tmp_path):
    evaluator = Training(replace(TARGET, accelerator="cuda"), 2, work=partial(crowded, str(tmp_path / "mark")))
    try:
        found = list(evaluator.evaluate([Job(GENES, seed) for seed in range(4)]))
    finally:
        evaluator.close()
    assert sorted(record.seed for record in found) == list(range(4))
    assert all(record.ok for record in found)


def essence(record: Record) -> dict:
    return {name: v for name, v in asdict(record).items() if name not in ("wall_s", "versions")}


def test_a_record_of_the_cpu_is_the_same_however_it_is_named(no_gpu):
    named = new_config(replace(TARGET, accelerator="auto")).target
    assert named == replace(TARGET, search_epochs=named.search_epochs)
    assert essence(work.record_of(replace(TARGET, accelerator="cpu"), Job(GENES, 3))) == essence(
        work.record_of(TARGET, Job(GENES, 3, accelerator="cpu"))
    )


@pytest.mark.parametrize("kind", [name for name in plugins.names("operators") if name != "input"])
def test_every_operator_computes_where_its_input_lies(kind):
    """On torch's device without values, "meta": a GPU takes numbers from the CPU, but no arrays."""
    from torch.utils import _pytree
    from torch.utils._python_dispatch import TorchDispatchMode

    class Apart(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            given = [v for v in _pytree.tree_leaves((args, kwargs)) if isinstance(v, torch.Tensor) and v.ndim]
            assert len({v.device.type for v in given}) <= 1 or "_to_copy" in str(func), (func, given)
            return func(*args, **(kwargs or {}))

    for operator in subjects(plugins.load("operators", kind)):
        graph = around(operator)
        model = Network(graph).to("meta")
        data = np.zeros((2, *graph.input_shape), np.float32 if len(graph.input_shape) > 1 else np.int64)
        with Apart():
            made = model(to_tensor(data).to("meta"))
            made.sum().backward()
        assert made.device.type == "meta"


@pytest.fixture
def gpu():
    """Return the kind of this machine's GPU."""
    kind = accelerator.resolve("auto")
    if kind == "cpu":
        pytest.skip("torch sees no GPU on this machine")
    return kind


def trained(kind: str, seed: int = 1):
    task = open_task("digits")
    data, space = task.data(), open_space("mcu_cnn", task.input_shape, task.outputs)
    recipe = replace(task.recipes["search"], epochs=8)
    return train(space.graph(GENES), task, recipe, seed, data.train, data.valid, accelerator=kind)


@pytest.mark.gpu
def test_a_gpu_gives_the_same_network_each_time(gpu):
    first, second = trained(gpu), trained(gpu)
    assert first.curve == second.curve
    np.testing.assert_array_equal(first.outputs, second.outputs)


@pytest.mark.gpu
def test_a_gpu_learns_as_the_cpu_does(gpu):
    theirs, ours = (np.mean([trained(kind, seed).curve[-1] for seed in range(3)]) for kind in (gpu, "cpu"))
    assert theirs == pytest.approx(ours, abs=0.03)


@pytest.mark.gpu
def test_a_training_on_a_gpu_goes_on_from_its_checkpoint(gpu, tmp_path):
    task = open_task("digits")
    data, space = task.data(), open_space("mcu_cnn", task.input_shape, task.outputs)
    recipe = replace(task.recipes["search"], epochs=4, to_end=True)
    given = space.graph(GENES), task, recipe, 1, data.train, data.valid
    whole = train(*given, accelerator=gpu)
    again = gone_on(*given, keep=tmp_path / "checkpoint", accelerator=gpu)
    np.testing.assert_array_equal(again.outputs, whole.outputs)

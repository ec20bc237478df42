"""Steps captured as CUDA graphs: the weights are those of steps that are sent kernel by kernel, for every recipe."""

import contextlib
import gc
import logging
import weakref
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from latent_nas import accelerator, seeds  # noqa: E402
from latent_nas.spaces import open_space  # noqa: E402
from latent_nas.tasks import open_task  # noqa: E402
from latent_nas.training import fit, graphed, optimisers  # noqa: E402
from latent_nas.training.batch import Batch  # noqa: E402
from latent_nas.training.graphed import FIRST, Graphed  # noqa: E402
from latent_nas.training.learner import Learner  # noqa: E402
from latent_nas.training.network import Network  # noqa: E402
from latent_nas.training.stage import Stage  # noqa: E402
from latent_nas.training.teacher import Teacher  # noqa: E402

TASK = open_task("digits")
GENES = (0, 3, 0, 0, 0, 3, 1, 1, 0, 2, 0, 5, 1, 1, 0, *[0] * 18, 0, 0)
GRAPH = open_space("mcu_cnn", TASK.input_shape, TASK.outputs).graph(GENES)
RECIPE = replace(TASK.recipe("search"), epochs=4, batch=64, augment=False)


def test_a_batch_says_its_form_and_takes_another_one():
    first = Batch(torch.arange(3), shares=torch.tensor([0.5, 0.5]))
    second = Batch(torch.arange(4, 7), shares=torch.tensor([0.25, 0.75]))
    assert first.form == second.form == ((3,), None, None, None, (2,))
    held = first.clone()
    held.take(second)
    assert held.rows.tolist() == [4, 5, 6]
    assert first.rows.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="zip"):
        held.take(Batch(torch.arange(3)))


def test_a_training_leaves_nothing_behind(monkeypatch):
    """Its data and optimiser go with it; they don't wait for the collection of cycles."""
    data, left = TASK.data(), []

    class Seen(Learner):
        def __init__(self, *given):
            super().__init__(*given)
            left.extend(weakref.ref(one) for one in (self, self._x, self.optimiser))

    monkeypatch.setattr(fit, "Learner", Seen)
    stage = Stage(TASK, replace(RECIPE, epochs=1), 0, data.train, data.valid)
    fit.fit(GRAPH, stage)  # torch's own first steps leave cycles
    left.clear()
    gc.disable()
    try:
        for seed in (1, 2):
            fit.fit(GRAPH, replace(stage, seed=seed))
        assert len(left) == 6
        assert not any(ref() for ref in left)
    finally:
        gc.enable()


def test_steps_that_no_graph_captures_are_silent():
    class Warns(torch.optim.SGD):
        def step(self):
            import warnings

            warnings.warn("This instance was constructed with capturable=True or some of all", stacklevel=2)
            super().step()

    weight = torch.nn.Parameter(torch.ones(1))
    weight.grad = torch.ones(1)
    optimiser = Warns([weight], lr=0.5)
    with pytest.warns(UserWarning, match="capturable"):
        optimisers.descend(optimiser)
    optimiser.defaults["capturable"] = True
    optimisers.descend(optimiser)
    assert weight.item() == 0


@pytest.fixture
def pretended(monkeypatch):
    """A GPU whose captures fail as torch's do: the stream of a capture that can't be ended stays the current one."""
    seen = SimpleNamespace(current="default", streams=0, captures=0)

    class Stream:
        def __init__(self):
            seen.streams += 1

        def wait_stream(self, other):
            pass

    @contextlib.contextmanager
    def stream(one):
        before, seen.current = seen.current, one
        try:
            yield
        finally:
            seen.current = before

    @contextlib.contextmanager
    def graph(captured, stream, capture_error_mode, pool=None):
        seen.current, seen.captures = stream, seen.captures + 1
        yield
        raise RuntimeError("operation failed due to a previous error during capture")

    monkeypatch.setattr(graphed, "REFUSED", [])
    monkeypatch.setattr(graphed, "_FAILED", [])
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", stream)
    monkeypatch.setattr(torch.cuda, "graph", graph)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: SimpleNamespace(reset=lambda: None))
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: (0, 1))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: SimpleNamespace(wait_stream=lambda other: None))
    graphed.side.cache_clear()
    yield seen
    graphed.side.cache_clear()


def test_a_capture_that_fails_is_tried_and_said_once_a_process(pretended, caplog):
    with caplog.at_level(logging.WARNING, "latent_nas"):
        for _ in range(2):
            graphs = Graphed()
            losses = [graphs(lambda batch: batch.rows.sum(), Batch(torch.arange(3))) for _ in range(FIRST + 3)]
            assert [loss.item() for loss in losses] == [3] * (FIRST + 3)
    assert pretended.captures == 2  # the one that failed and the one behind it that ends what it left
    assert pretended.streams == 1
    assert pretended.current == "default"
    assert len(caplog.messages) == 1
    assert "no CUDA graph of it (operation failed due to" in caplog.messages[0]


def learnt(device, recipe, taught=False, graphs=True, peeks=False):
    """Return a learner after two epochs of uneven batches, whose loss is looked at where it ``peeks``."""
    data = TASK.data().train
    with seeds.isolated(1):
        model = Network(GRAPH).to(device)
        teacher = Teacher.of([Network(GRAPH), Network(GRAPH)], data.x) if taught else None
        learner = Learner(model, TASK, recipe, 1, data, teacher)
        assert learner._graphed
        if not graphs:
            learner._graphed = None
        if peeks:
            loss_of = learner.loss

            def looked_at(batch):
                loss = loss_of(batch)
                assert loss.item() > 0
                return loss

            learner.loss = looked_at
        history = [learner.epoch(epoch, []) for epoch in range(2)]
    return learner, history


def assert_same(one, other):
    for own, others in zip(one.judged.state_dict().values(), other.judged.state_dict().values(), strict=True):
        np.testing.assert_array_equal(own.cpu().numpy(), others.cpu().numpy())


@pytest.fixture
def gpu(monkeypatch):
    """Return torch's device of this machine's GPU; no capture was refused on it so far."""
    if accelerator.resolve("auto") != "cuda":
        pytest.skip("torch sees no CUDA device on this machine")
    monkeypatch.setattr(graphed, "REFUSED", [])
    return accelerator.device("cuda")


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("changes", "taught"),
    [
        ({}, False),
        ({"optimiser": "sgd", "learning_rate": 0.05, "weight_decay": 1e-3, "average": 0.0}, False),
        ({"optimiser": "rmsprop", "schedule": "one-cycle"}, False),
        ({"optimiser": "adamw", "augmentation": "shift=1,mixup", "label_smoothing": 0.1}, False),
        ({"optimiser": "muon", "learning_rate": 0.02}, False),
        ({"augmentation": "cutmix"}, False),
        ({"teachers": 2}, True),
        ({"teachers": 2, "augmentation": "shift=1,cutmix"}, True),
    ],
)
def test_captured_steps_give_the_weights_of_single_kernels(gpu, changes, taught, caplog):
    recipe = replace(RECIPE, **changes)
    (plain, before), (captured, after) = (learnt(gpu, recipe, taught, graphs) for graphs in (False, True))
    assert not caplog.records  # no capture was refused
    assert len(captured._graphed._captured) == 2  # batches of two sizes
    assert after == before
    assert_same(captured, plain)


@pytest.mark.gpu
def test_a_step_that_waits_for_the_gpu_is_sent_kernel_by_kernel(gpu, caplog):
    plain, before = learnt(gpu, RECIPE, graphs=False)
    for _ in range(2):
        refused, after = learnt(gpu, RECIPE, peeks=True)
        assert not refused._graphed._captured
        assert after == before
        assert_same(refused, plain)
    assert len(caplog.messages) == len(graphed.REFUSED) == 1
    assert torch.cuda.current_stream() == torch.cuda.default_stream()
    assert torch.nn.functional.dropout(torch.ones(64, device=gpu)).sum() != 64  # the generator is at work again


@pytest.mark.gpu
def test_a_refused_capture_leaves_those_before_it(gpu):
    """Of batches of the other size alone: graphs and single kernels take turns."""
    plain, before = learnt(gpu, RECIPE, graphs=False)
    capture = Graphed._capture

    def once(self, step, batch):
        if not self._captured:
            return capture(self, step, batch)
        return capture(self, lambda batch: batch.rows.sum().item() and step(batch), batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Graphed, "_capture", once)
        mixed, after = learnt(gpu, RECIPE)
    assert len(mixed._graphed._captured) == 1
    assert after == before
    assert_same(mixed, plain)


@pytest.mark.gpu
def test_a_training_on_a_gpu_leaves_nothing_behind(gpu):
    learnt(gpu, RECIPE)
    gc.collect()
    gc.disable()
    try:
        learner, _ = learnt(gpu, RECIPE)
        left = [weakref.ref(one) for one in (learner, learner._x, learner.optimiser, learner._graphed)]
        del learner
        assert not any(ref() for ref in left)
    finally:
        gc.enable()

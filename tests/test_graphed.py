"""Steps captured as CUDA graphs: the weights are those of steps that are sent kernel by kernel, for every recipe."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from latent_nas import accelerator, seeds  # noqa: E402
from latent_nas.spaces import open_space  # noqa: E402
from latent_nas.tasks import open_task  # noqa: E402
from latent_nas.training.batch import Batch  # noqa: E402
from latent_nas.training.graphed import Graphed  # noqa: E402
from latent_nas.training.learner import Learner  # noqa: E402
from latent_nas.training.network import Network  # noqa: E402
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


def learnt(device, step, recipe, taught=False):
    """Return a learner after two epochs of uneven batches."""
    data = TASK.data().train
    with seeds.isolated(1):
        model = Network(GRAPH).to(device)
        teacher = Teacher.of([Network(GRAPH), Network(GRAPH)], data.x) if taught else None
        learner = Learner(model, TASK, recipe, 1, data, teacher)
        learner._step = step(learner._descend)
        history = [learner.epoch(epoch, []) for epoch in range(2)]
    return learner, history


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("changes", "taught"),
    [
        ({}, False),
        ({"optimiser": "sgd", "learning_rate": 0.05, "weight_decay": 1e-3, "average": 0.0}, False),
        ({"optimiser": "rmsprop", "schedule": "one-cycle"}, False),
        ({"optimiser": "adamw", "augmentation": "shift=1,mixup", "label_smoothing": 0.1}, False),
        ({"augmentation": "cutmix"}, False),
        ({"teachers": 2}, True),
        ({"teachers": 2, "augmentation": "shift=1,cutmix"}, True),
    ],
)
def test_captured_steps_give_the_weights_of_single_kernels(changes, taught, caplog):
    if accelerator.resolve("auto") != "cuda":
        pytest.skip("torch sees no CUDA device on this machine")
    device, recipe = accelerator.device("cuda"), replace(RECIPE, **changes)
    (plain, before), (graphed, after) = (
        learnt(device, step, recipe, taught) for step in (lambda descend: descend, Graphed)
    )
    assert not caplog.records  # no capture was refused
    assert len(graphed._step._captured) == 2  # batches of two sizes
    assert after == before
    for own, other in zip(graphed.judged.state_dict().values(), plain.judged.state_dict().values(), strict=True):
        np.testing.assert_array_equal(own.cpu().numpy(), other.cpu().numpy())

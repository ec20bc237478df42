"""What every task keeps."""

from typing import Any

import numpy as np

from latent_nas.contracts import demand
from latent_nas.contracts.randomness import untouched
from latent_nas.limits import Limits
from latent_nas.tasks import Recipe, Task
from latent_nas.tasks.kinds import Kind
from latent_nas.tasks.stated import check_stated, parts

CLOSE = 1e-3  # of inputs made of raw data
SHARED = 0.05  # of the test samples, at most: chance gives low-resolution data a few twins


def subjects(plugin: Any) -> list[Task]:
    """Return the task."""
    return [plugin if isinstance(plugin, Task) else plugin()]


def has_a_name_a_kind_and_recipes(subject: Task) -> None:
    """Its name is a text, its kind a ``Kind``, and there are recipes "search" and "full"."""
    demand(isinstance(getattr(subject, "name", None), str) and subject.name, "it has no `name`")
    demand(isinstance(subject.kind, Kind), f"`kind` is {subject.kind!r}, wanted one of latent_nas.tasks.kinds")
    demand(isinstance(subject.limits, Limits), f"`limits` is {subject.limits!r}, wanted Limits")
    missing = [f for f in ("search", "full") if not isinstance(getattr(subject, "recipes", {}).get(f), Recipe)]
    demand(not missing, f"`recipes` has no Recipe {' nor '.join(map(repr, missing))}")


def parts_have_the_stated_input(subject: Task) -> None:
    """Every part has samples; x is (n, *input_shape), finite float32 or int64 tokens; y has what its kind wants."""
    try:
        check_stated(subject)
    except ValueError as error:
        demand(False, str(error))


def data_is_the_same_every_time(subject: Task) -> None:
    """The split is fixed once for all seeds, and no global generator is used."""
    with untouched():
        first, second = subject.data(), type(subject)().data() if _plain(subject) else subject.data()
    for (name, a), (_, b) in zip(parts(first), parts(second), strict=True):
        same = np.array_equal(a.x, b.x) and np.array_equal(a.y, b.y)
        demand(same, f"two calls of data() give two {name} parts; draw with seeds.rng(0, ...)")


def _plain(subject: Task) -> bool:
    return not vars(subject)


def the_test_part_is_not_in_training(subject: Task) -> None:
    """Samples of the test part are not among those that are learnt from."""
    data = subject.data()
    learnt = {row.tobytes() for row in np.concatenate([data.train.x, data.valid.x])}
    share = float(np.mean([row.tobytes() in learnt for row in data.test.x]))
    demand(share <= SHARED, f"{share:.0%} of the test samples are in the train or valid part, wanted {SHARED:.0%}")


def every_metric_is_measured(subject: Task) -> None:
    """The kind measures all its metrics, also of what needs no network, as finite numbers."""
    data, kind = subject.data(), subject.kind
    found = dict(kind.baseline(data.train.y, data.valid.y).metrics)
    missing = [m.name for m in kind.metrics if not np.isfinite(found.get(m.name, np.nan))]
    demand(not missing, f"the baseline has no {', '.join(missing)}, but {found}")


def the_loss_can_be_learnt_from(subject: Task) -> None:
    """The loss of drawn outputs is one finite number with a gradient."""
    import torch

    data, recipe = subject.data(), subject.recipes["search"]
    if data.train.x.dtype != np.float32:
        return  # outputs of a text are as many as its tokens, which networks decide
    n = min(16, len(data.train))
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn((n, subject.outputs), generator=generator, requires_grad=True)
    loss = subject.kind.loss(outputs, torch.from_numpy(np.asarray(data.train.y[:n])), recipe)
    demand(loss.shape == () and bool(torch.isfinite(loss)), f"the loss is {loss!r}, wanted one finite number")
    loss.backward()
    demand(outputs.grad is not None and bool(outputs.grad.abs().sum() > 0), "the loss has no gradient")


def raw_data_become_the_inputs(subject: Task) -> None:
    """What firmware is told to do to raw data gives the inputs, as float32 can tell."""
    seen, x = subject.preprocessing(), subject.data().valid.x[:20]
    raw = None if seen is None else subject.raw(x)
    if seen is not None and raw is not None:
        off = float(np.abs(seen.scaled(raw) - x).max())
        demand(off <= CLOSE, f"preprocessing() makes inputs of raw data that are off by {off:.3g}, wanted {CLOSE:g}")


CONTRACTS = (
    has_a_name_a_kind_and_recipes,
    raw_data_become_the_inputs,
    parts_have_the_stated_input,
    data_is_the_same_every_time,
    the_test_part_is_not_in_training,
    every_metric_is_measured,
    the_loss_can_be_learnt_from,
)

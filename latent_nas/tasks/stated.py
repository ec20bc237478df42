"""Whether a task's data are what it states: costs are those of ``input_shape``, training takes what ``data`` gives."""

import numpy as np

from latent_nas.readers import PARTS
from latent_nas.tasks import Data, Part, Task


def parts(data: Data) -> list[tuple[str, Part]]:
    """Return train, valid and test with their names."""
    return list(zip(PARTS, (data.train, data.valid, data.test), strict=True))


def check_stated(task: Task) -> None:
    """Raise ValueError with the first thing in which a task's data differ from what it states."""
    for name, part in parts(task.data()):
        if wrong := _wrong(task, name, part):
            raise ValueError(f"task {task.name!r}: {wrong}")


def _wrong(task: Task, name: str, part: Part) -> str:
    """Return what is wrong with a part; nothing where it is as stated."""
    x, y = part.x, part.y
    if not len(x):
        return f"the {name} part is empty"
    if x.shape[1:] != tuple(task.input_shape):
        return f"x of {name} is {x.shape}, wanted (n, {', '.join(map(str, task.input_shape))}) as `input_shape` has it"
    if x.dtype not in (np.float32, np.int64):
        return f"x of {name} is {x.dtype}, wanted float32, or int64 of tokens"
    if x.dtype == np.float32 and not np.isfinite(x).all():
        return f"x of {name} holds NaN or infinity"
    if len(y) != len(x):
        return f"{name} has {len(x)} inputs and {len(y)} targets"
    if not np.isfinite(np.asarray(y, float)).all():
        return f"y of {name} holds NaN or infinity"
    wrong = task.kind.wrong(y, task.outputs)
    return wrong and f"y of {name} {wrong}"

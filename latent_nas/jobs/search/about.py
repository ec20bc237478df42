"""What a search says of its data and its device before it begins."""

import numpy as np

from latent_nas.jobs import samples
from latent_nas.readers import PARTS
from latent_nas.runs.folder import RunFolder
from latent_nas.runs.schema import DataFound
from latent_nas.target import Setup
from latent_nas.tasks._names import twofold


def about_data(setup: Setup, apart: bool = True, found: str = "") -> list[str]:
    """Return what a search says of the task: its data, what needs no network, its front end.

    Args:
        apart: whether limits count the network alone. found: a line on the front end that was taken.
    """
    lines = [*setup.task.about(), f"{setup.task.baseline().text()} on the validation part"]
    space, suited = setup.target.space, setup.task.space
    lines += twofold(setup.target.task)
    lines += [f"the input {'x'.join(map(str, setup.task.input_shape))} suits --space {suited}"] * (space != suited)
    lines += [found] * bool(found)
    if setup.front_end:
        how = "beside" if apart else "counted in"
        lines.append(f"front end, {how} the limits: {setup.front_end.text()}")
        lines += ["limits for the network alone: --front-end-apart"] * (not apart)
    return lines


def about_core(setup: Setup) -> list[str]:
    """Return what a search says of the device's core: what firmware does without, and whose cycles stand for its."""
    core, runtime = setup.device.core, setup.runtime
    lacks = core.lacks() if runtime.counts_image else []  # else the kernels are not ours
    lines = [f"core {core.name}: {'; '.join(lacks)}"] if lacks else []
    borrowed = runtime.borrowed(core)
    return [*lines, f"computed times: {borrowed}"] if borrowed else lines


def keep_data(folder: RunFolder, setup: Setup, lines: list[str]) -> None:
    """Write what is known of the data into the run folder, where the report finds it."""
    data = setup.task.data()
    parts = dict(zip(PARTS, (data.train, data.valid, data.test), strict=True))
    counts: dict[str, tuple[int, ...]] = {name: (len(part),) for name, part in parts.items()}
    if setup.task.classes:
        many = len(setup.task.classes)
        counts = {name: tuple(np.bincount(p.y, minlength=many).tolist()) for name, p in parts.items()}
    folder.write_data(
        DataFound(tuple(lines), setup.task.classes, counts),
        samples.picture(setup.task) if len(setup.task.input_shape) == 3 else "",
    )

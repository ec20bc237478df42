"""What is in a task's data, said before anything is trained, and a checked copy of data of your own."""

from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import artifacts
from latent_nas.costs.front_end import front_end_cost
from latent_nas.devices import open_device
from latent_nas.front_end import KINDS
from latent_nas.jobs import samples
from latent_nas.readers import PARTS
from latent_nas.tasks import Part, Task, open_task
from latent_nas.tasks._names import twofold


def info(name: str, device: str) -> dict[str, Any]:
    """Return what is found in the data of a task or of your own, as JSON values; ``lines`` says it to people.

    Raises:
        ValueError: data that can't be used, or an unknown task or device.
    """
    return _found(name, open_task(name), device)


def copy(name: str, device: str, out: Path) -> dict[str, Any]:
    """Write data of your own as checked, and return what ``info`` does and the file.

    Raises:
        ValueError: data that can't be used, a task that ships, or a file that is there already.
    """
    task = open_task(name)
    if not task.fingerprint:
        raise ValueError(f"task {name!r} comes with latent_nas and needs no import; wanted the path of your own data")
    if out.exists() or out.suffix != ".npz":
        raise ValueError(f"{out} {'is there already' if out.exists() else 'is not named .npz'}; choose another --out")
    found = _found(name, task, device)
    task.save(out)
    return {**found, "file": str(out), "lines": [*found["lines"], f"wrote {out}"]}


def show(name: str, place: Path) -> str:
    """Write a picture of samples of every class as a network gets them, and return a line on it.

    Raises:
        ValueError: data that can't be used, samples that are texts, or a file that is there already.
    """
    if place.exists() or place.suffix != ".svg":
        wrong = "is there already" if place.exists() else "is not named .svg"
        raise ValueError(f"{place} {wrong}; choose another --show")
    artifacts.write(place, samples.picture(open_task(name)))
    return f"wrote {place}: samples of every class, as a network gets them"


def text(found: dict[str, Any]) -> str:
    """Return the lines for people."""
    return "\n".join(found["lines"])


def _found(name: str, task: Task, device: str) -> dict[str, Any]:
    found: dict[str, Any] = {"task": task.name, **task.findings_json()}
    lines = task.about()
    if not lines:  # a task that ships is checked by its checksum
        data = task.data()
        parts = dict(zip(PARTS, (data.train, data.valid, data.test), strict=True))
        found["input_shape"] = list(data.train.x.shape[1:])
        lines = [f"{task.name}: input {'x'.join(map(str, found['input_shape']))}, {task.outputs} outputs"]
        for part, held in parts.items():
            found[part] = {"samples": len(held)}
            lines.append(f"  {part}: {len(held)} samples{_of_classes(task, held, found[part])}")
    lines += twofold(name)
    found["space"] = task.space
    lines.append(f"default space of a search: {task.space} ({_why(task)})")
    baseline = task.baseline()
    found["baseline"] = baseline.to_json()
    lines.append(f"{baseline.text()} on the validation part")
    if task.front_end:
        cost = front_end_cost(task.front_end, open_device(device))
        found["front_end_cost"] = {"device": device, **cost.to_json()}
        lines.append(f"front end on {device}: {cost.text()}")
    return {**found, "lines": lines}


def _why(task: Task) -> str:
    """Return what kind of input a task has."""
    if len(task.input_shape) == 1:
        return "text"
    if task.front_end:
        return "audio" if task.front_end.kind in KINDS else "features of series"
    height, width, _ = task.input_shape
    return "series" if width == 1 else "a row of features" if height == 1 else "images"


def _of_classes(task: Task, part: Part, found: dict[str, Any]) -> str:
    """Return how many samples the classes of a part have, noted in ``found`` as well; nothing where there are none."""
    if part.y.ndim > 1:
        return ""
    counts = np.bincount(part.y, minlength=len(task.classes) or task.outputs)
    found |= {"least": int(min(counts)), "most": int(max(counts))}
    return f", {min(counts)} to {max(counts)} of a class"

"""What the channels of a trained network matter: the loss's first-order change without them.

It is squared and averaged over training samples (Molchanov et al. 2019, equations 6 and 8).
"""

from collections.abc import Callable

import numpy as np
import torch

from latent_nas import seeds
from latent_nas.graph.channels import FIXED, groups
from latent_nas.tasks import Part, Recipe, Task
from latent_nas.training.network import Network, to_tensor

SAMPLES, BATCH = 512, 64  # of the training data


def importances(model: Network, task: Task, learn: Part) -> dict[int, np.ndarray]:
    """Return what every channel of every group matters, (channels,), by the names of ``groups``."""
    of = groups(model.graph)
    graph = model.graph
    read = [n for n in graph.nodes if of[n.id] != FIXED and any(of[r.id] != of[n.id] for r in graph.readers(n))]
    seen: dict[int, torch.Tensor] = {}

    def note(node: int) -> Callable[[object, object, torch.Tensor], None]:
        def hook(_: object, __: object, output: torch.Tensor) -> None:
            output.retain_grad()
            seen[node] = output

        return hook

    hooks = [model.operators[n.id].register_forward_hook(note(n.id)) for n in read]
    found = {of[n.id]: np.zeros(n.shape[-1]) for n in read}
    rng = seeds.rng(0, "importance")
    recipe = Recipe(epochs=1)
    model.eval()
    rows = np.arange(0, len(learn), max(len(learn) // SAMPLES, 1))[:SAMPLES]
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        x, y = task.kind.batch(learn.x[batch], learn.y[batch], rng)
        loss = task.kind.loss(model(to_tensor(x)), torch.from_numpy(y), recipe) * len(batch)  # of every sample: the sum
        model.zero_grad()
        loss.backward()
        change: dict[int, torch.Tensor] = {}
        for node, output in seen.items():
            assert output.grad is not None
            own = (output * output.grad).detach()
            own = own.sum(dim=(2, 3)) if own.ndim == 4 else own
            change[of[node]] = change.get(of[node], torch.zeros(())) + own
        for group, own in change.items():
            found[group] += own.square().sum(dim=0).numpy()
    for one in hooks:
        one.remove()
    model.zero_grad()
    return {group: values / len(rows) for group, values in found.items()}

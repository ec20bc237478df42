"""What pruning asks and says: how far a network is from limits on a device, and what came of it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from latent_nas.costs import costs
from latent_nas.devices import open_device
from latent_nas.graph import Graph
from latent_nas.graph.channels import FIXED, groups, narrowest
from latent_nas.limits import Limits
from latent_nas.runtimes import open_runtime
from latent_nas.target import Setup, Target
from latent_nas.training import CanNotFit

if TYPE_CHECKING:
    from latent_nas.training import Trained


def excess(
    limits: Sequence[str], task: str, device: str, runtime: str, weight_bits: int = 8
) -> Callable[[Graph], float]:
    """Return cost / limit of the limit that binds, as a function of float graphs.

    Args:
        limits: as "flash_kb=12", one at least, of a network and the task's front end; the device's own hold as well.
        weight_bits: that are deployed.

    Raises:
        ValueError: no such limit, task, device or runtime, or the front end leaves nothing of a limit.
    """
    target = Target("", task, device, runtime, weight_bits=weight_bits)
    return Setup(replace(target, prune_to=of_networks(Setup(target), limits))).excess


def of_networks(setup: Setup, limits: Sequence[str], apart: bool = False) -> tuple[str, ...]:
    """Return limits, as "flash_kb=12", as those of networks alone, without the task's front end.

    Args:
        apart: whether they are that already.

    Raises:
        ValueError: no such limit, or the front end leaves nothing of one or of the device.
    """
    if apart or not limits or not setup.front_end:
        return tuple(limits)
    whole = Limits.parse(limits).tighten(setup.device.limits)
    try:
        return setup.beside_front_end(whole).settings()
    except ValueError as error:
        raise ValueError(f"{str(error).partition(';')[0]}; loosen that limit of --prune-to") from None


def check(excess: Callable[[Graph], float], graph: Graph) -> None:
    """Raise ValueError where no channels that a network could lose make it fit; CanNotFit where it could lose some."""
    if excess(graph) <= 1:
        return
    if set(groups(graph)) == {FIXED}:
        raise ValueError(
            "this network has no channels that can be pruned; leave --prune-to out, or take another network"
        )
    if (ratio := excess(narrowest(graph))) > 1:
        raise CanNotFit.by(ratio)


def figures(trained: "Trained", device: str, runtime: str) -> dict[str, Any]:
    """Return what ``runs.trained.TrainingResult`` says of a pruned network; nothing of any other."""
    pruned = trained.pruned
    if pruned is None:
        return {}
    cost = costs(trained.network.graph, open_device(device), open_runtime(runtime))
    return {
        "channels": pruned.channels,
        "pruning_epochs": pruned.epochs,
        "measured_valid_before_pruning": pruned.before,
        "flash_bytes": cost.flash_bytes,
        "ram_high_bytes": cost.ram_high_bytes,
        "latency_ms": cost.latency_ms,
    }

"""What pruning asks and says: how far a network is from limits on a device, and what came of it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from latent_nas.costs import costs
from latent_nas.devices import open_device
from latent_nas.graph import Graph
from latent_nas.graph.bits import with_weight_bits
from latent_nas.graph.channels import FIXED, groups, narrowest
from latent_nas.limits import Limits
from latent_nas.runtimes import open_runtime
from latent_nas.training import CanNotFit

if TYPE_CHECKING:
    from latent_nas.training import Trained


def excess(limits: Sequence[str], device: str, runtime: str, weight_bits: int = 8) -> Callable[[Graph], float]:
    """Return cost / limit of the limit that binds, as a function of float graphs.

    Args:
        limits: as "flash_kb=12", one at least; the device's own hold as well. weight_bits: that are deployed.

    Raises:
        ValueError: no such limit, device or runtime.
    """
    board, kernels = open_device(device), open_runtime(runtime)
    bounds = Limits.parse(limits).tighten(board.limits)

    def of(graph: Graph) -> float:
        narrow = graph if weight_bits == 8 else with_weight_bits(graph, weight_bits)
        return max(bounds.ratios(*costs(narrow, board, kernels).limited).values())

    return of


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

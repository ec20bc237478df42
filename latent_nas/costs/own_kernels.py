"""Kernels that no runtime has, because an operator of the user's own brings them: what the operator says of them."""

from collections.abc import Iterable

from latent_nas.cores import Core
from latent_nas.costs.layer import Layer
from latent_nas.operators import KernelCosts
from latent_nas.runtimes import Error, Kernel, Runtime

ERROR = Error(0.5, 0.5)  # nobody has compared these cycles with measured ones


def with_own_kernels(runtime: Runtime, layers: Iterable[Layer], core: Core) -> Runtime:
    """Return a runtime that has the kernels which operators bring along, too; itself where there are none.

    Raises:
        ValueError: an operator brings no cycles for the core, nor for one that the core's file calls near.
    """
    own = {x.kernel: x.own for x in layers if x.own is not None and x.work and x.kernel not in runtime.kernels}
    return (
        runtime.including({name: _kernel(name, costs, runtime, core) for name, costs in own.items()})
        if own
        else runtime
    )


def _kernel(name: str, costs: KernelCosts, runtime: Runtime, core: Core) -> Kernel:
    scale, error, at, steps = 1.0, 0.0, core, 0
    while at.name not in costs.cycles:
        if at.near is None or at.neighbour is None or steps > len(costs.cycles) + 2:
            there = ", ".join(costs.cycles) or "none"
            raise ValueError(
                f"kernel {name!r} brings no cycles for {core.name!r}, only for: {there}; add them to the operator's"
                " kernel_costs"
            )
        scale, error, steps = scale * at.near.scale, error + at.near.error, steps + 1
        at = at.neighbour
    row = runtime.row(core)  # its factor is taken out, as these are cycles of the core itself
    cycles = {term: scale * value / row.factor for term, value in costs.cycles[at.name].items()}
    wide = Error(ERROR.median + error, ERROR.p90 + error)
    source = "the operator's own"
    return Kernel(
        {row.like: cycles}, {row.like: wide}, costs.scratch_bytes, costs.code_bytes, source, costs.table_bytes
    )

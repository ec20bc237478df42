"""What networks are made for: space, task, device and runtime, by name and opened; exact costs and feasibility."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from latent_nas.accelerator import CPU
from latent_nas.costs import Costs, costs
from latent_nas.costs.front_end import FrontEndCost, front_end_cost
from latent_nas.devices import Device, open_device
from latent_nas.fidelity import pause_of, share_of
from latent_nas.graph import Graph
from latent_nas.graph.bits import ends, with_weight_bits
from latent_nas.limits import Limits
from latent_nas.operators._weights import check_bits
from latent_nas.records import FULL, SEARCH
from latent_nas.runtimes import Runtime, open_runtime
from latent_nas.spaces import Space, narrows, open_space
from latent_nas.tasks import Recipe, Task, open_task
from latent_nas.tasks._changes import as_told, changed


@dataclass(frozen=True)
class Target:
    """What networks are made for, by names, so that a worker process can open it all itself.

    Attributes:
        search_epochs: of a training of the search, in place of the recipe's; 0 is the recipe's.
        qat: of full trainings, and of a search's own where the space ``narrows``, see ``tasks.Recipe``. full_recipe:
            what is otherwise in the recipe of full ones, as "epochs=80".
        weight_bits: of final networks, 8 or 4; costs and limits count them, while a search's own trainings measure 8.
        prune_to: limits of networks alone, as "flash_kb=12", that final ones are pruned to, () for none. Nothing else
            counts them.
        accelerator: where they are trained, see ``accelerator``; a search has put a kind of device in place of "auto".
        kept_search, kept_full: what a run keeps of the task's recipes, as ``tasks._changes.told``, where these have
            changed since it began; () is the task's own.
    """

    space: str
    task: str
    device: str
    runtime: str
    search_epochs: int = 0
    accelerator: str = CPU
    qat: str = "never"
    full_recipe: tuple[str, ...] = ()
    weight_bits: int = 8
    prune_to: tuple[str, ...] = ()
    kept_search: tuple[str, ...] = ()
    kept_full: tuple[str, ...] = ()

    def measured_bits(self, fidelity: str) -> int:
        """Return the bits of the weights that a training of that fidelity measures; costs are of ``weight_bits``."""
        return self.weight_bits if fidelity == FULL else 8

    def recipe(self, task: Task, fidelity: str) -> Recipe:
        """Return how networks are trained for the target's task; the first epochs of a training follow its recipe."""
        share = share_of(fidelity)
        whole = SEARCH if share or pause_of(fidelity) else fidelity
        tunes = fidelity == FULL or (fidelity == SEARCH and narrows(self.space))
        kept = {SEARCH: self.kept_search, FULL: self.kept_full}.get(whole, ())
        found = replace(as_told(kept) if kept else task.recipe(whole), qat=self.qat if tunes else "never")
        found = changed(found, self.full_recipe) if whole == FULL else found
        found = found.lasting(self.search_epochs) if self.search_epochs and whole == SEARCH else found
        return found.glance(share) if share else found


def with_space(target: Target) -> Target:
    """Return a target that names its space: one that names none ("") takes the task's own.

    Raises:
        ValueError: there is no such task.
    """
    return target if target.space else replace(target, space=open_task(target.task).space)


MAIN_TARGET = Target("mcu_cnn", "digits", "stm32f405", "native")
MAIN_LIMITS = Limits(flash_bytes=32 * 1024, ram_bytes=16 * 1024, latency_ms=5.0)


KEPT = 2048  # networks whose graphs and costs stay in memory, about 25 KB each


class Built(NamedTuple):
    """A network of a target's space: its graph, and what it costs on the target's device with weights as wide there."""

    graph: Graph
    costs: Costs


@dataclass(frozen=True)
class Setup:
    """A target with its parts opened, and what was worked out of its networks; ``open_target`` makes one.

    Raises:
        ValueError: when a part is first used whose name is unknown.
    """

    target: Target

    @cached_property
    def task(self) -> Task:
        """The task."""
        return open_task(self.target.task)

    @cached_property
    def space(self) -> Space:
        """The space, bound to the task."""
        return open_space(self.target.space, self.task.input_shape, self.task.outputs)

    @cached_property
    def device(self) -> Device:
        """The device."""
        return open_device(self.target.device)

    @cached_property
    def runtime(self) -> Runtime:
        """The runtime."""
        return open_runtime(self.target.runtime)

    @cached_property
    def front_end(self) -> FrontEndCost | None:
        """What the task's front end costs on the device, None where it has none; a search counts it in its limits."""
        return front_end_cost(self.task.front_end, self.device) if self.task.front_end else None

    def beside_front_end(self, limits: Limits) -> Limits:
        """Return what limits of the whole leave for networks beside the task's front end.

        Raises:
            ValueError: the front end leaves nothing of a limit, or its buffers do not fit the first region of RAM, in
                which the stack and they lie.
        """
        if self.front_end is None:
            return limits
        first, own = self.device.regions[0], self.runtime.ram_bytes if self.runtime.counts_image else 0
        if self.front_end.ram_bytes + own > first.bytes:
            raise ValueError(
                f"the front end takes {self.front_end.text()}: with {own:,} B of stack and data it does not fit"
                f" {first.name}, the first region of {self.device.name}, of {first.bytes:,} B; take another device, or"
                " let limits count the network alone: --front-end-apart"
            )
        return self.front_end.beside(limits)

    @cached_property
    def _rows(self) -> dict[tuple[int, ...], tuple[float, float, float]]:
        return {}  # of every network that was asked for

    @cached_property
    def _built(self) -> "OrderedDict[tuple[int, ...], Built]":
        return OrderedDict()  # the last ones

    def check(self) -> "Setup":
        """Return itself with every part opened, so that a wrong name is said before any work.

        Raises:
            ValueError: such a name, or weights that the runtime has no kernels for.
        """
        _ = self.space, self.device, self.runtime
        check_bits("a network", self.target.weight_bits)
        if self.target.weight_bits < 8 and self.space.narrows:
            raise ValueError(
                f"networks of space {self.target.space!r} choose the bits of their weights; leave --weight-bits out, or"
                " choose a space of 8 bits"
            )
        bits = 4 if self.space.narrows else self.target.weight_bits
        if bits < 8 and not self.runtime.counts_image:
            raise ValueError(f"runtime {self.target.runtime!r} has no kernels for {bits}-bit weights; native has")
        return self

    def narrow(self, graph: Graph, eight_bit_ends: bool = False) -> Graph:
        """Return a float graph with weights as wide as the target's.

        Args:
            eight_bit_ends: whether the first and the last layer keep 8 bits.
        """
        bits = self.target.weight_bits
        return graph if bits == 8 else with_weight_bits(graph, bits, ends(graph) if eight_bit_ends else ())

    def excess(self, graph: Graph) -> float:
        """Return cost / limit of a float graph, for the limit of ``Target.prune_to`` or of the device that binds."""
        bounds = Limits.parse(self.target.prune_to).tighten(self.device.limits)
        return max(bounds.ratios(*self.costs_of(graph).limited).values())

    def costs_of(self, graph: Graph, eight_bit_ends: bool = False) -> Costs:
        """Return what a float graph costs on the device, see ``narrow``."""
        return costs(self.narrow(graph, eight_bit_ends), self.device, self.runtime)

    def built(self, genes: tuple[int, ...]) -> Built:
        """Return the graph and all costs of one network; those of the last ``KEPT`` are remembered."""
        genes = tuple(map(int, genes))
        if genes not in self._built:
            graph = self.space.graph(genes)
            self._built[genes] = Built(graph, self.costs_of(graph))
            if len(self._built) > KEPT:
                self._built.popitem(last=False)
        return self._built[genes]

    def costs(self, genes: tuple[int, ...]) -> Costs:
        """Return all costs of one network."""
        return self.built(genes).costs

    def exact(self, genes: np.ndarray) -> np.ndarray:
        """Return what limits count: flash_bytes, ram_high_bytes and latency_ms (n, 3) of canonical genes (n, g)."""
        rows = [tuple(map(int, row)) for row in genes]
        for row in rows:
            if row not in self._rows:
                self._rows[row] = self.costs(row).limited
        return np.array([self._rows[row] for row in rows], float).reshape(-1, 3)

    def fits(self, genes: np.ndarray, limits: Limits) -> np.ndarray:
        """Return whether networks keep the limits exactly, (n,) bool."""
        return limits.kept(self.exact(genes))


_OPENED: dict[Target, Setup] = {}  # of this process


def open_target(target: Target, anew: bool = False) -> Setup:
    """Return the opened target, one and the same for all who ask in a process.

    Args:
        anew: open it again, as every job does at its start: a user's data may have changed since the last one.
    """
    if anew or target not in _OPENED:
        _OPENED[target] = Setup(target)
    return _OPENED[target]

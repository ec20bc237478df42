"""Cycles of a firmware from its instructions by class: emulators count instructions only."""

from collections.abc import Mapping
from dataclasses import dataclass, field

CLASSES = (
    *("alu", "multiply", "divide", "load", "load_next", "load_double", "load_words"),
    *("store", "store_double", "store_words", "sequences", "branch_taken", "branch_passed", "it", "wide"),
)
"""What is counted. ``load_next``: a single load right behind another. ..._words: registers of LDM, STM, PUSH and POP.
``branch_taken``, ``branch_passed``: branches that go elsewhere, and conditional ones that don't. ``wide``: instructions
of 32 bits, which are counted in their class as well."""


@dataclass(frozen=True)
class CycleModel:
    """Cycles per instruction of each class, as fitted to code that a board ran.

    Attributes:
        clock_mhz: of the board; the flash's wait states, which go with it, are in the cycles.
        cycles: by ``CLASSES``. error: how far cycles of other code may be off, relative. source: where it is from.
    """

    clock_mhz: float
    cycles: Mapping[str, float] = field(hash=False)
    error: float
    source: str

    def total(self, mix: Mapping[str, int]) -> float:
        """Return the cycles of instructions by class."""
        return sum(self.cycles[name] * count for name, count in mix.items())

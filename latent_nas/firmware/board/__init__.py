"""A network on a real chip: programmed through a debug probe and asked, or heard on a serial line.

``tools`` are the probes' programs, ``remote`` speaks GDB's protocol with their servers, ``measure`` asks a program of
ours through it, ``line`` listens to a serial port. What answers need not be a chip: ``Answer.real`` says whether it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


class NoAnswer(ValueError):
    """No board, or none that says what can be understood; the message says what to look at."""


@dataclass(frozen=True)
class Answer:
    """What a board said.

    Attributes:
        who: answered, in words. real: it is a chip; of anything else no figure is a measured one.
        inputs: int8 or tokens, as they were fed; outputs, wanted: int8 (n, outputs), the board's and the reference's.
        self_test_wrong: outputs of the golden sample that differ; None where there is none.
        cycles: of whole inferences. by_operator: of each, () where only the whole was timed.
        clock_hz: of the counter; clock_from: who says so.
        stack_bytes: the most that an inference used; None where nobody looked.
    """

    who: str
    real: bool
    outputs: np.ndarray
    wanted: np.ndarray
    self_test_wrong: int | None = None
    cycles: tuple[int, ...] = ()
    by_operator: Mapping[str, int] = field(default_factory=dict)
    clock_hz: float | None = None
    clock_from: str = ""
    stack_bytes: int | None = None

    @property
    def bit_exact(self) -> bool:
        """Whether all outputs are the reference's, the golden sample's too."""
        return bool((self.outputs == self.wanted).all()) and not self.self_test_wrong

    def to_json(self) -> dict[str, Any]:
        """Return plain values; figures begin with "measured_" of a chip, else with "emulated_", in ticks."""
        found: dict[str, Any] = {
            "answered_by": self.who,
            "real_chip": self.real,
            "bit_exact": self.bit_exact,
            "inputs": len(self.outputs),
            "equal_outputs": float((self.outputs == self.wanted).mean()),
            "self_test_wrong": self.self_test_wrong,
        }
        kind, counted = ("measured", "cycles") if self.real else ("emulated", "ticks")
        if self.cycles:
            found[f"{kind}_{counted}"] = [min(self.cycles), max(self.cycles)]
        if self.real and self.cycles and self.clock_hz:
            found["measured_ms"] = [cycles * 1e3 / self.clock_hz for cycles in found["measured_cycles"]]
            found |= {"measured_clock_hz": self.clock_hz, "clock_from": self.clock_from}
        if self.by_operator:
            found[f"{kind}_{counted}_by_operator"] = dict(self.by_operator)
        if self.stack_bytes is not None:
            found[f"{kind}_stack_bytes"] = self.stack_bytes
        return found

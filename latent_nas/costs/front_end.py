"""What a front end costs on a device, beside the network: computed from counts, with a wide error bar.

Cycles of the transform are measured ones: CMSIS-DSP's ``arm_cfft_f32``, 64 to 1,024 points, on a K64 (Cortex-M4F, 120
MHz) and an i.MX RT1024 (Cortex-M7, 500 MHz), as mjbcswitzerland published them in NXP's forum ("How to improve i.MX
RT1024 RFFT execution time"): 11.1 to 14.5 and 6.9 to 8.2 cycles per N log2 N. All else is reckoned from instructions.
"""

from dataclasses import dataclass
from typing import Any

from latent_nas.devices import Device
from latent_nas.front_end import FrontEnd

CODE_BYTES = 3000  # transform, logarithm, loops; reckoned
CYCLES: dict[str, tuple[dict[str, float], float]] = {  # per count of ``FrontEnd.work``; and how far they may be off
    "cortex-m4": ({"windowed": 6, "fft": 13, "split": 30, "macs": 4, "logs": 70, "values": 12}, 0.3),
    "cortex-m7": ({"windowed": 4, "fft": 7.6, "split": 17, "macs": 2.5, "logs": 40, "values": 8}, 0.4),
    "cortex-m0+": ({"windowed": 12, "fft": 60, "split": 120, "macs": 12, "logs": 300, "values": 40}, 0.5),  # 16 bits
}


@dataclass(frozen=True)
class FrontEndCost:
    """Of one recording.

    Attributes:
        flash_bytes: tables and code. ram_bytes: buffers beside the network's arena.
    """

    cycles: float
    latency_ms: float
    latency_error_ms: float
    flash_bytes: int
    ram_bytes: int

    def text(self) -> str:
        """Return a line for people."""
        memory = f"{self.flash_bytes / 1024:.1f} KB of flash, {self.ram_bytes / 1024:.1f} KB of RAM"
        return f"{self.latency_ms:.1f} ms (+- {self.latency_error_ms:.1f}, computed) a recording, {memory}"

    def to_json(self) -> dict[str, Any]:
        """Return plain values, named as computed."""
        return {f"computed_{name}": value for name, value in vars(self).items()}


def front_end_cost(front_end: FrontEnd, device: Device) -> FrontEndCost:
    """Return what the front end of one recording costs on a device.

    Raises:
        ValueError: a core whose cycles nobody has reckoned.
    """
    if device.core not in CYCLES:
        raise ValueError(f"no cycles of a front end on core {device.core!r}; there are: {', '.join(CYCLES)}")
    each, error = CYCLES[device.core]
    cycles = sum(count * each[name] for name, count in front_end.work().items())
    ms = cycles * 1e3 / device.clock_hz
    return FrontEndCost(cycles, ms, error * ms, front_end.table_bytes() + CODE_BYTES, front_end.buffer_bytes())

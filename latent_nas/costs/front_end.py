"""What a front end costs on a device, beside the network: from counts and the core's cycles, with a wide error bar."""

from dataclasses import dataclass
from typing import Any

from latent_nas.devices import Device
from latent_nas.front_end import FrontEnd
from latent_nas.limits import Limits
from latent_nas.spectral import SpectralFrontEnd


@dataclass(frozen=True)
class FrontEndCost:
    """Of one recording or series.

    Attributes:
        flash_bytes: tables and code. ram_bytes: buffers beside the network's arena.
    """

    cycles: float
    latency_ms: float
    latency_error_ms: float
    flash_bytes: int
    ram_bytes: int

    @property
    def row(self) -> tuple[int, int, float]:
        """What limits count: flash and RAM in bytes, and milliseconds."""
        return self.flash_bytes, self.ram_bytes, self.latency_ms

    def text(self) -> str:
        """Return a line for people."""
        memory = f"{self.flash_bytes / 1024:.1f} KB of flash, {self.ram_bytes / 1024:.1f} KB of RAM"
        return f"{self.latency_ms:.1f} ms (+- {self.latency_error_ms:.1f}, computed) an input, {memory}"

    def beside(self, limits: Limits) -> Limits:
        """Return what limits of the whole leave for a network beside it.

        Raises:
            ValueError: it leaves nothing of a limit.
        """
        try:
            return limits.less(self.row)
        except ValueError as error:
            raise ValueError(
                f"the front end takes {self.text()}: {error}; loosen that limit, or let limits count the"
                " network alone: --front-end-apart"
            ) from None

    def to_json(self) -> dict[str, Any]:
        """Return plain values, named as computed."""
        return {f"computed_{name}": value for name, value in vars(self).items()}


def front_end_cost(front_end: FrontEnd | SpectralFrontEnd, device: Device) -> FrontEndCost:
    """Return what the front end of one recording or series costs on a device."""
    each, error = device.core.front_end, device.core.front_end_error
    cycles = sum(count * each[name] for name, count in front_end.work().items())
    ms = cycles * 1e3 / device.clock_hz
    flash = front_end.table_bytes() + front_end.code_bytes
    return FrontEndCost(cycles, ms, error * ms, flash, front_end.buffer_bytes())

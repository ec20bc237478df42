"""Devices: one TOML file each, with the figures of its datasheet. 1 KB = 1024 B."""

from dataclasses import dataclass
from functools import cached_property

from latent_nas import plugins
from latent_nas.limits import Limits


@dataclass(frozen=True)
class Region:
    """A piece of RAM without gaps: a tensor arena lies inside one region."""

    name: str
    bytes: int
    address: int = 0


@dataclass(frozen=True)
class Device:
    """A microcontroller: its core, clock and flash, and its RAM in the order in which to fill it.

    Attributes:
        core: as runtimes name it, e.g. "cortex-m4".
        clock_hz: the highest clock of the datasheet.
        flash_address: where the flash begins.
        source: the document that the figures are from.
    """

    name: str
    core: str
    clock_hz: int
    flash_bytes: int
    regions: tuple[Region, ...]
    description: str = ""
    source: str = ""
    flash_address: int = 0x08000000

    @property
    def largest_region_bytes(self) -> int:
        """The RAM that one tensor arena can have at most."""
        return max(region.bytes for region in self.regions)

    @cached_property
    def limits(self) -> Limits:
        """What fits: the flash, the largest region; time is the user's to limit."""
        return Limits(self.flash_bytes, self.largest_region_bytes)

    def room(self, own_bytes: int = 0) -> dict[str, int]:
        """Return the bytes that an arena can have in each region; ``own_bytes`` of stack and data are in the first."""
        return {r.name: r.bytes - (own_bytes if r is self.regions[0] else 0) for r in self.regions}

    def region_for(self, arena_bytes: int, own_bytes: int = 0) -> Region | None:
        """Return the first region that an arena fits beside ``own_bytes`` in the first one, or None."""
        room = self.room(own_bytes)
        return next((region for region in self.regions if room[region.name] >= arena_bytes), None)


def open_device(name: str) -> Device:
    """Return the device of ``devices/<name>.toml``.

    Raises:
        ValueError: there is no such device; the message names those there are.
    """
    table = plugins.load("devices", name)
    kb, regions = table.pop("flash_kb"), table.pop("regions")
    return Device(
        clock_hz=round(table.pop("clock_mhz") * 1e6),
        flash_bytes=kb * 1024,
        regions=tuple(Region(r["name"], r["kb"] * 1024, r["address"]) for r in regions),
        **table,
    )

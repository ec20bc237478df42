"""Devices: one TOML file each, with the figures of its datasheet. 1 KB = 1024 B."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from latent_nas import plugins
from latent_nas.cores import Core, open_core
from latent_nas.devices._fields import check_fields
from latent_nas.limits import Limits

# Of chips that people ask for and that are not there, by how their names begin.
ELSEWHERE = {
    r"esp32($|s[23]|pico|wro|d0|u4|solo|cam|dev)|esp8266": "it has Xtensa cores",
    r"esp32|ch32v|gd32v|k210|bl[67]0|gap[89]": "it has RISC-V cores",
    r"atmega|attiny|atxmega|avr|arduino(uno|nano$|mega)": "it has an AVR core of 8 bits",
    r"msp430": "it has a core of 16 bits",
    r"max7800": "it runs networks on an accelerator of its own, which is not computed here",
    r"raspberrypi[0-9]|rpi[0-9]|stm32mp|imx[5-9]|jetson": "it has an application processor",
}
TAKEN = ("flash", "raw")  # names of memories in a linker's script that are none of a device's regions
WHOLE = 1024  # bytes that an emulator maps at once
FASTEST_MHZ = 2000  # twice the fastest Cortex-M; what is beyond is in another unit
ON_CHIP_BYTES = 16 << 20  # twice the most that a chip has of its own, flash or RAM
OFF_CHIP = 0x60000000  # where RAM of other chips begins in the memory map of Arm's M profile
BOOT_BYTES = {"rp2040": 256, "rp2350": 20}  # of flash, that a boot ROM wants before it starts a program


@dataclass(frozen=True)
class Region:
    """A piece of RAM without gaps: a tensor arena lies inside one region."""

    name: str
    bytes: int
    address: int = 0


@dataclass(frozen=True)
class Qemu:
    """The machine of qemu-system-arm that has this device, and the address of a timer there that runs up."""

    machine: str
    counter: int


@dataclass(frozen=True)
class Power:
    """What a device takes at its highest clock while a network runs, in mW, and how far that may be off, relative."""

    mw: float
    error: float
    source: str


@dataclass(frozen=True)
class Device:
    """A microcontroller: its core, clock and flash, and its RAM in the order in which to fill it.

    Attributes:
        core: of ``cores/``, or of a file beside the device's.
        clock_hz: the highest clock of the datasheet, or a lower one at which it runs (``at_clock``).
        flash_address: where the flash begins.
        source: the document that the figures are from.
        external_flash: the flash is a chip of its own. power: None where nobody has measured it.
        qemu: None where QEMU does not have it.
        lacks: what exported firmware needs there and does not bring, "" for nothing.
        probe: what programs that reach it through a debug probe call it, by the program's name.
        boot: the boot ROM that wants something in the flash, one of ``BOOT_BYTES``; "" for none.
    """

    name: str
    core: Core
    clock_hz: int
    flash_bytes: int
    regions: tuple[Region, ...]
    description: str = ""
    source: str = ""
    flash_address: int = 0x08000000
    qemu: Qemu | None = None
    lacks: str = ""
    external_flash: bool = False
    power: Power | None = None
    boot: str = ""
    probe: Mapping[str, str] = field(default_factory=dict, hash=False)

    def at_clock(self, clock_mhz: float) -> "Device":
        """Return the device at a lower clock, for which nobody has measured its power.

        Raises:
            ValueError: the clock is not above 0, or above the device's highest.
        """
        highest = self.clock_hz / 1e6
        if not 0 < clock_mhz <= highest:
            raise ValueError(f"{self.name} runs at up to {highest:g} MHz, got --clock {clock_mhz:g}")
        return self if clock_mhz == highest else replace(self, clock_hz=round(clock_mhz * 1e6), power=None)

    @property
    def boot_bytes(self) -> int:
        """What a whole image has in flash for the boot ROM."""
        return BOOT_BYTES[self.boot] if self.boot else 0

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
        if room[self.regions[0].name] < 0:
            return None
        return next((region for region in self.regions if room[region.name] >= arena_bytes), None)


def _check_architecture(name: str) -> None:
    """Raise the reason why a chip of another architecture than Arm's M profile is not there."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    for chips, architecture in ELSEWHERE.items():
        if re.match(chips, plain) and not name.endswith(".toml"):
            raise ValueError(
                f"no device {name!r}: {architecture}. There are devices with an Arm Cortex-M only, as kernels, emulator"
                " and measured cycles are of these: see `latent-nas devices`"
            )


def open_device(name: str | Device) -> Device:
    """Return the device of ``devices/<name>.toml``, of a file of your own: a path that ends in ".toml", or as it is.

    Raises:
        ValueError: there is no such device, or no such core, and the message names those there are; or a file is not
            of one.
    """
    if isinstance(name, str):
        _check_architecture(name)
    table = plugins.load("devices", name)
    if isinstance(table, Device):
        return table
    try:
        check_fields(table)
    except ValueError as error:
        raise ValueError(f"{name} is not the file of a device: {error}; see `latent-nas devices`") from None
    core = open_core(table.pop("core"), Path(str(name)).parent)
    qemu, power = table.pop("qemu", None), table.pop("power", None)
    device = Device(
        core=core,
        clock_hz=round(table.pop("clock_mhz") * 1e6),
        flash_bytes=round(table.pop("flash_kb") * 1024),
        regions=tuple(Region(r["name"], round(r["kb"] * 1024), r["address"]) for r in table.pop("regions")),
        qemu=qemu and Qemu(**qemu),
        power=power and Power(**power),
        **table,
    )
    _check(device)
    return device


def _units(device: Device) -> list[str]:
    """Return a line for every figure that is too large for its unit, as that of a datasheet in Hz or bytes is."""
    wrong = []
    if device.clock_hz > FASTEST_MHZ * 1e6:
        wrong.append(f"clock_mhz is in MHz, and no Cortex-M runs at {device.clock_hz / 1e6:,.0f} MHz; 48 MHz is 48")
    if device.flash_bytes > ON_CHIP_BYTES and not device.external_flash:
        kb = device.flash_bytes // 1024
        wrong.append(
            f"flash_kb is in KB of 1024 B, and no chip has {kb:,} KB of its own; write bytes / 1024, or"
            " external_flash = true where the flash is a chip of its own"
        )
    wrong += [
        f"the kb of region {r.name} is in KB of 1024 B, and no chip has {r.bytes // 1024:,} KB of RAM below"
        f" {OFF_CHIP:#x}; write bytes / 1024"
        for r in device.regions
        if r.bytes > ON_CHIP_BYTES and r.address < OFF_CHIP
    ]
    return wrong


def _check(device: Device) -> None:
    """Raise ValueError where a device's figures can't be."""
    sizes = {"clock_mhz": device.clock_hz, "flash_kb": device.flash_bytes}
    sizes |= {f"the kb of region {region.name}": region.bytes for region in device.regions}
    wrong = [f"{what} must be above 0" for what, size in sizes.items() if size <= 0]
    wrong += _units(device)
    if device.power and not (device.power.mw > 0 and 0 <= device.power.error < 1):
        wrong.append("power wants mw above 0 and an error from 0 to below 1")
    if device.boot and device.boot not in BOOT_BYTES:
        wrong.append(f"there is no boot ROM {device.boot!r}; there are: {', '.join(BOOT_BYTES)}")
    if not device.regions:
        wrong.append("it has no region of RAM")
    if len({region.name for region in device.regions}) < len(device.regions):
        wrong.append("two regions share a name")
    wrong += [
        f"a region's name is letters, digits and _, as linkers want, and not {' or '.join(TAKEN)}; got {r.name!r}"
        for r in device.regions
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", r.name) or r.name in TAKEN
    ]
    flash = Region("flash", device.flash_bytes, device.flash_address)
    memories = sorted((*device.regions, flash), key=lambda memory: memory.address)
    for memory in memories:
        if memory.address % WHOLE or memory.bytes % WHOLE:
            wrong.append(f"{memory.name} wants whole KB and an address that is a multiple of {WHOLE:#x}")
        if not 0 <= memory.address <= 2**32 - memory.bytes:
            wrong.append(f"{memory.name} ends beyond 32 bits of address")
    for low, high in pairwise(memories):
        if low.address + low.bytes > high.address:
            both = "regions " * (flash not in (low, high))
            wrong.append(f"{both}{low.name} and {high.name} overlap")
    if wrong:
        raise ValueError(f"device {device.name!r}: {wrong[0]}")

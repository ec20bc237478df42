"""What a chip's boot ROM wants in flash before it starts a program, and the file that its USB drive takes.

RP2040 (datasheet 2.8): the ROM copies the first 256 B of the flash to the end of the SRAM, compares the CRC in the last
four, and runs them; they make the flash readable in place and go on to the vector table behind them. RP2350 (datasheet
5.9.5): the ROM looks for a block in the first 4 KB that says what the image is, and goes on to the vector table.
"""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from latent_nas.devices import Device
from latent_nas.extras import need
from latent_nas.firmware import Fault
from latent_nas.firmware.elf import Elf

PAGE = 256  # bytes of a block of a UF2 file, and of the RP2040's second stage
SEARCHED = 4096  # bytes at the start of the flash in which the RP2350 looks
SECOND_STAGE = 0x20041F00  # where the RP2040's ROM copies it
SSI, ENABLE, CONTROL, READ = 0x18000000, 0x08, 0x00, 0xF4  # what reads the flash, and three of its registers
VTOR = 0xE000ED08
HALFWORDS = (
    *(0x4B0A, 0x2000, 0x6098),  # r3 = SSI; SSIENR = 0: it takes settings while it is off
    *(0x2004, 0x6158),  # BAUDR = 4, slow enough for every flash chip
    *(0x4809, 0x6018),  # CTRLR0: 32 clocks a word, a command and an address before them
    *(0x4809, 0x4909, 0x6008),  # SPI_CTRLR0: command 0x03, 24 bits of address
    *(0x2000, 0x6058, 0x2001, 0x6098),  # CTRLR1 = 0: one word at a time; SSIENR = 1
    *(0x4807, 0x4908, 0x6008),  # VTOR = the vector table
    *(0xC806, 0xF381, 0x8808, 0x4710),  # its stack pointer; go to its reset handler
    0xBF00,  # up to the words that the loads above read
)
LITERALS = (SSI, 0x001F0300, 0x03000218, SSI + READ, 0x10000000 + PAGE, VTOR)
IMAGE = (0xFFFFDED3, 0x10210142, 0x000001FF, 0, 0xAB123579)  # start; executable, Arm, secure, RP2350; last; itself; end


@dataclass(frozen=True)
class Boot:
    """What goes into the flash for a boot ROM.

    Attributes:
        first: whether it stands before the vector table. words: of it. family: of the chip in a UF2 file.
        start: (flash, device) -> stack pointer and first instruction; Fault where the ROM would not start it.
    """

    first: bool
    words: tuple[int, ...]
    family: int
    start: Callable[[bytes, Device], tuple[int, int]]

    @cached_property
    def source(self) -> str:
        """Return the C file of the block."""
        rows = [", ".join(f"0x{word:08x}" for word in self.words[i : i + 6]) for i in range(0, len(self.words), 6)]
        lines = ",\n    ".join(rows)
        return SOURCE.format(words=len(self.words), rows=lines)


def crc(data: bytes) -> int:
    """Return the CRC-32 that the RP2040 computes: polynomial 0x04c11db7, highest bit first, not inverted at the end."""
    turned = bytes(int(f"{byte:08b}"[::-1], 2) for byte in data)  # zlib's is the same with the bits of all turned
    return int(f"{zlib.crc32(turned) ^ 0xFFFFFFFF:032b}"[::-1], 2)


def _second_stage() -> tuple[int, ...]:
    code = struct.pack(f"<{len(HALFWORDS)}H{len(LITERALS)}I", *HALFWORDS, *LITERALS).ljust(PAGE - 4, b"\0")
    return struct.unpack(f"<{PAGE // 4}I", code + crc(code).to_bytes(4, "little"))


def _start_rp2040(flash: bytes, device: Device) -> tuple[int, int]:
    """Run the second stage as the ROM does; return the stack pointer and where it goes."""
    stage = flash[:PAGE]
    if crc(stage[:-4]) != int.from_bytes(stage[-4:], "little"):
        raise Fault("the boot ROM would not start it: the first 256 B of the flash have another checksum")
    lib, arm = need("unicorn", "mcu"), need("unicorn.arm_const", "mcu")
    uc = lib.Uc(lib.UC_ARCH_ARM, lib.UC_MODE_THUMB | lib.UC_MODE_MCLASS)
    uc.mem_map(device.flash_address, device.flash_bytes, lib.UC_PROT_READ)
    uc.mem_write(device.flash_address, flash)
    page = SECOND_STAGE & ~0xFFF
    uc.mem_map(page, 0x1000)
    uc.mem_write(SECOND_STAGE, stage)
    written: dict[int, int] = {}

    def setting(uc: Any, offset: int, size: int, value: int, data: Any) -> None:
        if offset != ENABLE and written.get(ENABLE, 1):
            raise Fault(f"the second stage writes register {offset:#x} of the SSI while it is on")
        written[offset] = value

    uc.mmio_map(SSI, 0x1000, lambda *_: 0, None, setting, None)
    uc.mmio_map(VTOR & ~0xFFF, 0x1000, lambda *_: 0, None, lambda *_: None, None)
    entry = int.from_bytes(flash[PAGE + 4 : PAGE + 8], "little") & ~1
    uc.emu_start(SECOND_STAGE | 1, entry, count=1000)
    if uc.reg_read(arm.UC_ARM_REG_PC) & ~1 != entry:
        raise Fault("the second stage does not reach the reset handler")
    if not written.get(ENABLE) or written.get(CONTROL) != LITERALS[1] or written.get(READ) != LITERALS[2]:
        raise Fault("the second stage leaves the flash unreadable")
    return uc.reg_read(arm.UC_ARM_REG_SP), entry


def _start_rp2350(flash: bytes, device: Device) -> tuple[int, int]:
    """Look for the image definition as the ROM does; return what the vector table at the start says."""
    words = struct.unpack(f"<{SEARCHED // 4}I", flash[:SEARCHED].ljust(SEARCHED, b"\xff"))
    if not any(words[i : i + len(IMAGE)] == IMAGE for i in range(len(words))):
        raise Fault("the boot ROM would not start it: no image definition in the first 4 KB of the flash")
    return words[0], words[1] & ~1


BOOTS = {
    "rp2040": Boot(True, _second_stage(), 0xE48BFF56, _start_rp2040),
    "rp2350": Boot(False, IMAGE, 0xE48BFF59, _start_rp2350),
}


def boot_of(device: Device) -> Boot | None:
    """Return what a device's boot ROM wants, or None."""
    return BOOTS[device.boot] if device.boot else None


def start(elf: Elf, device: Device) -> tuple[int, int]:
    """Return stack pointer and first instruction of a firmware, as the core or the chip's boot ROM finds them.

    Raises:
        Fault: the boot ROM would not start it.
    """
    flash = image(elf, device)
    boot = boot_of(device)
    if boot:
        return boot.start(flash, device)
    return int.from_bytes(flash[:4], "little"), elf.entry


def image(elf: Elf, device: Device) -> bytes:
    """Return what lies in a device's flash, from its start."""
    end = max(at + len(content) for at, content in elf.segments)
    flash = bytearray(b"\xff" * (end - device.flash_address))
    for at, content in elf.segments:
        flash[at - device.flash_address : at - device.flash_address + len(content)] = content
    return bytes(flash)


def uf2(elf: Elf, device: Device) -> bytes | None:
    """Return a firmware as the file that is copied to the chip's USB drive, None where there is no such drive.

    Of Microsoft's UF2 format: blocks of 512 B, each with 256 B of the flash and where they go.
    """
    boot = boot_of(device)
    if boot is None:
        return None
    flash = image(elf, device)
    pages = [flash[i : i + PAGE].ljust(PAGE, b"\xff") for i in range(0, len(flash), PAGE)]
    file = b""
    for i, page in enumerate(pages):
        head = (0x0A324655, 0x9E5D5157, 0x2000, device.flash_address + i * PAGE, PAGE, i, len(pages), boot.family)
        file += struct.pack("<8I", *head) + page.ljust(476, b"\0") + struct.pack("<I", 0x0AB16F30)
    return file


SOURCE = """/* What the chip's boot ROM wants to find in the flash; see firmware/boot.py of latent_nas. */
#include <stdint.h>

extern const uint32_t boot_block[{words}];
__attribute__((used, section(".boot"))) const uint32_t boot_block[{words}] = {{
    {rows},
}};
"""

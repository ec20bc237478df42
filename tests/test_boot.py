"""The boot ROMs of RP2040 and RP2350: what they want is in the flash, and a firmware starts by their rules alone."""

import struct
from dataclasses import replace

import pytest

from latent_nas.costs import costs
from latent_nas.devices import BOOT_BYTES, open_device
from latent_nas.firmware import Fault, boot, elf
from latent_nas.firmware.check import emulate
from latent_nas.firmware.compile import build
from latent_nas.firmware.draw import drawn
from latent_nas.firmware.export import project
from latent_nas.graph import Builder
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.runtimes import open_runtime

capstone = pytest.importorskip("capstone", reason="extra test: capstone not installed")
pytest.importorskip("unicorn", reason="extra mcu: unicorn not installed")


def small():
    b = Builder((8, 8, 4))
    b.add(Dense(3), b.add(GlobalPool(), b.add(Conv2d(8), 0)))
    return b.build()


@pytest.fixture(scope="module", params=["rp2040", "rp2350"])
def made(request, tmp_path_factory):
    device, folder = open_device(request.param), tmp_path_factory.mktemp(request.param)
    network, x = drawn(small(), 0, 4)
    firmware = project(network, device)
    firmware.write(folder)
    return device, firmware, build(folder, device.core), x


def test_the_firmware_starts_by_the_boot_rom_and_is_bit_exact(made):
    device, firmware, path, x = made
    assert emulate(firmware, path, x)[1]["bit_exact"]
    pointer, entry = boot.start(elf.read(path), device)
    assert pointer == elf.read(path).address("stack_top")
    assert entry == elf.read(path).entry


def test_without_its_block_it_does_not_start(made):
    device, _, path, _ = made
    firmware = elf.read(path)
    flash = bytearray(boot.image(firmware, device))
    at = flash.find(struct.pack("<I", boot.BOOTS[device.boot].words[0]))
    flash[at] ^= 1
    broken = replace(firmware, segments=((device.flash_address, bytes(flash)),))
    with pytest.raises(Fault, match="boot ROM would not start it"):
        boot.start(broken, device)


def test_flash_counts_the_block(made):
    device, firmware, _, _ = made
    assert 4 * len(boot.BOOTS[device.boot].words) == BOOT_BYTES[device.boot]
    runtime, plain = open_runtime("native"), replace(device, boot="")
    apart = costs(small(), device, runtime).flash_bytes - costs(small(), plain, runtime).flash_bytes
    assert apart == BOOT_BYTES[device.boot]
    assert not {"boot.c"} - set(firmware.files)


def test_the_second_stage_is_what_its_comments_say():
    """By an independent disassembler; the checksum by the check value that the catalogue of CRCs gives."""
    code = struct.pack("<64I", *boot.BOOTS["rp2040"].words)
    thumb = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
    steps = list(thumb.disasm(code[: 2 * len(boot.HALFWORDS)], boot.SECOND_STAGE))
    loads = [s for s in steps if "pc" in s.op_str]
    read = []
    for load in loads:
        offset = int(load.op_str.partition("#")[2].rstrip("]"), 0)
        (word,) = struct.unpack_from("<I", code, (load.address + 4 & ~3) + offset - boot.SECOND_STAGE)
        read.append(word)
    assert tuple(read) == boot.LITERALS
    assert [s.mnemonic for s in steps[-4:]] == ["ldm", "msr", "bx", "nop"]
    assert boot.crc(b"123456789") == 0x0376E6E7  # CRC-32/MPEG-2


def test_the_file_for_the_usb_drive_holds_the_whole_flash(made):
    device, _, path, _ = made
    firmware = elf.read(path)
    file = boot.uf2(firmware, device)
    assert len(file) % 512 == 0
    flash = b""
    for i in range(0, len(file), 512):
        first, second, flags, address, size, number, count, family = struct.unpack_from("<8I", file, i)
        assert (first, second, flags, size) == (0x0A324655, 0x9E5D5157, 0x2000, 256)
        assert (address, number, count) == (device.flash_address + 256 * (i // 512), i // 512, len(file) // 512)
        assert family == {"rp2040": 0xE48BFF56, "rp2350": 0xE48BFF59}[device.name]
        assert struct.unpack_from("<I", file, i + 508) == (0x0AB16F30,)
        flash += file[i + 32 : i + 32 + 256]
    assert flash.startswith(boot.image(firmware, device))
    assert boot.uf2(firmware, open_device("stm32f405")) is None


def test_an_unknown_boot_rom_is_refused(tmp_path):
    text = tmp_path / "mine.toml"
    text.write_text(
        'name = "mine"\ncore = "cortex-m0+"\nclock_mhz = 133\nflash_kb = 64\nboot = "rp1"\n'
        'regions = [{ name = "sram", kb = 64, address = 0x20000000 }]\n'
    )
    with pytest.raises(ValueError, match="no boot ROM 'rp1'; there are: rp2040, rp2350"):
        open_device(str(text))


@pytest.mark.parametrize(("name", "words"), [("rp2040", "command 0x03"), ("rp2350", "read mode")])
def test_says_that_the_flash_is_read_slower_than_computed(name, words):
    assert words in open_device(name).lacks

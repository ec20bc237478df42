"""A GDB server over unicorn: a chip with erased flash, programmed, reset and halted as through a debug probe."""

import contextlib
import select
import socket
import struct
import threading

import unicorn
from unicorn import arm_const as arm

from latent_nas.firmware.machine import model_of

SYSTEM, DWT, ROM_TABLE = 0xE000E000, 0xE0001000, 0xE00FF000
SLICE_US = 50_000
REGISTERS = [getattr(arm, f"UC_ARM_REG_{n}") for n in (*(f"R{i}" for i in range(13)), "SP", "LR", "PC")]


class Chip:
    """Memory, core and counter of a device; nothing of the firmware is known."""

    def __init__(self, device, cpuid=0x410FC241, component_id=()):
        self.device, self.cycles, self.stops = device, 0, {}
        self.uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)
        self.uc.ctl_set_cpu_model(model_of(device.core))
        self.uc.mem_map(device.flash_address, device.flash_bytes)
        self.uc.mem_write(device.flash_address, b"\xff" * device.flash_bytes)
        for region in device.regions:
            self.uc.mem_map(region.address, region.bytes)
        self.uc.mmio_map(SYSTEM, 0x1000, lambda u, at, n, d: cpuid if at == 0xD00 else 0, None, lambda *_: None, None)
        self.uc.mmio_map(DWT, 0x1000, lambda u, at, n, d: self.cycles & 0xFFFFFFFF if at == 4 else 0, None, _none, None)
        if component_id:
            table = struct.pack("<4I", *component_id)
            self.uc.mem_map(ROM_TABLE, 0x1000)
            self.uc.mem_write(ROM_TABLE + 0xFF0, table)
        self.uc.hook_add(unicorn.UC_HOOK_BLOCK, self._block)

    def reset(self):
        stack, entry = struct.unpack("<II", self.uc.mem_read(self.device.flash_address, 8))
        self.uc.reg_write(arm.UC_ARM_REG_SP, stack)
        self.uc.reg_write(arm.UC_ARM_REG_PC, entry & ~1)

    def stop_at(self, address):
        self.stops[address] = self.uc.hook_add(
            unicorn.UC_HOOK_CODE, lambda uc, *_: uc.emu_stop(), None, address, address
        )
        self.uc.ctl_flush_tb()

    def run(self):
        """Run a little; return a signal where it stopped, None where it goes on."""
        try:
            self.uc.emu_start(self.uc.reg_read(arm.UC_ARM_REG_PC) | 1, 0xFFFFFFFE, timeout=SLICE_US)
        except unicorn.UcError:
            return 11
        return 5 if self.uc.reg_read(arm.UC_ARM_REG_PC) in self.stops else None

    def _block(self, uc, address, size, data):
        self.cycles += size // 2


def _none(*_):
    return None


class Server(threading.Thread):
    """Serves one debugger on a free port; ``name``: of an emulator, as the server says it of itself."""

    def __init__(self, chip, name="unicorn", port=0):
        super().__init__(daemon=True)
        self.chip, self.emulator, self.heard = chip, name, []
        self._listening = socket.create_server(("127.0.0.1", port))
        self.port = self._listening.getsockname()[1]

    def run(self):
        with contextlib.suppress(OSError), self._listening, self._listening.accept()[0] as self._socket:
            self._acknowledge, data = True, b""
            while piece := self._socket.recv(65536):
                data += piece
                while b"#" in data and len(data) >= data.index(b"#") + 3:
                    end = data.index(b"#")
                    body, data = data[data.index(b"$") + 1 : end], data[end + 3 :]
                    if self._acknowledge:
                        self._socket.sendall(b"+")
                    self._send(self._answer(body))
                    if body == b"QStartNoAckMode":
                        self._acknowledge = False

    def _send(self, body):
        self._socket.sendall(b"$" + body + f"#{sum(body) & 255:02x}".encode())

    def _answer(self, body):
        self.heard.append(body[:32])
        uc, text = self.chip.uc, body.decode("latin-1")
        try:
            if text.startswith("qSupported"):
                return b"PacketSize=400"
            if text.startswith("qlatent_nas"):
                return self.emulator.encode()
            if text == "QStartNoAckMode":
                return b"OK"
            if text == "?":
                return b"S05"
            if text[0] == "m":
                at, n = (int(v, 16) for v in text[1:].split(","))
                return bytes(uc.mem_read(at, n)).hex().encode()
            if text[0] == "M":
                uc.mem_write(int(text[1:].split(",")[0], 16), bytes.fromhex(text.split(":")[1]))
                return b"OK"
            if text[0] == "p":
                return struct.pack("<I", uc.reg_read(REGISTERS[int(text[1:], 16)]) & 0xFFFFFFFF).hex().encode()
            if text[0] == "P":
                number, value = text[1:].split("=")
                uc.reg_write(REGISTERS[int(number, 16)], struct.unpack("<I", bytes.fromhex(value))[0])
                return b"OK"
            if text.startswith("Z1"):
                self.chip.stop_at(int(text.split(",")[1], 16))
                return b"OK"
            if text.startswith("vFlashErase"):
                at, n = (int(v, 16) for v in text.split(":")[1].split(","))
                uc.mem_write(at, b"\xff" * n)
                return b"OK"
            if text.startswith("vFlashWrite"):
                head, _, data = body.partition(b":")[2].partition(b":")
                uc.mem_write(int(head, 16), _unescaped(data))
                return b"OK"
            if text == "vFlashDone":
                return b"OK"
            if text.startswith("qRcmd"):
                assert bytes.fromhex(text.split(",")[1]) == b"reset halt"
                self.chip.reset()
                self._send(b"O" + b"reset and halted\n".hex().encode())
                return b"OK"
        except unicorn.UcError:
            return b"E01"
        return self._run() if text == "c" else b""

    def _run(self):
        while True:
            if (signal := self.chip.run()) is not None:
                return f"T{signal:02x}".encode()
            if select.select([self._socket], [], [], 0)[0] and self._socket.recv(1) in (b"\x03", b""):
                return b"T02"


def _unescaped(data):
    found, at = bytearray(), 0
    while at < len(data):
        escaped = data[at] == ord("}")
        found.append(data[at + escaped] ^ (0x20 if escaped else 0))
        at += 1 + escaped
    return bytes(found)

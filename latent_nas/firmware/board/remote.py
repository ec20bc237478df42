"""A core behind a GDB server, of pyOCD, OpenOCD, QEMU or others: memory, registers, breakpoints, flash."""

import re
import struct
from collections.abc import Sequence
from types import TracebackType

from latent_nas.firmware.board import NoAnswer
from latent_nas.firmware.board.packets import Packets

SP, LR, PC = 13, 14, 15
SMALL, LARGE = 256, 4096  # bytes of memory in a packet: where the server says nothing of it, and at most
ERASE_S, ANSWER_S = 60.0, 10.0


class Remote:
    """A halted core; use it in a ``with``, which lets go of it."""

    def __init__(self, host: str, port: int, wait_s: float = 1.0) -> None:
        """Connect to a server and halt the core.

        Raises:
            NoAnswer: nobody is there, or it does not speak GDB's protocol.
        """
        self._where = f"{host}:{port}"
        self._packets = Packets(host, port, wait_s)
        try:
            supported = self._ask(b"qSupported:hwbreak+;swbreak+").decode(errors="replace")
            self._packets.plain()
            size = re.search(r"PacketSize=([0-9a-fA-F]+)", supported)
            self._most = min((int(size[1], 16) - 32) // 2, LARGE) if size else SMALL
            self._ask(b"?")
            self.emulator = self._emulator()
        except BaseException:
            self._packets.close()
            raise

    def __enter__(self) -> "Remote":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._packets.close()

    def read(self, address: int, n: int) -> bytes:
        """Return n bytes of memory.

        Raises:
            NoAnswer: there is none at that address, or the server is gone.
        """
        found = b""
        while len(found) < n:
            at, some = address + len(found), min(n - len(found), self._most)
            answer = self._ask(f"m{at:x},{some:x}".encode())
            try:
                piece = bytes.fromhex(answer.decode())
            except ValueError:
                piece = b""
            if not piece:
                raise NoAnswer(f"{self._where} can't read {some} B at {at:#010x}: {_text(answer)}")
            found += piece
        return found

    def words(self, address: int, n: int = 1) -> tuple[int, ...]:
        """Return n words of memory."""
        return struct.unpack(f"<{n}I", self.read(address, 4 * n))

    def write(self, address: int, data: bytes) -> None:
        """Write bytes to memory.

        Raises:
            NoAnswer: the server refused, or is gone.
        """
        for at in range(0, len(data), self._most):
            piece = data[at : at + self._most]
            answer = self._ask(f"M{address + at:x},{len(piece):x}:".encode() + piece.hex().encode())
            if answer != b"OK":
                raise NoAnswer(f"{self._where} can't write at {address + at:#010x}: {_text(answer)}")

    def register(self, number: int) -> int:
        """Return a register of the core, 0 to 15."""
        answer = self._ask(f"p{number:x}".encode())
        if not answer or answer.startswith(b"E"):  # a server that knows all of them at once only
            return struct.unpack_from("<I", bytes.fromhex(self._ask(b"g").decode()), 4 * number)[0]
        return struct.unpack("<I", bytes.fromhex(answer.decode())[:4])[0]

    def set_register(self, number: int, value: int) -> None:
        """Write a register of the core, 0 to 15."""
        answer = self._ask(f"P{number:x}=".encode() + struct.pack("<I", value).hex().encode())
        if answer != b"OK":
            held = bytearray(bytes.fromhex(self._ask(b"g").decode()))
            struct.pack_into("<I", held, 4 * number, value)
            self._ask(b"G" + bytes(held).hex().encode())

    def stop_at(self, addresses: Sequence[int]) -> None:
        """Set breakpoints, of the core's own where it has them, as code lies in flash."""
        for address in addresses:
            for kind in (b"Z1", b"Z0"):
                if self._ask(kind + f",{address:x},2".encode()) == b"OK":
                    break
            else:
                raise NoAnswer(f"{self._where} sets no breakpoint at {address:#010x}")

    def go(self, wait_s: float) -> bool:
        """Let the core run until it stops; return whether it did so in time, and halt it if not."""
        self._packets.send(b"c")
        try:
            return self._stopped(wait_s)
        except TimeoutError:
            self._packets.interrupt()
            try:
                self._stopped(ANSWER_S)
            except TimeoutError:
                raise NoAnswer(f"the core behind {self._where} does not halt; reset the board, try again") from None
            return False

    def monitor(self, command: str) -> str:
        """Return what the server says to a command of its own, "" where it knows none."""
        self._packets.send(b"qRcmd," + command.encode().hex().encode())
        said = ""
        while True:
            try:
                answer = self._packets.answer(ERASE_S)
            except TimeoutError:
                raise NoAnswer(f"{self._where} does not answer to {command!r}") from None
            if answer.startswith(b"O") and answer != b"OK":
                said += bytes.fromhex(answer[1:].decode()).decode(errors="replace")
            elif answer in (b"OK", b"") or answer.startswith(b"E"):
                return said
            else:
                return said + bytes.fromhex(answer.decode()).decode(errors="replace")

    def program(self, address: int, image: bytes) -> None:
        """Write the flash, through what the server knows of it, else as memory.

        Raises:
            NoAnswer: it did not take it.
        """
        block = self._block(address)
        erased = -(-(address % block + len(image)) // block) * block
        if self._ask(f"vFlashErase:{address - address % block:x},{erased:x}".encode(), ERASE_S) != b"OK":
            self.write(address, image)
            return
        for at in range(0, len(image), self._most // 2):  # an escaped byte takes two
            body = b"".join(_escaped(byte) for byte in image[at : at + self._most // 2])
            answer = self._ask(f"vFlashWrite:{address + at:x}:".encode() + body, ERASE_S)
            if answer != b"OK":
                raise NoAnswer(f"{self._where} can't program {address + at:#010x}: {_text(answer)}")
        if self._ask(b"vFlashDone", ERASE_S) != b"OK":
            raise NoAnswer(f"{self._where} could not end the programming of the flash")

    def _block(self, address: int) -> int:
        """Return how much of the flash at an address is erased at once, as the server's memory map says; else 1."""
        said, at = b"", 0
        while (piece := self._ask(f"qXfer:memory-map:read::{at:x},{self._most:x}".encode()))[:1] in (b"m", b"l"):
            said, at = said + piece[1:], at + len(piece) - 1
            if piece[:1] == b"l":
                break
        for memory in re.findall(r"<memory[^>]*type=.flash.*?</memory>", said.decode(errors="replace"), re.DOTALL):
            start, length = (re.search(rf"{name}=.([0-9a-fA-Fx]+)", memory) for name in ("start", "length"))
            block = re.search(r"blocksize.>\s*([0-9a-fA-Fx]+)", memory)
            if start and length and block and 0 <= address - int(start[1], 0) < int(length[1], 0):
                return int(block[1], 0)
        return 1

    def _emulator(self) -> str:
        """Return the name of the emulator that answers, "" where none makes itself known."""
        if b"ENABLE" in self._ask(b"qqemu.sstepbits"):
            return "QEMU"
        return self._ask(b"qlatent_nas.emulator").decode(errors="replace")

    def _stopped(self, wait_s: float) -> bool:
        while True:
            answer = self._packets.answer(wait_s)
            if answer[:1] in b"TS":
                return True
            if answer[:1] in b"WX":
                raise NoAnswer(f"what ran behind {self._where} has ended")

    def _ask(self, text: bytes, wait_s: float = ANSWER_S) -> bytes:
        try:
            return self._packets.ask(text, wait_s)
        except TimeoutError:
            raise NoAnswer(
                f"{self._where} does not answer; is it a GDB server, and does its probe reach the chip?"
            ) from None


def _text(answer: bytes) -> str:
    return repr(answer.decode(errors="replace"))


def _escaped(byte: int) -> bytes:
    return bytes([ord("}"), byte ^ 0x20]) if byte in b"$#}*" else bytes([byte])

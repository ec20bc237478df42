"""Packets of GDB's remote serial protocol over TCP (GDB manual, appendix E)."""

import socket
import time

from latent_nas.firmware.board import NoAnswer

REPEAT = 29  # added to the count in a run-length code
ESCAPED = 0x20
LONGEST = 1 << 20  # characters of an answer; more is no packet


class Packets:
    """A connection to a GDB server."""

    def __init__(self, host: str, port: int, wait_s: float) -> None:
        """Connect, for ``wait_s`` seconds at most.

        Raises:
            NoAnswer: nobody is there.
        """
        self._where, self._held, self._acknowledged = f"{host}:{port}", b"", True
        end = time.monotonic() + wait_s
        while True:
            try:
                self._socket = socket.create_connection((host, port), timeout=max(end - time.monotonic(), 0.1))
                return
            except OSError as error:
                if time.monotonic() > end:
                    raise NoAnswer(f"no GDB server at {self._where}: {error}; start one, or look at its port") from None
                time.sleep(0.05)

    def ask(self, text: bytes, wait_s: float = 10.0) -> bytes:
        """Return the answer to a packet.

        Raises:
            NoAnswer: none came in time, or it is none of this protocol.
        """
        self.send(text)
        return self.answer(wait_s)

    def plain(self) -> None:
        """Leave out acknowledgements from here on, if the server does so too."""
        if self.ask(b"QStartNoAckMode") == b"OK":
            self._acknowledged = False

    def send(self, text: bytes) -> None:
        """Send a packet."""
        self._out(b"$" + text + f"#{sum(text) & 255:02x}".encode())

    def interrupt(self) -> None:
        """Ask for a halt, which is no packet."""
        self._out(b"\x03")

    def answer(self, wait_s: float) -> bytes:
        """Return the next packet, its codes for repeats and escapes undone.

        Raises:
            NoAnswer: as ``ask``. TimeoutError: nothing came in time, and the connection is as it was.
        """
        end, resent = time.monotonic() + wait_s, 0
        while True:
            start = self._held.find(b"$")
            close = self._held.find(b"#", start) if start >= 0 else -1
            if 0 <= start < close and len(self._held) >= close + 3:
                body, told = self._held[start + 1 : close], self._held[close + 1 : close + 3]
                self._held = self._held[close + 3 :]
                if f"{sum(body) & 255:02x}".encode() == told.lower():
                    self._acknowledge(b"+")
                    return _plain(body)
                resent += 1
                if resent > 3 or not self._acknowledged:
                    raise NoAnswer(f"the GDB server at {self._where} sends packets with wrong checksums")
                self._acknowledge(b"-")
                continue
            if len(self._held) > LONGEST:
                raise NoAnswer(f"what answers at {self._where} does not speak GDB's protocol: {self._held[:40]!r}")
            self._held += self._in(end)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _acknowledge(self, sign: bytes) -> None:
        if self._acknowledged:
            self._out(sign)

    def _out(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise NoAnswer(f"the GDB server at {self._where} is gone: {error}") from None

    def _in(self, end: float) -> bytes:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
        try:
            data = self._socket.recv(65536)
        except TimeoutError:
            raise
        except OSError as error:
            raise NoAnswer(f"the GDB server at {self._where} is gone: {error}") from None
        if not data:
            raise NoAnswer(f"the GDB server at {self._where} has closed the connection")
        return data


def _plain(body: bytes) -> bytes:
    """Return a packet's content: "}" escapes the next byte, "*" and a count repeat the last one."""
    found, at = bytearray(), 0
    while at < len(body):
        code = body[at]
        if code == ord("}") and at + 1 < len(body):
            found.append(body[at + 1] ^ ESCAPED)
            at += 2
        elif code == ord("*") and found and at + 1 < len(body):
            found += found[-1:] * (body[at + 1] - REPEAT)
            at += 2
        else:
            found.append(code)
            at += 1
    return bytes(found)

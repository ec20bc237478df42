"""What a program says on a serial line: the report of ``<prefix>_report.c``, heard with the standard library alone."""

import errno
import os
import re
import select
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from latent_nas.firmware.board import NoAnswer

BEGINS, ENDS = b"# latent_nas 1\n", re.compile(rb"^# end ([0-9a-f]{8})\n", re.MULTILINE)
LONGEST = 1 << 20  # bytes of a report at most
ECHOED = 40  # bytes of what is no report, in a message
PSEUDO = ("/dev/pts/", "/dev/ttys")  # of programs, on Linux and on macOS


@dataclass(frozen=True)
class Report:
    """What a board said of a network.

    Attributes:
        network: its hash. self_test_wrong: None where there is no golden sample. ticks: of each run, ``ticks_hz`` a
            second. output: of the last run, as bytes.
    """

    network: str
    self_test_wrong: int | None
    ticks: tuple[int, ...]
    ticks_hz: int
    output: bytes


class Port:
    """A serial port, open for reading at so many baud, 8 bits, no parity; use it in a ``with``."""

    def __init__(self, path: str, baud: int) -> None:
        """Open it.

        Raises:
            NoAnswer: there is none, it is busy or not to be read by this user, or can't be so fast.
        """
        try:
            import termios
        except ImportError:
            raise NoAnswer(
                "Windows has no termios to read a serial port with: work in WSL with usbipd, or through a debug probe"
                " (--flash probe)"
            ) from None
        self.path = path
        speed = getattr(termios, f"B{baud}", None)
        if speed is None:
            raise NoAnswer(f"--baud {baud}: no speed of a serial port here; usual are 9600, 115200, 460800, 921600")
        try:
            self._file = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError as error:
            raise NoAnswer(_why(path, error)) from None
        try:
            _exclusive(self._file, path)
            attributes = termios.tcgetattr(self._file)
            attributes[0] = attributes[1] = attributes[3] = 0  # as bytes come, none changed, none echoed
            attributes[2] = termios.CS8 | termios.CREAD | termios.CLOCAL
            attributes[4] = attributes[5] = speed
            termios.tcsetattr(self._file, termios.TCSANOW, attributes)
        except termios.error as error:
            os.close(self._file)
            raise NoAnswer(f"{path} is no serial port: {error.args[-1]}") from None
        except NoAnswer:
            os.close(self._file)
            raise

    def __enter__(self) -> "Port":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of it."""
        os.close(self._file)

    @property
    def pseudo(self) -> bool:
        """Whether a program is at the other end, not a wire."""
        return os.path.realpath(self.path).startswith(PSEUDO)

    def heard(self, wait_s: float) -> Report:
        """Return the first whole report.

        Raises:
            NoAnswer: none came in time; the message says what did.
        """
        end, held, total, garbled = time.monotonic() + wait_s, b"", 0, 0
        while (left := end - time.monotonic()) > 0:
            if not select.select([self._file], [], [], left)[0]:
                break
            try:
                piece = os.read(self._file, 65536)
            except BlockingIOError:
                continue
            except OSError as error:
                raise NoAnswer(f"{self.path} is gone: {error.strerror}; is the board still plugged in?") from None
            if not piece:
                time.sleep(0.02)
                continue
            total += len(piece)
            held = (held + piece.replace(b"\r", b""))[-LONGEST:]
            while (start := held.find(BEGINS)) >= 0 and (close := ENDS.search(held, start)):
                body, held = held[start + len(BEGINS) : close.start()], held[close.end() :]
                if f"{fnv1a(body):08x}".encode() == close[1]:
                    return parsed(body.decode("ascii"))
                garbled += 1
        raise NoAnswer(self._silence(wait_s, total, garbled, held))

    def _silence(self, wait_s: float, total: int, garbled: int, held: bytes) -> str:
        """Return why nothing was understood."""
        if garbled or BEGINS in held:
            what = f"{garbled} reports came garbled" if garbled else "a report began and did not end"
            return f"{self.path}: {what} in {wait_s:g} s; look at the cable and the speed"
        if total:
            return (
                f"{self.path}: {total} B in {wait_s:g} s that are no report, as {held[:ECHOED]!r}; is --baud that of"
                " the program, and does it call the network's _report()?"
            )
        return (
            f"{self.path}: nothing in {wait_s:g} s; look at the cable, --baud, and that the program calls the network's"
            " _report(), again and again; reset the board"
        )


def fnv1a(data: bytes) -> int:
    """Return the 32-bit FNV-1a hash of bytes (Fowler, Noll, Vo)."""
    found = 2166136261
    for byte in data:
        found = (found ^ byte) * 16777619 & 0xFFFFFFFF
    return found


def parsed(text: str) -> Report:
    """Return what the lines of a report say.

    Raises:
        NoAnswer: one is missing, though the checksum is right: of another release.
    """
    lines = dict(line.removeprefix("# ").split(" ", 1) for line in text.splitlines() if line.startswith("# "))
    try:
        test = lines["self_test"]
        return Report(
            network=lines["network"],
            self_test_wrong=None if test == "-" else int(test),
            ticks=tuple(map(int, lines["ticks"].split())),
            ticks_hz=int(lines["ticks_hz"]),
            output=bytes.fromhex(lines["output"]),
        )
    except (KeyError, ValueError) as error:
        raise NoAnswer(f"the board's report is of another release: {error!r}; deploy and flash anew") from None


def _exclusive(file: int, path: str) -> None:
    """Take a port for this process alone.

    Raises:
        NoAnswer: another has it.
    """
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise NoAnswer(f"{path} is in use by another program; close its serial monitor") from None
    except OSError:
        pass  # of a device that knows no locks


def _why(path: str, error: OSError) -> str:
    """Return in a line why a port can't be opened, and what to do."""
    if error.errno == errno.ENOENT:
        ports = sorted(str(p) for n in ("ttyACM*", "ttyUSB*", "cu.usb*") for p in Path("/dev").glob(n))
        return f"there is no port {path}; there are: {', '.join(ports) or 'none; is the board plugged in?'}"
    if error.errno in (errno.EBUSY, errno.EAGAIN):
        return f"{path} is in use by another program; close its serial monitor"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{path} may not be read by this user; on Linux: sudo usermod -aG dialout $USER, and log in again"
    return f"{path} can't be opened: {error.strerror}"

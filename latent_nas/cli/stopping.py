"""Ctrl-C, SIGTERM and SIGHUP: once, and the command keeps what is finished and ends; twice, or too slow, it just ends.

Nothing is lost by just ending: results are in the store as they come, and what is half-written is swept away by the
next process that works there. Workers end with their main process.
"""

import os
import select
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE_S = 8.0  # from the first signal to the end

_listens = False
_heard = 0  # the first signal


def listen() -> None:
    """Have the three signals end the command, from now on. A signal that is ignored, as by nohup, stays so."""
    global _listens
    if _listens or threading.current_thread() is not threading.main_thread():
        return
    _listens = True
    heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    for number in heard:
        signal.signal(number, _stop)
    ear, mouth = os.pipe()
    os.set_blocking(mouth, False)
    signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)  # told at once, even while the main thread is busy in C
    threading.Thread(target=_watch, args=(ear, bytes(heard)), daemon=True).start()


def code() -> int:
    """Return the exit code of a command that was stopped, by the signal that did it."""
    return 128 + (_heard or signal.SIGINT)


def _stop(number: int, frame: FrameType | None) -> None:
    global _heard
    _heard = _heard or number
    raise KeyboardInterrupt


def _watch(ear: int, numbers: bytes) -> None:
    """End the process at the second signal, or a while after the first."""
    first = 0
    while True:
        if first and not select.select([ear], [], [], PATIENCE_S)[0]:
            break
        number = os.read(ear, 1)
        if not number:
            return
        if number in numbers:
            if first:
                break
            first = number[0]
    with suppress(OSError, ValueError):
        print("stopped", file=sys.stderr, flush=True)
    os._exit(128 + first)

"""What the server of workers imports, once for all of them: it is forked as it is then. Linux only.

While it imports it hears nobody, so the system ends it should the main process die meanwhile.
"""

import atexit
import ctypes
import gc
import os
import signal

PR_SET_PDEATHSIG = 1

signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the main process's, as it is to the server once it hears
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # which blocked it while Python began, see ``local``

SYSTEM = ctypes.CDLL(None)
SYSTEM.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))

gc.disable()  # what is imported stays: a sixth of the time would go into looking for what could be freed

import numba.core.registry  # noqa: E402
import sklearn.datasets  # noqa: E402, F401 - brings pandas and scipy, which readers and tasks want
import torch._dynamo  # noqa: E402, F401 - torch's optimisers import it as they are made

TARGET = numba.core.registry.cpu_target
TARGET.target_context.refresh()  # what numba otherwise imports when the first compiled loop is opened
TARGET.typing_context.refresh()

SYSTEM.prctl(PR_SET_PDEATHSIG, 0)  # the signal is of a thread's death, and the server outlives that which began it
gc.freeze()  # no worker looks through it either, which would copy every page that it shares with the server
gc.enable()
atexit.register(os._exit, 0)  # to take torch apart takes a second, and nothing is lost

"""What the server of workers imports, once for all of them: it is forked as it is then. Linux only.

While it imports it hears nobody, so the system ends it should the main process die meanwhile.
"""

import atexit
import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1

SYSTEM = ctypes.CDLL(None)
SYSTEM.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))

import torch._dynamo  # noqa: E402, F401 - torch's optimisers import it as they are made

SYSTEM.prctl(PR_SET_PDEATHSIG, 0)  # the signal is of a thread's death, and the server outlives that which began it
atexit.register(os._exit, 0)  # to take torch apart takes a second, and nothing is lost

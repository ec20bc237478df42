"""A component compiled for this machine, as a shared library: what a user's program would call."""

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from latent_nas.firmware import cache
from latent_nas.firmware.compile import CACHE_NAME, known_place

STRICT = ["-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Wpedantic", "-Wshadow", "-Werror"]
STRICT += ["-Wtautological-unsigned-zero-compare"]  # which gcc has among -Wextra


def compiled(folders, out, plus=False):
    """Return the library of one or several components' folders, compiled without a warning, as C99 or as C++17.

    Kernels that other components have as well are compiled once, see ``known_place``.
    """
    language = ["-x", "c++", "-std=c++17"] if plus else ["-std=c99"]  # by `cc`, as `c++` builds a library of C++ first
    command = [sys.executable, "-m", "ziglang", "cc", *language, *STRICT, "-O1", "-g0", "-shared", "-fPIC"]
    gathered = out.with_suffix(".sources")
    for number, folder in enumerate(folders):
        shutil.copytree(
            folder, gathered / str(number), ignore=lambda at, names: [n for n in names if n[-2:] not in (".c", ".h")]
        )
        command += [f"{number}/{path.name}" for path in sorted(Path(folder).glob("*.c"))] + [f"-I{number}"]
    kept = str((cache.folder() / CACHE_NAME).resolve())
    environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": kept, "ZIG_LOCAL_CACHE_DIR": kept}
    with known_place(gathered, "host") as place:
        command += ["-o", str(out)]
        done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return ctypes.CDLL(str(out))


class Called:
    """The functions of a component, by its prefix."""

    def __init__(self, library, component):
        self.library, self.prefix = library, component.prefix
        self.outputs = int(np.prod(component.network.graph.output_shape))
        for name in ("input", "output"):
            self._of(name).restype = ctypes.POINTER(ctypes.c_int8)

    def _of(self, name):
        return getattr(self.library, f"{self.prefix}_{name}")

    def feed(self, raw, function="feed"):
        """Return the int8 outputs of raw data."""
        raw = np.ascontiguousarray(raw)
        self._of("init")()
        self._of(function)(raw.ctypes.data_as(ctypes.c_void_p))
        self._of("run")()
        return self.answer()

    def push(self, step):
        """Return the int8 outputs of a series' window that ends here, None where none does."""
        step = np.ascontiguousarray(step)
        return self.answer() if self._of("push")(step.ctypes.data_as(ctypes.c_void_p)) else None

    def begin(self):
        """Forget what was pushed."""
        self._of("begin")()

    def push_some(self, samples):
        """Return how often the network has run on pushed samples of audio."""
        samples = np.ascontiguousarray(samples)
        return self._of("push")(samples.ctypes.data_as(ctypes.c_void_p), len(samples))

    def answer(self):
        """Return the int8 outputs of the last run."""
        return np.array(self._of("output")()[: self.outputs], np.int8)

    def self_test(self):
        """Return how many outputs of the golden sample differ."""
        return self._of("self_test")()

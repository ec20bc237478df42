"""Running .tflite files on this machine: by ai-edge-litert, and by tflite-micro, which says what arena it takes."""

import os
import re
import sys
import tempfile
from dataclasses import dataclass
from typing import Any

import numpy as np

from latent_nas.extras import need

ARENA_BYTES = 16 * 1024 * 1024  # room enough; what is used of it is measured


@dataclass(frozen=True)
class Arena:
    """What tflite-micro takes of its arena on this machine.

    Attributes:
        planned_bytes: tensors and scratch, as its planner overlays them.
        persistent_bytes: its own structures, larger on a machine of 64 bits than on a microcontroller.
    """

    planned_bytes: int
    persistent_bytes: int


def litert(data: bytes, x: np.ndarray, reference: bool = False) -> np.ndarray:
    """Return ai-edge-litert's int8 outputs (n, outputs) of int8 inputs (n, *input_shape) under a .tflite file.

    Args:
        reference: its reference kernels, which round every product twice; else the default ones (XNNPACK), once.

    Raises:
        ValueError: the extra ``tflite`` is not installed.
    """
    library = need("ai_edge_litert.interpreter", "tflite")
    kernels = library.OpResolverType.BUILTIN_REF if reference else library.OpResolverType.AUTO
    interpreter = library.Interpreter(model_content=data, num_threads=1, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    first, last = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    outputs = []
    for one in x:
        interpreter.set_tensor(first, one[None])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(last)[0].copy())
    return np.array(outputs)


def micro(data: bytes, x: np.ndarray) -> tuple[np.ndarray, Arena]:
    """Return tflite-micro's int8 outputs (n, outputs) of int8 inputs (n, *input_shape), and its arena.

    Raises:
        ValueError: the extra ``tflite`` is not installed, or has no such package for this machine.
    """
    runtime = need("tflite_micro", "tflite").runtime  # its wheels are for Linux on x86-64
    interpreter = runtime.Interpreter.from_bytes(data, arena_size=ARENA_BYTES)
    outputs = []
    for one in x:
        interpreter.set_input(one[None], 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0)[0].copy())
    printed = _printed(interpreter)
    head, tail = (int(re.findall(rf"allocation {part} (\d+) bytes", printed)[0]) for part in ("head", "tail"))
    return np.array(outputs), Arena(head, tail)


def _printed(interpreter: Any) -> str:
    """Return what the interpreter prints of its allocations; it has no other way to tell."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with tempfile.TemporaryFile() as file:
            os.dup2(file.fileno(), 2)
            try:
                interpreter.print_allocations()
            finally:
                os.dup2(kept, 2)
            file.seek(0)
            return file.read().decode()
    finally:
        os.close(kept)

"""Runs a .tflite file in a process of its own, so that a file that breaks the native interpreter breaks nothing else.

    python _litert_process.py MODEL INPUTS.npy OUTPUTS.npz [reference]

INPUTS is (n, *dims) without the file's batch of 1; OUTPUTS holds every output of the file (n, *dims), by the number of
its tensor. ``reference``: with the reference kernels, in place of the fast ones.
"""

import sys
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType


def main(model: str, inputs: str, outputs: str, *how: str) -> None:
    """Run the file on all inputs and write its outputs."""
    kernels = OpResolverType.BUILTIN_REF if how else OpResolverType.AUTO
    interpreter = Interpreter(model_path=model, num_threads=1, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    first = interpreter.get_input_details()[0]
    numbers = [detail["index"] for detail in interpreter.get_output_details()]
    made: dict[str, list[np.ndarray]] = {str(number): [] for number in numbers}
    for row in np.load(inputs):
        interpreter.set_tensor(first["index"], row.reshape(first["shape"]))
        interpreter.invoke()
        for number in numbers:
            made[str(number)].append(interpreter.get_tensor(number).copy())
    arrays: dict[str, Any] = {number: np.array(rows) for number, rows in made.items()}
    np.savez(outputs, **arrays)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (ValueError, RuntimeError) as error:
        sys.exit(f"refused: {' '.join(str(error).split())}")

"""What converters write as several operators, as the one that it is, before a .tflite file is read."""

from collections import Counter
from dataclasses import dataclass, replace

from latent_nas.interchange.tflite_file import Operation, Tensor
from latent_nas.interchange.tflite_nodes.activations import FORMULAS
from latent_nas.interchange.tflite_nodes.dilated import with_crops

FUNCTIONS = {*FORMULAS, "LEAKY_RELU", "GELU", "HARD_SWISH", "LOGISTIC"}


def plainer(operations: list[Operation], tensors: tuple[Tensor, ...], output: int) -> list[Operation]:
    """Return operators in order, ``output``: of the file, a tensor that stays.

    A function between DEQUANTIZE and QUANTIZE becomes one of int8. Blocks of dilated convolutions are told what is
    cropped of them, see ``with_crops``.
    """
    operations = _needed(operations, output)
    chains = _Chains(operations, output)
    joined: dict[int, Operation] = {}
    for operation in operations:
        if len(three := chains.three(operation)) == 3:
            joined |= _rounded(three)
    left = [joined.get(o.index, o) for o in operations]
    return with_crops(_needed(left, output), tensors)


def _needed(operations: list[Operation], output: int) -> list[Operation]:
    """Return the operators that a tensor depends on, in the order of the file; SHAPE asks for no element."""
    wanted, kept = {output}, []
    for operation in reversed(operations):
        if wanted.intersection(operation.outputs):
            kept.append(operation)
            wanted.update(operation.inputs if operation.code != "SHAPE" else ())
    return kept[::-1]


@dataclass
class _Chains:
    """Operators of which each reads what the one before makes, and nothing else does."""

    operations: list[Operation]
    output: int

    def __post_init__(self) -> None:
        self.reads = Counter([*(i for o in self.operations for i in o.inputs if o.code != "SHAPE"), self.output])
        self.first = {o.inputs[0]: o for o in self.operations if o.inputs and o.code != "SHAPE"}

    def three(self, operation: Operation) -> list[Operation]:
        """Return an operator and the two after it; fewer where there are none."""
        found = [operation]
        while len(found) < 3 and len(found[-1].outputs) == 1 and self.reads[found[-1].outputs[0]] == 1:
            following = self.first.get(found[-1].outputs[0])
            if following is None:
                break
            found.append(following)
        return found if all(len(o.outputs) == 1 for o in found) else []


def _rounded(three: list[Operation]) -> dict[int, Operation]:
    """Return a function between DEQUANTIZE and QUANTIZE as one of integers, in the place of the last."""
    first, function, last = three
    if (first.code, last.code) != ("DEQUANTIZE", "QUANTIZE") or function.code not in FUNCTIONS:
        return {}
    return {last.index: replace(function, inputs=first.inputs, outputs=last.outputs)}

"""Dilated convolutions: as an option of one, or as Keras has them, between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND.

Of a sequence whose steps fall into rows of as many as the dilation, nothing but the shape changes: neighbours in a
column are that many steps apart. Else the window gets zeros.
"""

from collections import Counter
from dataclasses import replace

import numpy as np

from latent_nas.interchange.tflite_file import Operation, Tensor
from latent_nas.interchange.tflite_nodes import Reader
from latent_nas.interchange.tflite_nodes.call import Call
from latent_nas.interchange.tflite_nodes.draft import Held, Value
from latent_nas.interchange.tflite_nodes.weighted import weighted
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.window import Pair, pads

APART, TOGETHER = "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"
CONVOLUTIONS = {"CONV_2D", "DEPTHWISE_CONV_2D"}
BETWEEN = CONVOLUTIONS | {"RESHAPE", "SQUEEZE", "EXPAND_DIMS"}
LARGEST = 2**24  # weights with the zeros among them


def with_crops(operations: list[Operation], tensors: tuple[Tensor, ...]) -> list[Operation]:
    """Return operators with a fourth input of each SPACE_TO_BATCH_ND: the crops where its blocks are put together.

    One that is not ended so behind a single convolution stays as it is, and is refused when it is read.
    """
    reads = Counter(i for o in operations for i in o.inputs)
    by_input = {i: o for o in operations for i in o.inputs[:1]}
    found = []
    for operation in operations:
        crops: tuple[int, ...] = ()
        if operation.code == APART and len(operation.inputs) == 3:
            at, convolutions = operation, 0
            while reads[at.outputs[0]] == 1 and at.outputs[0] in by_input:
                at = by_input[at.outputs[0]]
                convolutions += at.code in CONVOLUTIONS
                if at.code not in BETWEEN:
                    break
            blocks = [tensors[o.inputs[1]].array for o in (operation, at) if len(o.inputs) == 3 and o.inputs[1] >= 0]
            sizes = [block.tolist() for block in blocks if block is not None]
            if at.code == TOGETHER and convolutions == 1 and len(sizes) == 2 and sizes[0] == sizes[1]:
                crops = at.inputs[2:]
        found.append(replace(operation, inputs=(*operation.inputs, *crops)))
    return found


def _set_apart(call: Call) -> Value:
    """Return a tensor with the padding of which its blocks leave something, and how far apart its neighbours are."""
    if len(call.tensors) != 4:
        raise call.refuse(f"only one around a single convolution, which {TOGETHER} of equal blocks ends, is known here")
    x, rank = _kept(call, call.value(padded=True)), len(call.tensor(0).dims)
    block, around, crops = call.constant(1).ravel(), call.constant(2), call.constant(3)
    if rank not in (3, 4) or block.shape != (rank - 2,) or not around.shape == crops.shape == (rank - 2, 2):
        raise call.refuse(f"blocks {block.tolist()}, paddings {around.tolist()} of a tensor {x.dims}")
    left_over = around - crops
    whole = np.array(x.dims[1:-1]) + around.sum(1)
    if block.min() < 1 or min(crops.min(), left_over.min()) < 0 or (whole % block).any():
        raise call.refuse(f"blocks {block.tolist()}, paddings {around.tolist()} and crops {crops.tolist()}")
    if any(x.pads) and x.fill != (x.quant.zero_point if x.quant else 0):
        raise call.refuse(f"the padding before it is of {x.fill}; wanted zeros")
    none, upright = np.zeros(2, int), rank == 3 and call.outer()[1] == 1
    pairs, apart = ([left_over[0], none], (int(block[0]), 1)) if rank == 3 else (list(left_over), tuple(block.tolist()))
    if (rank == 3 and not upright) or (rank == 4 and call.image()):
        pairs, apart = pairs[::-1], apart[::-1]
    added = np.concatenate(pairs).tolist()
    top, bottom, left, right = (a + b for a, b in zip(x.pads, added, strict=True))
    fill = x.quant.zero_point if x.quant else 0
    return replace(x, dims=call.output.dims, pads=(top, bottom, left, right), fill=fill, apart=(apart[0], apart[1]))


def _put_together(call: Call) -> Value:
    x = _kept(call, call.value())
    if x.apart == (1, 1):
        raise call.refuse(f"only one that ends a {APART} around a single convolution is known here")
    if [d for d in call.output.dims if d != 1] != [d for d in call.shape() if d != 1]:
        raise call.refuse(f"it makes a tensor {call.output.dims}, which would be {call.shape()} here")
    call.draft.traced[x.node] = (call.operation.outputs[0], f"the dilated convolution before {call.operation.what}")
    return replace(x, dims=call.output.dims, apart=(1, 1))


def _kept(call: Call, x: Value) -> Value:
    """Return a value whose scale the output keeps."""
    if call.draft.integers and call.quant() != x.quant:
        raise call.refuse("it changes the scale or zero point")
    return x


def turned(call: Call) -> bool:
    """Return whether the steps of a sequence in blocks lie along the other axis in the file than in the graph."""
    height, width = call.tensor(0).dims[1:3]
    rows, columns = call.outer()[:2]
    return (height == 1 < width and columns == 1 < rows) or (width == 1 < height and rows == 1 < columns)


def reach(call: Call, kernel: Pair, apart: Pair) -> Pair:
    """Return the rows and columns that a window covers whose elements are so far apart."""
    if min(*kernel, *apart) < 1 or max(apart) > LARGEST:
        raise call.refuse(f"a window {kernel} with dilations {apart}; wanted at least 1")
    return (kernel[0] - 1) * apart[0] + 1, (kernel[1] - 1) * apart[1] + 1


def convolution(call: Call, operator: Conv2d, x: Value, held: Held, bias: np.ndarray, apart: Pair) -> Value:
    """Return a dilated convolution.

    Args:
        operator: with the window as the file has it, and the padding around what it covers. held: its weights
            (filters, height, width, channels). apart: its dilations.
    """
    rows, columns, channels = call.shape()
    kernel, step = operator.kernel_size, apart[0]
    top, bottom, left, right = pads(rows, columns, reach(call, kernel, apart), operator.stride, operator.padding)
    folds = not (rows % step or top % step or bottom % step or left or right)
    if columns == 1 == kernel[1] and operator.stride == (1, 1) and folds:
        operator = replace(operator, padding=(top // step, bottom // step, 0, 0))
        x = call.reshaped(replace(x, pads=(0, 0, 0, 0)), (rows // step, step, channels))
        made = weighted(_making(call, operator, x), operator, x, held, bias)
        made = call.reshaped(made, (call.draft.builder.shape(made.node)[0] * step, 1, operator.filters))
    else:
        height, width = reach(call, kernel, apart)
        if float(height) * width * len(held.values) * held.values.shape[3] > LARGEST:
            raise call.refuse(f"dilations {apart} make a window of {height}x{width}, which no device here can hold")
        spread = np.zeros((len(held.values), height, width, held.values.shape[3]), held.values.dtype)
        spread[:, :: apart[0], :: apart[1]] = held.values
        operator = replace(operator, kernel_size=(height, width))
        made = weighted(_making(call, operator, x), operator, x, Held(spread, held.scales), bias)
        if (height, width) != kernel:
            call.draft.notes.append(
                f"{call.operation.what}: dilations {apart} become a window of {height}x{width} with zeros in between"
            )
    if x.apart != (1, 1):  # the file's tensor is in blocks; what puts them together is compared
        for node in [n for n, (tensor, _) in call.draft.traced.items() if tensor == call.operation.outputs[0]]:
            del call.draft.traced[node]
    return replace(made, dims=call.output.dims, apart=x.apart)


def _making(call: Call, operator: Conv2d, x: Value) -> Call:
    """Return the call with the output that the operator makes, whatever the file's is shaped as."""
    shape = operator.shape(call.draft.builder.shape(x.node))
    return replace(call, output=replace(call.output, dims=(1, *shape)))


READERS = {APART: Reader(_set_apart), TOGETHER: Reader(_put_together)}

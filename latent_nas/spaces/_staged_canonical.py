"""Canonical genes of staged networks: blocks replayed one by one, like ones gathered into as few stages as can be."""

import numpy as np

from latent_nas.compiled import compiled

STEM_GENES, STAGE_GENES, REPEATS = 3, 6, 3


@compiled
def canonical(genes: np.ndarray, height: int, width: int, stem_chooses: bool, largest_kernel: np.ndarray) -> np.ndarray:
    """Return the representatives (n, genes) of genes (n, genes) int64.

    Args:
        height, width: what the blocks see, before the stem's stride. stem_chooses: whether its kernel is a choice.
        largest_kernel: index of the largest that sees more than padding at both rims, by the longer side.
    """
    out = np.zeros_like(genes)
    for row in range(len(genes)):
        _gather(genes[row], out[row], height, width, stem_chooses, largest_kernel)
    return out


@compiled
def _gather(
    genes: np.ndarray, out: np.ndarray, height: int, width: int, stem_chooses: bool, largest_kernel: np.ndarray
) -> None:
    """Write the representative of one network into ``out``, which holds zeros."""
    out[0] = genes[0] if stem_chooses else 0
    out[1], out[2], out[-2], out[-1] = genes[1], genes[2], genes[-2], genes[-1]  # slices take seconds to compile
    if genes[2]:
        height, width = (height + 1) // 2, (width + 1) // 2
    channels = genes[1]  # as an index of the widths, of which the stem's are the beginning
    last = STEM_GENES - STAGE_GENES  # where the stage begins that is being filled
    decided = False  # whether its skip has been
    for start in range(STEM_GENES, len(genes) - 2, STAGE_GENES):
        block, kernel, filters, repeats, stride, skip = genes[start : start + STAGE_GENES]
        largest = max(height, width)
        kernel = min(kernel, largest_kernel[largest])
        if largest == 1:
            stride = 0
        for repeat in range(repeats):
            can_skip = repeat > 0 or (stride == 0 and channels == filters)
            step, skips = (stride if repeat == 0 else 0), (skip if can_skip else 0)
            joins = last >= STEM_GENES and step == 0 and out[last + 3] < REPEATS
            if joins:
                joins = out[last] == block and out[last + 1] == kernel and out[last + 2] == filters
                joins = joins and (not decided or out[last + 5] == skips)
            if joins:
                decided = True
                out[last + 3] += 1
            else:
                decided, last = can_skip, last + STAGE_GENES
                out[last], out[last + 1], out[last + 2], out[last + 3], out[last + 4] = block, kernel, filters, 1, step
            out[last + 5] = skips
        if repeats:
            channels = filters
            if stride:
                height, width = (height + 1) // 2, (width + 1) // 2
    if max(height, width) == 1:
        out[-1] = 0  # of one pixel the mean is the maximum

"""Wide networks in stages, for others to learn from: each stage has twice the filters on half of the side."""

from collections.abc import Sequence

LEAST = 4  # rows or columns that no stage halves
FIRST = 20  # and from which the stem does


def wide(
    sides: tuple[int, int], stages: int, width: int, widths: Sequence[int], stem_widths: Sequence[int]
) -> list[int]:
    """Return genes of a network of plain 3x3 convolutions with skips, two a stage, so that stages cost about the same.

    Args:
        sides: height and width that it sees. stages: at most. width: filters of the first stage, as many as the stem.
        widths, stem_widths: what genes of widths mean.
    """
    side = max(sides)
    halved = side >= FIRST
    side = -(-side // 2) if halved else side
    genes = [0, _place(width, stem_widths), int(halved)]
    for i in range(stages):
        stride = i > 0
        if stride and side <= LEAST:
            genes += [0] * 6 * (stages - i)
            break
        side = -(-side // 2) if stride else side
        genes += [0, 0, _place(width * 2**i, widths), 2, int(stride), 1]
    return [*genes, 0, 0]


def _place(width: int, of: Sequence[int]) -> int:
    return max(i for i, one in enumerate(of) if one <= max(width, of[0]))

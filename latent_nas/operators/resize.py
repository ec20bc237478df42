"""An image with other rows and columns, each read at a place between those that there are: linear interpolation.

A place that is a whole number reads that row alone, so nearest neighbours by any factor are this operator too.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from math import floor, prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.operators import KernelCosts, Operator, Shape, image
from latent_nas.operators.upsample import Upsample

if TYPE_CHECKING:
    from torch import nn

ONE = 2048  # shares of two neighbours add up to it: 2 x 11 bits and an int8 fit 32, and 2 .. 1024 times larger is exact
MOST = 65536  # rows or columns that a device's uint16_t can number
COORDINATES: dict[
    str, Callable[[np.ndarray, int, int], np.ndarray]
] = {  # where the i-th of m output rows lies among n rows
    "half_pixel": lambda i, n, m: (i + 0.5) * n / m - 0.5,
    "asymmetric": lambda i, n, m: i * n / m,
    "align_corners": lambda i, n, m: i * (n - 1) / max(1, m - 1),
}
ROUNDED: dict[str, Callable[[np.ndarray], np.ndarray]] = {  # "": not to a neighbour
    "": lambda x: x,
    "floor": np.floor,
    "half_up": lambda x: np.floor(x + 0.5),
}


@dataclass(frozen=True)
class Resize(Operator):
    """Reads an image at ``rows`` and ``columns``: one place for each of the output's, from 0 to the last one."""

    kind: ClassVar[str] = "resize"
    keeps_quant: ClassVar[bool] = True
    kernel_costs: ClassVar[KernelCosts] = KernelCosts(
        {"cortex-m4": {"call": 124, "pixels": 43, "outputs": 4.4, "mixed_pixels": 46, "mixed": 19}}, code_bytes=846
    )
    rows: tuple[float, ...]
    columns: tuple[float, ...]

    @classmethod
    def examples(cls) -> "tuple[Resize, ...]":
        """Return some of differing fields."""
        return (cls((0.0, 0.5, 1.0), (0.0, 0.25, 0.75, 1.0)), cls((0.0, 1.0, 1.0), (1.0,)))

    def shape(self, *inputs: Shape) -> Shape:
        """Return (rows, columns, channels)."""
        self.check_arity(*inputs)
        image(self.kind, *inputs)
        for places, size in ((self.rows, inputs[0][0]), (self.columns, inputs[0][1])):
            if size > MOST:
                raise ValueError(
                    f"resize of {size} rows or columns; at most {MOST} are known here: pool or cut it before"
                )
            if not places or min(places) < 0 or max(places) > size - 1:
                span = f"{min(places):g} to {max(places):g}" if places else "none"
                raise ValueError(f"resize reads places {span} of {size}; wanted one at least, from 0 to {size - 1}")
        return len(self.rows), len(self.columns), inputs[0][2]

    def way(self, *inputs: Shape, without: Collection[tuple[str, str]] = ()) -> tuple[str, str]:
        """Return the key of ``COORDINATES`` and of ``ROUNDED`` that make these places, for formats that know no others.

        Args:
            without: those that a format lacks.

        Raises:
            ValueError: none do.
        """
        axes = list(zip((self.rows, self.columns), inputs[0], strict=False))
        for rounding, rounded in ROUNDED.items():
            for coordinates, place in COORDINATES.items():
                if (coordinates, rounding) in without:
                    continue
                made = [rounded(place(np.arange(len(p)), n, len(p))).clip(0, n - 1) for p, n in axes]
                if all(np.allclose(a, p, rtol=0, atol=1e-5) for a, (p, _) in zip(made, axes, strict=True)):
                    return coordinates, rounding
        raise ValueError(f"resize of {inputs[0]} reads places that are not those of {', '.join(COORDINATES)}")

    def work(self, *inputs: Shape) -> dict[str, float]:
        """Return calls, output pixels and elements, and those of both that several neighbours make."""
        height, width, channels = self.shape(*inputs)
        plain = [sum(share == 0 for _, share in shares(places)) for places in (self.rows, self.columns)]
        pixels = height * width
        mixed = pixels - prod(plain)
        counts = {"pixels": pixels, "outputs": pixels * channels, "mixed_pixels": mixed, "mixed": mixed * channels}
        return {"call": 1.0, **{term: float(count) for term, count in counts.items()}}

    def table_bytes(self, *inputs: Shape) -> int:
        """Return four bytes for each row and column: a neighbour and a share."""
        return 4 * (len(self.rows) + len(self.columns))

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return a module that interpolates."""
        from latent_nas.operators._float import Between

        return Between(self.rows, self.columns)

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return (n, rows, columns, channels): neighbours by their shares in 2048, rounded once, half up."""
        total = xs[0].astype(np.int32)
        for axis, places in ((1, self.rows), (2, self.columns)):
            first, share = np.array(shares(places), np.int32).T
            second = np.minimum(first + 1, total.shape[axis] - 1)
            share = share.reshape(_along(axis, share.size))
            total = total.take(first, axis) * (ONE - share) + total.take(second, axis) * share
        return ((total + ONE * ONE // 2) >> 22).astype(np.int8)


def reading(shape: Shape, rows: Sequence[float], columns: Sequence[float]) -> Operator:
    """Return what reads an image at rows and columns: ``Upsample`` where all its pixels become equal blocks."""
    axes = list(zip(shape, (rows, columns), strict=False))
    down, right = (len(places) // n for n, places in axes)
    blocks = [np.repeat(np.arange(n), factor).tolist() for (n, _), factor in zip(axes, (down, right), strict=True)]
    if [list(rows), list(columns)] == blocks:
        return Upsample((down, right))
    return Resize(tuple(map(float, rows)), tuple(map(float, columns)))


def shares(places: tuple[float, ...]) -> list[tuple[int, int]]:
    """Return for each place the neighbour before it, and the share of the one after it in 2048."""
    found = [divmod(floor(place * ONE + 0.5), ONE) for place in places]
    return [(int(first), int(share)) for first, share in found]


def _along(axis: int, size: int) -> Shape:
    return tuple(size if a == axis else 1 for a in range(4))


Plugin = Resize

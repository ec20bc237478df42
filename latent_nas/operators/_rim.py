"""What of sliding windows lies inside the image: whole counts, rim and all, without a loop over pixels.

Rows and columns are independent of each other, so a sum over all pixels is a product of two sums over one axis.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from latent_nas.operators.window import Padding, Pair, output_size, pads

Cut = tuple[int, int, int]  # elements of a window before the image, inside it, after it


def cuts(size: int, kernel: int, stride: int, before: int, outputs: int) -> list[Cut]:
    """Return how every window along one axis is cut by the image's ends; all is "before" where none is inside."""
    found = []
    for output in range(outputs):
        first = output * stride - before
        left, right = max(-first, 0), max(first + kernel - size, 0)
        found.append((left, kernel - left - right, right) if left + right <= kernel else (kernel, 0, 0))
    return found


@dataclass(frozen=True)
class Rim:
    """All windows of one operator: ``rows`` and ``columns`` by output row and column. Counts are of one channel."""

    kernel: Pair
    rows: Sequence[Cut]
    columns: Sequence[Cut]

    @staticmethod
    def of(height: int, width: int, kernel: Pair, stride: Pair, padding: Padding) -> "Rim":
        """Return the windows over an image (height, width)."""
        top, _, left, _ = pads(height, width, kernel, stride, padding)
        down, right = output_size(height, width, kernel, stride, padding)
        return Rim(
            kernel, cuts(height, kernel[0], stride[0], top, down), cuts(width, kernel[1], stride[1], left, right)
        )

    @property
    def inside_rows(self) -> int:
        """Rows of windows that lie inside the image."""
        return sum(rows for _, rows, _ in self.rows) * sum(columns > 0 for _, columns, _ in self.columns)

    @property
    def inside(self) -> int:
        """Elements of windows inside the image."""
        return sum(rows for _, rows, _ in self.rows) * sum(columns for _, columns, _ in self.columns)

    @property
    def uneven(self) -> int:
        """Those of ``inside`` in rows that are not three long: three is the row that kernels unroll."""
        return sum(rows for _, rows, _ in self.rows) * sum(columns for _, columns, _ in self.columns if columns != 3)

    def runs(self, channels: int) -> tuple[int, int, int]:
        """Return (runs, words of 4 elements, elements left over) of copying all windows, channels last.

        A row of a window inside the image is up to three runs: padding, image, padding; a row outside is one.
        """
        real = sum(rows for _, rows, _ in self.rows)
        empty = self.kernel[0] * len(self.rows) - real
        cut = [[part * channels for part in parts if part] for parts in self.columns]
        row = self.kernel[1] * channels
        runs = real * sum(len(parts) for parts in cut) + empty * len(cut)
        words = real * sum(n // 4 for parts in cut for n in parts) + empty * len(cut) * (row // 4)
        rest = real * sum(n % 4 for parts in cut for n in parts) + empty * len(cut) * (row % 4)
        return runs, words, rest

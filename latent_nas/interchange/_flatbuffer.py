"""FlatBuffers, read with every offset checked: a damaged file is an error here, and nothing worse.

A table is a position that begins with the distance back to its vtable; that says where in the table each field lies.
Vectors, texts and tables are reached by offsets that only point forward.
"""

import struct
from dataclasses import dataclass

import numpy as np

Scalar = int | float | bool


class Damaged(ValueError):
    """What is not a FlatBuffers file, or points outside of itself."""


@dataclass(frozen=True)
class Table:
    """A table of a file; fields have the numbers that its schema gives them, from 0."""

    data: bytes
    at: int

    @staticmethod
    def root(data: bytes, identifier: bytes) -> "Table":
        """Return the first table of a file.

        Raises:
            Damaged: the file does not have this identifier, or ends too early.
        """
        if data[4:8] != identifier:
            raise Damaged(f"its bytes 4 to 8 are {data[4:8]!r}, wanted {identifier!r}")
        return Table(data, _unpacked(data, 0, "I"))

    def field(self, number: int) -> int | None:
        """Return where a field lies in the file; None where the table has none, which stands for its default."""
        vtable = self.at - _unpacked(self.data, self.at, "i")
        size, length = _unpacked(self.data, vtable, "H"), _unpacked(self.data, vtable + 2, "H")
        if size < 4 or size % 2 or length < 4 or self.at + length > len(self.data):
            raise Damaged(f"the table at byte {self.at} has no valid list of fields")
        if 4 + 2 * number >= size:
            return None
        offset = _unpacked(self.data, vtable + 4 + 2 * number, "H")
        if offset >= length or 0 < offset < 4:
            raise Damaged(f"field {number} of the table at byte {self.at} lies outside of it")
        return self.at + offset if offset else None

    @property
    def fields(self) -> list[int]:
        """The numbers of the fields that are not at their defaults."""
        vtable = self.at - _unpacked(self.data, self.at, "i")
        count = (_unpacked(self.data, vtable, "H") - 4) // 2
        return [number for number in range(count) if self.field(number) is not None]

    def scalar(self, number: int, kind: str, otherwise: Scalar) -> Scalar:
        """Return a field of one number; ``kind``: as of ``struct``."""
        at = self.field(number)
        return otherwise if at is None else _unpacked(self.data, at, kind)

    def integer(self, number: int, kind: str, otherwise: int = 0) -> int:
        """Return a field of one whole number."""
        return int(self.scalar(number, kind, otherwise))

    def table(self, number: int) -> "Table | None":
        """Return a field that is a table."""
        at = self.field(number)
        return None if at is None else Table(self.data, self._target(at))

    def tables(self, number: int) -> list["Table"]:
        """Return a field that is a vector of tables."""
        return [Table(self.data, self._target(at)) for at in range(*self._vector(number, 4), 4)]

    def array(self, number: int, kind: str) -> np.ndarray:
        """Return a field that is a vector of numbers (n,), without a copy; ``kind``: a type of numpy."""
        dtype = np.dtype(kind)
        start, end = self._vector(number, dtype.itemsize)
        return np.frombuffer(self.data, dtype, (end - start) // dtype.itemsize, start)

    def text(self, number: int) -> str:
        """Return a field that is a text; bytes that are not UTF-8 are escaped."""
        start, end = self._vector(number, 1)
        return self.data[start:end].decode(errors="backslashreplace")

    def _vector(self, number: int, item_bytes: int) -> tuple[int, int]:
        """Return where the items of a vector begin and end."""
        at = self.field(number)
        if at is None:
            return 0, 0
        start = self._target(at)
        end = start + 4 + item_bytes * _unpacked(self.data, start, "I")
        if end > len(self.data):
            raise Damaged(f"the vector at byte {start} is longer than the file")
        return start + 4, end

    def _target(self, at: int) -> int:
        """Return where the offset at a position points to."""
        target = at + _unpacked(self.data, at, "I")
        if not at < target <= len(self.data) - 4:
            raise Damaged(f"the offset at byte {at} points outside of the file")
        return target


def _unpacked(data: bytes, at: int, kind: str) -> int:
    """Return a number of the file, little-endian."""
    try:
        if at < 0:
            raise struct.error
        number: int = struct.unpack_from(f"<{kind}", data, at)[0]
    except struct.error:
        raise Damaged(f"byte {at} is outside of the file, which has {len(data)}") from None
    return number

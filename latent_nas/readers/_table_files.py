"""Which file a cell of a table means, and which column of it names files."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from latent_nas.readers._parts import part_of
from latent_nas.readers._table import Table

MOST = 0.9  # share of cells without an ending that have to be files, to be names of files and no numbers by chance
HALF = 0.5  # of cells with one


class Names:
    """Files below a folder by what tables call them: their path or the end of it, in any case, with ending or without.

    Attributes:
        folders: whether the files lie in several folders that could be classes.
    """

    def __init__(self, root: Path, files: Sequence[Path]) -> None:
        self.root, self.files = root, files
        self._named: dict[str, list[Path]] = {}
        for file in files:
            for name in sorted(self._calls(file)):
                self._named.setdefault(name, []).append(file)
        inner = [[p for p in file.relative_to(root).parts[:-1] if part_of(p) is None] for file in files]
        self.folders = all(inner) and len({parts[0] for parts in inner}) > 1

    def _calls(self, file: Path) -> set[str]:
        parts = file.relative_to(self.root).parts
        tails = ["/".join(parts[i:]) for i in range(len(parts))]
        return {name.casefold() for tail in tails for name in (tail, tail.removesuffix(file.suffix))}

    def could(self, cell: str) -> Sequence[Path]:
        """Return the files that are there and that a cell could mean."""
        return self._named.get(_plain(cell).casefold(), [])

    def part(self, file: Path) -> int | None:
        """Return the index of ``PARTS`` that a folder above a file says, None for none."""
        above = file.relative_to(self.root).parts[:-1]
        return next((at for folder in above if (at := part_of(folder)) is not None), None)

    def files_of(self, cells: Sequence[str], place: Path, part: int | None, parts: Sequence[int]) -> list[Path | None]:
        """Return the file that each cell of a column means, None where it is not there.

        Of several files the one of this very path is meant where all cells are such paths; that of the part that a
        column says, where this column agrees with the folders of the other files.

        Args:
            place: of the table. part: index of ``PARTS`` that the table is of, None for none. parts: those that a
                column of it says, () for none.

        Raises:
            ValueError: several files could be meant.
        """
        held = [self.could(cell) for cell in cells]
        bases = [
            base
            for base in (place.parent, self.root)
            if all(_exact(cell, could, base) for cell, could in zip(cells, held, strict=True) if could)
        ]
        sure = [(self.part(f[0]), at) for f, at in zip(held, parts, strict=False) if len(f) == 1]
        rows = parts if all(of in (at, None) for of, at in sure) else ()
        found: list[Path | None] = []
        for i, (cell, could) in enumerate(zip(cells, held, strict=True)):
            ways = [could, *(_exact(cell, could, base) for base in bases)]
            ways.append([f for f in could if place.parent != self.root and f.is_relative_to(place.parent)])
            ways += [[f for f in could if self.part(f) == at] for at in (part, *rows[i : i + 1]) if at is not None]
            ways.append([f for f in could if f"/{_plain(cell)}" in f"/{_from(f, self.root)[0]}"])  # the case differs
            one = next((files[0] for files in ways if len(files) == 1), None)
            if could and one is None:
                names = " and ".join(str(f.relative_to(self.root)) for f in could[:3])
                raise ValueError(
                    f"{place}: {cell!r} could be {names}; write the folder, and the ending, in front of it"
                )
            found.append(one)
        return found


def file_column(place: Path, held: Table, names: Names, suffixes: set[str]) -> tuple[str, str, str]:
    """Return the column whose cells name files, "" for none, and the folders that all of them begin with and lack here.

    Then what is wrong with the best column, where none names files.

    Raises:
        ValueError: two columns that name other files, or a table without a line of names.
    """
    found: list[tuple[bool, int, str, tuple[str, ...], str]] = []
    best = (0, "")
    for name, given in held.columns:
        above = _above(given, names)
        cells = tuple(below(cell, above) for cell in given)
        told = [cell for cell in cells if names.could(cell)]
        ended = bool(told) and all(PurePosixPath(_plain(cell)).suffix.lower() in suffixes for cell in told)
        best = max(best, (len(told), name))
        if len(told) >= (HALF if ended else MOST) * len(cells) and len(set(told)) > 1:
            found.append((ended, len(set(told)), name, cells, above))
    if not found:
        first = names.files[0].relative_to(names.root) if names.files else ""
        cells = dict(held.columns)[best[1]] if best[0] else held.columns[0][1]
        few = f"{place}: its column {best[1]!r} names {best[0]} files that are there, in {len(cells)} rows"
        none = f"{place} names no file that is there: its first cell is {cells[0]!r}, a file is {str(first)!r}"
        return "", "", few if best[0] else none
    top = max(one[:2] for one in found)
    same = [one for one in found if one[:2] == top]
    odd = next((one for one in same if not _alike(one[3], same[0][3], names)), None)
    if odd is not None:
        raise ValueError(f"{place}: columns {same[0][2]!r} and {odd[2]!r} both name files; take one of them out")
    name = same[0][2]
    if names.could(name):
        raise ValueError(
            f"{place}, line 1 names a file ({name}), so the columns have no names; write 'file,label' above it"
        )
    return name, same[0][4], ""


def below(cell: str, above: str) -> str:
    """Return a cell's path without the folders that it begins with."""
    return _plain(cell).removeprefix(above)


def _above(cells: Sequence[str], names: Names) -> str:
    """Return the folders, with a slash behind, that all cells begin with and that are not here, "" for none.

    A folder that names a part is never one: train/a.png is not the a.png of test/.
    """
    first = _plain(cells[0]).split("/")[:-1]
    ends = [i for i in range(1, len(first) + 1) if all(part_of(folder) is None for folder in first[:i])]
    starts = ["/".join(first[:i]) + "/" for i in ends]
    shared = [start for start in starts if all(_plain(cell).startswith(start) for cell in cells)]
    if any(names.could(cell) for cell in cells):
        return ""
    return next((start for start in shared if any(names.could(below(cell, start)) for cell in cells)), "")


def _alike(a: Sequence[str], b: Sequence[str], names: Names) -> bool:
    both = [(set(names.could(x)), set(names.could(y))) for x, y in zip(a, b, strict=True)]
    return all(x & y for x, y in both if x and y)


def _exact(cell: str, could: Sequence[Path], base: Path) -> list[Path]:
    """Return the files whose path below a folder is the cell's."""
    return [file for file in could if _plain(cell) in _from(file, base)]


def _from(file: Path, folder: Path) -> tuple[str, ...]:
    """Return a file's path from a folder that it lies below, with ending and without; () if it does not."""
    if not file.is_relative_to(folder):
        return ()
    path = file.relative_to(folder).as_posix()
    return path, path.removesuffix(file.suffix)


def _plain(cell: str) -> str:
    return cell.strip().replace("\\", "/").removeprefix("./")

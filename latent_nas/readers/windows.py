"""A .csv file of time-series windows, in either of two forms, with classes or numeric targets."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from latent_nas.readers import PARTS, Raw, Reader, Wanted, measured, number, numeric
from latent_nas.readers._counting import without
from latent_nas.readers._parts import part_of, renamed
from latent_nas.readers._table import LABEL, TARGET, table


class Windows(Reader):
    """Reads ``label`` or ``target`` and values: a window per row, or with a column ``window`` a time step per row.

    Numeric targets are the column ``target``, columns ``target_NAME``, or a ``label`` of numbers that are not whole.
    A column ``part`` (train, valid, test) is optional. Where a row is a window, its columns are the steps of one
    channel, in order. Where a row is a step, its columns are the channels, and the rows of a window stand in order.
    Columns that number rows or tell the time are left out, which is said.
    """

    about = "a .csv file of windows (columns label or target, and values; one row per window, or a column window)"
    uses = ("kind", "omit")

    def takes(self, path: Path) -> bool:
        """Return whether it is a file named .csv."""
        return path.suffix.lower() == ".csv" and path.is_file()

    def example(self, folder: Path) -> Path:
        """Write four windows of three steps."""
        file = folder / "windows.csv"
        file.write_text("label,a,b,c\nup,1,2,3\ndown,3,2,1\nup,2,4,6\ndown,6,4,2\n", encoding="utf-8")
        return file

    def read(self, path: Path, wanted: Wanted) -> Raw:
        """Return (steps, 1, channels) of every window."""
        found = table(path)
        head = [name for name, _ in found.columns]
        answers = [name for name in head if name in (LABEL, TARGET) or name.startswith(f"{TARGET}_")]
        if LABEL in answers and len(answers) > 1:
            raise ValueError(
                f"{path} has a column 'label' beside {answers[answers.index(LABEL) - 1]!r}; wanted one kind"
            )
        lines, every = found.lines, dict(found.columns)
        answer = {name: every[name] for name in answers}
        parts, keys = every.get("part"), every.get("window")
        try:
            columns, notes = without(found, (*answers, "part", "window"), keys, wanted.omit)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
        if not columns:
            raise ValueError(f"{path} has no column of values beside {', '.join(map(repr, head))}")
        for name, cells in answer.items():
            if "" in cells:
                wanted_text = "the name of a class" if name == LABEL else "a number"
                raise ValueError(f"{path}, line {lines[cells.index('')]}: its {name} is empty; wanted {wanted_text}")
        values = _numbers(path, columns, lines)
        classes: tuple[str, ...] = ()
        labels = list(zip(*answer.values(), strict=True))  # of every row
        if keys is None:
            x, first = values[:, :, None, None], np.arange(len(values))
            names = tuple(f"line {i}" for i in lines)
        else:
            x, first, names = _stacked(path, values, keys, labels)
        if wanted.kind == "regress" or (not wanted.kind and (LABEL not in answer or measured(answer[LABEL]))):
            y = numeric(_numbers(path, answer, lines)[first], answers, names, path)
        elif len(answers) > 1:
            raise ValueError(f"{path} has {len(answers)} columns of targets; as classes it wants one column 'label'")
        else:
            y, classes = number([labels[i][0] for i in first])
        return Raw(
            x=x,
            y=y,
            classes=classes,
            targets=() if classes else tuple(answers),
            part=_parts(path, None if parts is None else [parts[i] for i in first], len(x)),
            names=names,
            what="windows",
            notes=(*found.notes, *notes, *filter(None, [renamed(parts or ())])),
            sizes={f"{x.shape[1]} steps of {x.shape[3]} channels": len(x)},
            keep=(3,),
        )


def _numbers(path: Path, columns: Mapping[str, Sequence[str]], lines: Sequence[int]) -> np.ndarray:
    found = np.empty((len(lines), len(columns)), np.float32)
    for j, (name, cells) in enumerate(columns.items()):
        for i, cell in enumerate(cells):
            try:
                found[i, j] = float(cell)
            except ValueError:
                raise ValueError(f"{path}, line {lines[i]}, column {name!r}: {cell!r} is no number") from None
    wrong = np.argwhere(~np.isfinite(found))
    if len(wrong):
        raise ValueError(f"{path}, line {lines[wrong[0, 0]]}: NaN or infinity; leave such windows out")
    return found


def _stacked(
    path: Path, values: np.ndarray, keys: Sequence[str], labels: list[tuple[str, ...]]
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Return windows (n, steps, 1, channels), the first row of each, and their names."""
    rows: dict[str, list[int]] = {}
    for i, key in enumerate(keys):
        rows.setdefault(key, []).append(i)
    steps = {key: len(at) for key, at in rows.items()}
    usual = max(set(steps.values()), key=list(steps.values()).count)
    for key, at in rows.items():
        if steps[key] != usual:
            raise ValueError(f"{path}: window {key!r} has {steps[key]} steps, most have {usual}; wanted one length")
        if len({labels[i] for i in at}) > 1:
            raise ValueError(f"{path}: window {key!r} has more than one label or target")
    x = np.stack([values[at] for at in rows.values()])[:, :, None, :]
    return x, np.array([at[0] for at in rows.values()]), tuple(f"window {key}" for key in rows)


def _parts(path: Path, parts: list[str] | None, n: int) -> np.ndarray:
    if parts is None:
        return np.full(n, -1, np.int64)
    found = {name: part_of(name) for name in parts}
    odd = sorted(name for name, at in found.items() if at is None)
    if odd:
        raise ValueError(f"{path}: part {odd[0]!r}; there are: {', '.join(PARTS)}")
    return np.array([found[name] for name in parts], np.int64)


Plugin = Windows

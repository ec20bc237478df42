"""A table as samples: its rows are steps of recordings, or series, or features; never guessed without a word."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from latent_nas.readers import PARTS, Raw, Wanted, number, numeric
from latent_nas.readers._answers import FEW, measured, said_of, with_unit
from latent_nas.readers._column_names import TARGET
from latent_nas.readers._columns import Columns, columns
from latent_nas.readers._counting import RESETS, instants, rates, resets, uninterrupted, unread
from latent_nas.readers._parts import part_of, renamed
from latent_nas.readers._series import Recording, described, grouped, samples
from latent_nas.readers._single import DIVIDED, ROWS, each_row
from latent_nas.readers._table import ABSENT, Table, is_number

FEWEST = 3  # recordings of a class that can be samples, one for each part


def raw_of(path: Path, table: Table, wanted: Wanted, given: Sequence[str] = ()) -> Raw:
    """Return what a table holds.

    Args:
        given: names of columns that its folders gave it.

    Raises:
        ValueError: no answers or values, rows that could be steps and no ``wanted.window``, or what can't be read.
    """
    if wanted.layout not in ("", "ns", "nf"):
        raise ValueError(
            f"{path}: layout={wanted.layout} is for arrays; rows of a table are ns (series) or nf (features)"
        )
    try:
        found = columns(table, wanted, given)
    except ValueError as error:
        colon = ":" * str(error).startswith(("omit", "there is"))
        raise ValueError(f"{path}{colon} {error}") from None
    if not found.values:
        head = ", ".join(repr(name) for name, _ in table.columns)
        raise ValueError(f"{path} has no column of values among {head}")
    values = _numbers(path, found.values, table.lines)
    parts = _parts(path, found.part, len(values))
    notes = [*table.notes, *found.notes, *filter(None, [renamed(found.part or ())])]
    keep: tuple[int, ...] = (3,)
    answers = list(zip(*found.answers.values(), strict=True)) if found.answers else [("normal",)] * len(values)
    _none_empty(path, found, answers, table.lines)
    keys = found.window
    alone = keys is not None and len(set(keys)) == len(keys)  # every row is a window
    if wanted.window or (keys is not None and not alone):
        recordings, said = _recordings(path, found, values, answers, parts, table, wanted)
        notes += said
        _enough(path, recordings, found, wanted)
        made = samples(path, recordings, wanted, "windows" if keys is not None and not wanted.window else "recordings")
        x = made.x
        names = tuple(r.name for r in made.recordings)
        answers, part = [r.answer for r in made.recordings], np.array([r.part for r in made.recordings], np.int64)
        groups, skipped = grouped(made, found.groups, wanted), made.skipped
        notes += made.notes
    else:
        x, keep, said = each_row(path, found, values, wanted)
        notes += said
        rows = np.flatnonzero(~np.isnan(x.reshape(len(x), -1)).any(axis=1))
        lacking = np.flatnonzero(np.isnan(x.reshape(len(x), -1)).any(axis=1))
        if len(lacking) and wanted.missing != "drop":
            first = table.lines[lacking[0]]
            also = "; rows are samples of their own, so nothing is interpolated" if wanted.missing else ""
            raise ValueError(
                f"{path}, {first}: a number is missing, as in {len(lacking)} of {len(x)} rows{also}; say --missing drop"
                " to leave such rows out, or leave a column out (?omit=COLUMN)"
            )
        if not len(rows):
            raise ValueError(f"{path}: every row lacks a number; leave a column out (?omit=COLUMN)")
        skipped = tuple((table.lines[i], "a number is missing") for i in lacking)
        x, answers, part = x[rows], [answers[i] for i in rows], parts[rows]
        names = tuple(table.lines[i] for i in rows)
        groups = {}
        if found.group is not None:
            ids = np.unique([found.group[i] for i in rows], return_inverse=True)[1].reshape(-1)
            groups = {"group": ids, "groups": found.groups, "asked": wanted.group not in ("", "none")}
    y, classes, targets, said = _answered(path, found, answers, names, wanted)
    raw = Raw(
        x=x, y=y, classes=classes, targets=targets, part=part, names=names, what="windows", skipped=skipped,
        notes=(*notes, *said), keep=keep, columns=tuple(found.values) if len(found.values) in x.shape[2:] else (),
        **groups,  # type: ignore[arg-type]
    )  # fmt: skip
    if DIVIDED in notes:
        raw = replace(raw, shift=(0.0,), gain=(1 / 255,), pixels=bool((values == np.rint(values)).all()))
    if x.shape[1] == 1 and x.shape[2] > 1:
        return replace(raw, what="samples", sizes={f"{x.shape[2]} values": len(x)})
    return described(raw)


def _enough(path: Path, recordings: Sequence[Recording], found: Columns, wanted: Wanted) -> None:
    """Raise ValueError where each class is a few long recordings, which nobody means as samples."""
    each = Counter(r.answer for r in recordings)
    longest = max(len(r.values) for r in recordings)
    if wanted.kind == "regress" or (found.answers and not wanted.kind and measured([r.answer[0] for r in recordings])):
        return
    if wanted.window or wanted.length or longest < ROWS or max(each.values()) >= FEWEST or len(found.answers) > 1:
        return
    raise ValueError(
        f"{path} holds {len(recordings)} recordings of up to {longest} steps, at most {max(each.values())} of a class;"
        " say how many steps make a window, to cut them: --window STEPS [--hop STEPS]"
    )


def _answered(
    path: Path, found: Columns, answers: Sequence[tuple[str, ...]], names: Sequence[str], wanted: Wanted
) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...], list[str]]:
    """Return y, the classes' names and the targets' names, one of both empty, and what to say of the choice."""
    called = [*found.answers]
    kind, said = wanted.kind, list[str]()
    if not kind and found.answers:
        first = [answer[0] for answer in answers]
        target = called[0].casefold() == TARGET or len(called) > 1
        many = len(set(first)) > FEW or len(first) < 3 * len(set(first))
        mostly = sum(map(is_number, first)) > len(first) / 2  # then the others are slips
        if unit := with_unit(first):
            raise ValueError(
                f"{path}: column {called[0]!r} holds numbers {unit}; write them as 1234.5 and the unit into the"
                " column's name, or say --kind classify"
            )
        numbers = len(called) > 1 or measured(first) or (target and many and mostly)
        kind = "regress" if numbers else "classify"
        said = said_of(f"column {called[0]!r}", first, numbers) if numbers or target else []
    if kind == "regress":
        columns = {name: tuple(answer[i] for answer in answers) for i, name in enumerate(called)}
        return numeric(_numbers(path, columns, names, TARGETS), called, names, path), (), tuple(called), said
    if len(called) > 1:
        raise ValueError(f"{path} has {len(called)} columns of targets; as classes it wants one column 'label'")
    y, classes = number([answer[0] for answer in answers])
    return y, classes, (), said


OMIT = "leave the column out (?omit={}), or correct it"
WHENCE = "if it says where rows come from, '--group {0}' keeps rows of one in one part; else leave it out (?omit={0})"
TARGETS = "a regression wants numbers in {!r}; correct it, or say --kind classify"


def _numbers(
    path: Path, columns: Mapping[str, Sequence[str]], lines: Sequence[str], next_step: str = OMIT
) -> np.ndarray:
    """Return cells as numbers (rows, columns) float32, NaN where one is missing."""
    found = np.empty((len(lines), len(columns)), np.float32)
    for j, (name, cells) in enumerate(columns.items()):
        try:
            found[:, j] = _float32(cells)
        except ValueError:
            for i, cell in enumerate(cells):
                if cell.casefold() in ABSENT:
                    found[i, j] = np.nan
                    continue
                try:
                    found[i, j] = _float32(cell)
                except ValueError:
                    then = WHENCE if next_step == OMIT and _names_groups(cells) else next_step
                    raise ValueError(
                        f"{path}, {lines[i]}, column {name!r}: {cell!r} is not a number; {then.format(name)}"
                    ) from None
        wrong = np.flatnonzero(np.isinf(found[:, j]))
        if len(wrong):
            cell = cells[wrong[0]]
            large = "holds infinity" if np.isinf(float(cell)) else f"holds {cell}, beyond float32 (3.4e38)"
            raise ValueError(f"{path}, {lines[wrong[0]]}, column {name!r} {large}; leave such windows out")
    return found


def _names_groups(cells: Sequence[str]) -> bool:
    """Return whether a column is of names that repeat, more than two, as those of machines do."""
    return not any(map(is_number, cells)) and 2 < len(set(cells) - {""}) <= len(cells) // 2


def _float32(cells: Sequence[str] | str) -> np.ndarray:
    """Return texts as float32, infinite where it can't hold the number, which is refused later."""
    if any("_" in cell for cell in cells):  # 1_2 is a name, though Python reads 12
        raise ValueError("not a number")
    with np.errstate(over="ignore"):
        return np.array(cells, np.float32)


def _none_empty(path: Path, found: Columns, answers: Sequence[tuple[str, ...]], lines: Sequence[str]) -> None:
    for name, cells in found.answers.items():
        if "" in cells:
            kind = "a number" if name.casefold().startswith(TARGET) else "the name of a class"
            raise ValueError(f"{path}, {lines[cells.index('')]}: its {name} is empty; wanted {kind}")


def _recordings(
    path: Path,
    found: Columns,
    values: np.ndarray,
    answers: Sequence[tuple[str, ...]],
    parts: np.ndarray,
    table: Table,
    wanted: Wanted,
) -> tuple[list[Recording], list[str]]:
    """Return the recordings whose steps are the rows, and what to say of their clocks.

    Rows of one window, recording or group belong together; where windows are to be cut, a recording also ends where
    the class or the part changes or the clock goes back, and is left in pieces where the clock leaps ahead.
    """
    numeric = wanted.kind == "regress" or (not wanted.kind and (len(found.answers) > 1 or measured(_once(answers))))
    keys: list[tuple[object, ...]] = []
    clock = instants(found.clock) if found.clock is not None else None
    run, back = 0, resets(clock) if clock is not None else np.zeros(len(values), bool)
    for i in range(len(values)):
        key = (found.window[i] if found.window else "", found.group[i] if found.group else "")
        own: tuple[object, ...] = key
        if wanted.window:
            own = (*key, parts[i], () if numeric else answers[i])
            run += bool(i and (back[i] or own != keys[-1][:-1]))
            own = (*own, run)
        elif found.window:
            own = (found.window[i],)
        keys.append(own)
    if wanted.window:
        against = sum(bool(back[i]) and keys[i][:2] == keys[i - 1][:2] for i in range(1, len(keys)))
        if against > RESETS * len(keys):
            raise ValueError(
                f"{path}: the clock goes back in {against} of {len(keys)} rows; windows want rows in the order of time,"
                " so sort them by it, oldest first"
            )
    rows: dict[tuple[object, ...], list[int]] = {}
    for i, own in enumerate(keys):
        rows.setdefault(own, []).append(i)
    recordings, clocks, cut = list[Recording](), dict[str, np.ndarray](), 0
    for at in rows.values():
        name = f"window {found.window[at[0]]}" if found.window else f"{table.lines[at[0]]} to {table.lines[at[-1]]}"
        name = name if found.window is None or not wanted.window else f"recording {found.window[at[0]]}"
        if not wanted.window and len({answers[i] for i in at}) > 1:
            raise ValueError(
                f"{path}: {name} has more than one label or target; say --window STEPS to cut it where they change"
            )
        if not wanted.window and len({int(parts[i]) for i in at}) > 1:
            raise ValueError(f"{path}: {name} lies in more than one part")
        lacking = np.argwhere(np.isnan(values[at]))
        gap = ""
        if len(lacking):
            gap = f"{table.lines[at[lacking[0, 0]]]}, column {[*found.values][lacking[0, 1]]!r}"
        answer = answers[at[-1]]
        group = found.group[at[0]] if found.group else ""
        if clock is not None:
            clocks[name] = clock[at]
        pieces = uninterrupted(clock, at) if wanted.window else [at]
        cut += len(pieces) - 1
        for piece in pieces:
            called = name if len(pieces) == 1 else f"{name} from {table.lines[piece[0]]}"
            recordings.append(Recording(called, values[piece], answer, int(parts[at[0]]), group, gap, name))
    said = [f"windows end where the clock leaps ahead: {cut} time{'s' * (cut > 1)}"] if cut else []
    said += unread(found.clock, table.lines) if wanted.window and found.clock is not None and clock is None else []
    return recordings, said + rates(clocks)


def _once(answers: Sequence[tuple[str, ...]]) -> list[str]:
    return [answer[0] for answer in answers]


def _parts(path: Path, parts: Sequence[str] | None, n: int) -> np.ndarray:
    if parts is None:
        return np.full(n, -1, np.int64)
    found = {name: part_of(name) for name in parts}
    odd = sorted(name for name, at in found.items() if at is None)
    if odd:
        raise ValueError(f"{path}: part {odd[0]!r}; there are: {', '.join(PARTS)}")
    return np.array([found[name] for name in parts], np.int64)

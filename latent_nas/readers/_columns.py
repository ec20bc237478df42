"""What the columns of a table are: the answers, the window, the part, the group, and values; every guess is said."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from latent_nas.readers import Wanted
from latent_nas.readers._counting import by_one, called_clock, is_clock, is_index, mostly_up
from latent_nas.readers._numbered import channels_of
from latent_nas.readers._table import ABSENT, Table, is_number

LABEL, TARGET = "label", "target"
ANSWERS = (  # further names of the column of classes or of a numeric target, as ``_plain`` spells them
    *("labels", "class", "classes", "classlabel", "activity", "activities", "activitylabel", "activityname"),
    *("labelname", "category", "gesture", "species", "targets", "activityid", "classid", "labelid", "classname"),
    *("groundtruth", "annotation", "motion", "movement", "fault", "diagnosis", "outcome", "variety", "posture"),
)
WINDOWS = (
    *("window", "windowid", "segment", "segmentid", "sequence", "sequenceid", "series", "seriesid", "sampleid"),
    *("measurementid", "trial", "trialid", "recording", "recordingid", "rec", "recid", "file", "filename", "id"),
)
GROUPS = (
    *("subject", "subjectid", "participant", "participantid", "person", "personid", "volunteer", "user", "userid"),
    *("patient", "patientid", "speaker", "speakerid", "operator", "wearer", "actor", "driver", "session", "sessionid"),
    *("deviceid", "recording", "recordingid", "rec", "recid", "file", "filename", "trial", "trialid"),
)
PARTS = ("part", "split", "subset", "partition", "fold")
SHOWN = 6  # names in a message


@dataclass(frozen=True)
class Columns:
    """A table's columns by what they are.

    Attributes:
        answers: cells by name; none where ``wanted.kind`` needs none. values: the same.
        window: what says which window or recording a row belongs to, or None. part, group, clock: the same.
        groups: what the group is, e.g. "column 'subject'". notes: the guesses, a line each.
    """

    answers: Mapping[str, tuple[str, ...]]
    values: Mapping[str, tuple[str, ...]]
    window: tuple[str, ...] | None
    part: tuple[str, ...] | None
    group: tuple[str, ...] | None
    groups: str
    clock: tuple[str, ...] | None
    notes: tuple[str, ...]


def columns(table: Table, wanted: Wanted, given: Iterable[str] = ()) -> Columns:
    """Return the columns of a table by what they are.

    Args:
        given: names of columns that the table's folders gave it, which mean what they are called.

    Raises:
        ValueError: no answers, several that differ, or a name asked for that there is not.
    """
    every = [(name, cells) for name, cells in table.columns]
    notes: list[str] = []
    answers = _answers(every, wanted, notes)
    rest = [(n, c) for n, c in every if n not in answers]
    part = _first(rest, PARTS, notes, PARTS[0])
    if part and not _names_parts(part[1]):
        if _plain(part[0]) == PARTS[0]:
            pass  # refused by name, where it is read
        else:
            notes.pop()
            part = None
    rest = [(n, c) for n, c in rest if not part or n != part[0]]
    window = _window(rest, wanted, notes, set(given))
    rest = [(n, c) for n, c in rest if not window or n != window[0]]
    group, rest = _group(rest, wanted, window, notes, set(given))
    keys = window[1] if window else None
    values, clock, said = _values(rest, keys, wanted)
    notes += said
    values, said = _without_answers(values, answers, wanted)
    answers = {n.casefold() if n.casefold().startswith(TARGET) else n: cells for n, cells in answers.items()}
    return Columns(
        answers,
        values,
        keys,
        part[1] if part else None,
        group[1] if group else None,
        f"column {group[0]!r}" if group else "",
        clock,
        (*notes, *said),
    )


def _plain(name: str) -> str:
    return re.sub(r"[ _.\-]+", "", name.casefold())


def _first(
    every: Sequence[tuple[str, tuple[str, ...]]], names: Sequence[str], notes: list[str], called: str
) -> tuple[str, tuple[str, ...]] | None:
    """Return the first column with one of some names, in the names' order."""
    for known in names:
        for name, cells in every:
            if _plain(name) == known:
                if name != called:
                    notes.append(f"column {name!r} is read as {called!r}")
                return name, cells
    return None


def _names_parts(cells: Sequence[str]) -> bool:
    from latent_nas.readers._parts import part_of

    return all(part_of(cell) is not None for cell in set(cells))


def _answers(every: list[tuple[str, tuple[str, ...]]], wanted: Wanted, notes: list[str]) -> dict[str, tuple[str, ...]]:
    """Return the columns of answers by name."""
    given = dict(every)
    if wanted.label:
        matching = {name: next((n for n in given if n in (name, name.strip())), None) for name in wanted.label}
        missing = next((name for name, n in matching.items() if n is None), None)
        if missing is not None:
            raise ValueError(f"there is no column {missing!r}; there are: {_some(given)}")
        return {str(n): given[str(n)] for n in matching.values()}
    own = [n for n in given if _plain(n) == LABEL or n.casefold() == TARGET or n.casefold().startswith(f"{TARGET}_")]
    numeric = [n for n in own if _plain(n) != LABEL]
    if len(numeric) < len(own) and numeric:
        both = [n for n in own if _plain(n) == LABEL] + numeric
        if not all(_same(given[both[0]], given[n]) for n in numeric):
            raise ValueError(
                f"has a column {both[0]!r} beside {both[1]!r}; say which holds the answers: --label COLUMN"
            )
        own = both[:1]
    if own:
        notes += [f"column {n!r} is read as {n.casefold()!r}" for n in own if n != n.casefold()]
        return {n: given[n] for n in own}
    named = [(name, cells) for known in ANSWERS for name, cells in every if _plain(name) == known]
    named = [
        (n, c) for n, c in named if wanted.kind == "regress" or not (set(map(is_number, c)) == {True} and _long(c))
    ]
    named = named or [(name, cells) for known in ANSWERS for name, cells in every if _plain(name) == known]
    if named:
        text = next(((n, c) for n, c in named if not all(map(is_number, c))), named[0])
        odd = next((n for n, c in named if not _same(c, text[1])), None)
        if odd is not None:
            raise ValueError(
                f"has columns {text[0]!r} and {odd!r}, which both could hold the answers; say --label {text[0]!r} or"
                f" --label {odd!r}"
            )
        notes.append(f"column {text[0]!r} is read as {LABEL!r} ('--label COLUMN' takes another)")
        return dict([text])
    if wanted.kind == "anomaly":
        notes.append("there is no column of classes: all samples are taken as normal")
        return {}
    every = [(n, c) for n, c in every if _plain(n) not in (*WINDOWS, *GROUPS, *PARTS)]
    texts = [n for n, c in every if n and not all(is_number(v) or v.casefold() in ABSENT for v in c) and not _long(c)]
    hint = f"; {texts[0]!r} holds text: '--label {texts[0]}' takes it" if len(texts) == 1 else ""
    raise ValueError(
        f"wants a first line with a column 'label' or 'target', and rows below it; the first line has {_some(given)}:"
        f" name the column of answers so, or say it: --label COLUMN{hint}"
    )


def _long(cells: Sequence[str]) -> bool:
    """Return whether cells hardly repeat, so that they are no classes."""
    return len(set(cells)) > max(20, len(cells) // 3)


def _same(a: Sequence[str], b: Sequence[str]) -> bool:
    """Return whether each of two columns says the other."""
    return len(set(zip(a, b, strict=True))) == len(set(a)) == len(set(b))


def _window(
    rest: list[tuple[str, tuple[str, ...]]], wanted: Wanted, notes: list[str], given: set[str]
) -> tuple[str, tuple[str, ...]] | None:
    """Return the column that says which window, or recording, a row belongs to: one whose cells repeat."""
    for known in WINDOWS:
        for name, cells in rest:
            if _plain(name) != known or name == wanted.group:
                continue
            if len(set(cells)) > len(cells) // 2 and known != WINDOWS[0]:
                continue
            if len(set(cells)) == 1 and known != WINDOWS[0]:
                continue
            if known in GROUPS and not _together(cells) and any(_plain(n) in GROUPS for n, _ in rest if n != name):
                continue
            if name in given:
                notes.append(f"every file is a recording{' to cut' * bool(wanted.window)}")
            elif name != WINDOWS[0]:
                notes.append(f"column {name!r} is read as 'window': rows of one value are steps of one recording")
            return name, cells
    return None


def _together(cells: Sequence[str]) -> bool:
    """Return whether equal cells stand one after another."""
    return 1 + sum(a != b for a, b in pairwise(cells)) == len(set(cells))


def _group(
    rest: list[tuple[str, tuple[str, ...]]],
    wanted: Wanted,
    window: tuple[str, tuple[str, ...]] | None,
    notes: list[str],
    given: set[str],
) -> tuple[tuple[str, tuple[str, ...]] | None, list[tuple[str, tuple[str, ...]]]]:
    """Return the column of groups, if any, and the others less those that look like groups too."""
    names = dict(rest)
    if wanted.group and wanted.group != "none":
        if window and window[0] == wanted.group:
            return window, rest
        if wanted.group not in names:
            raise ValueError(f"there is no column {wanted.group!r} for --group; there are: {_some(names)}")
        return (wanted.group, names[wanted.group]), [(n, c) for n, c in rest if n != wanted.group]
    if wanted.omit is not None and not given:
        return None, rest
    looks = [(n, c) for known in GROUPS for n, c in rest if _plain(n) == known]
    if not looks:
        return None, rest
    others = [(n, c) for n, c in rest if n not in dict(looks)]
    said = [f"column {n!r} is left out, as it tells where samples come from ('?omit=' keeps it)" for n, _ in looks]
    notes += [line for line, (n, _) in zip(said, looks, strict=True) if n not in given]
    spread = [(n, c) for n, c in looks if 1 < len(set(c)) <= len(c) // 2]
    return (spread[0] if spread and wanted.group != "none" else None), others


def _values(
    rest: list[tuple[str, tuple[str, ...]]], keys: Sequence[str] | None, wanted: Wanted
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...] | None, list[str]]:
    """Return the columns of values less those that only count, the clock among them, and a line for each decision."""
    given = dict(rest)
    clock: tuple[str, ...] | None = None
    if wanted.omit is not None:
        odd = next((name for name in wanted.omit if name not in given), None)
        if odd is not None:
            raise ValueError(f"omit={odd!r} is no column of values; there are: {', '.join(given)}")
        if len(given) < len(rest):
            raise ValueError("two columns have no name; give them one, so that they can be kept (omit=)")
        clock = next((given[n] for n in wanted.omit if called_clock(n) and mostly_up(given[n])), None)
        return {name: cells for name, cells in rest if name not in wanted.omit}, clock, []
    kept, notes = dict[str, tuple[str, ...]](), list[str]()
    others = [name for name, _ in rest if not is_index(name) and not called_clock(name)]
    series = keys is None and not wanted.window and channels_of(others) is not None
    for name, cells in rest:
        said = f"column {name!r}" if name else "the column without a name"
        cut = wanted.window > 0 and called_clock(name) and mostly_up(cells)
        if is_index(name):
            notes.append(f"{said} is left out, as it numbers rows ('?omit=' keeps it)")
        elif cut or is_clock(name, cells, keys):
            clock = clock or cells
            notes.append(f"{said} is left out, as it only counts up ('?omit=' keeps it)")
        elif series and called_clock(name):
            notes.append(f"{said} is left out, as it tells when a row was taken ('?omit=' keeps it)")
        else:
            kept[name] = cells
            if called_clock(name) or by_one(cells):
                notes.append(f"{said} is taken as values, though it may number rows ('?omit={name}' leaves it out)")
    return kept, clock, notes


def _without_answers(
    values: dict[str, tuple[str, ...]], answers: Mapping[str, tuple[str, ...]], wanted: Wanted
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Return the values less columns that only spell the answer in another way, and a line for each of those."""
    if wanted.omit is not None or len(answers) != 1:
        return values, []
    (answer,) = answers.values()
    if not 1 < len(set(answer)) <= len(answer) // 3:
        return values, []
    spelt = [n for n, cells in values.items() if _same(cells, answer)]
    said = [f"column {n!r} is left out, as it says the class in another way ('?omit=' keeps it)" for n in spelt]
    return {n: cells for n, cells in values.items() if n not in spelt}, said


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return ", ".join(map(repr, listed[:SHOWN])) + more

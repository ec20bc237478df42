"""The columns of a table that hold the answers: one of classes, or numeric targets; what could be two is asked."""

from collections.abc import Mapping, Sequence

from latent_nas.readers import Wanted
from latent_nas.readers._column_names import ANSWERS, GROUPS, LABEL, PARTS, TARGET, WINDOWS, plain, some
from latent_nas.readers._table import ABSENT, is_number


def answers_of(
    every: list[tuple[str, tuple[str, ...]]], wanted: Wanted, notes: list[str]
) -> dict[str, tuple[str, ...]]:
    """Return the columns of answers by name; what was decided goes into ``notes``.

    Raises:
        ValueError: there are none, or two that could be.
    """
    given = dict(every)
    if wanted.label:
        matching = {name: next((n for n in given if n in (name, name.strip())), None) for name in wanted.label}
        missing = next((name for name, n in matching.items() if n is None), None)
        if missing is not None:
            raise ValueError(f"there is no column {missing!r}; there are: {some(given)}")
        return {str(n): given[str(n)] for n in matching.values()}
    own = [n for n in given if plain(n) == LABEL or n.casefold() == TARGET or n.casefold().startswith(f"{TARGET}_")]
    numeric = [n for n in own if plain(n) != LABEL]
    if len(numeric) < len(own) and numeric:
        both = [n for n in own if plain(n) == LABEL] + numeric
        if not all(same(given[both[0]], given[n]) for n in numeric):
            raise ValueError(
                f"has a column {both[0]!r} beside {both[1]!r}; say which holds the answers: --label COLUMN"
            )
        own = both[:1]
    if own:
        notes += [f"column {n!r} is read as {n.casefold()!r}" for n in own if n != n.casefold()]
        return {n: given[n] for n in own}
    named = [(name, cells) for known in ANSWERS for name, cells in every if plain(name) == known]
    named = [
        (n, c) for n, c in named if wanted.kind == "regress" or not (set(map(is_number, c)) == {True} and _long(c))
    ]
    named = named or [(name, cells) for known in ANSWERS for name, cells in every if plain(name) == known]
    if named:
        text = next(((n, c) for n, c in named if not all(map(is_number, c))), named[0])
        odd = next((n for n, c in named if not same(c, text[1])), None)
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
    every = [(n, c) for n, c in every if plain(n) not in (*WINDOWS, *GROUPS, *PARTS)]
    texts = [n for n, c in every if n and not all(is_number(v) or v.casefold() in ABSENT for v in c) and not _long(c)]
    hint = f"; {texts[0]!r} holds text: '--label {texts[0]}' takes it" if len(texts) == 1 else ""
    raise ValueError(
        f"wants a first line with a column 'label' or 'target', and rows below it; the first line has {some(given)}:"
        f" name the column of answers so, or say it: --label COLUMN{hint}"
    )


def without_answers(
    values: dict[str, tuple[str, ...]], answers: Mapping[str, tuple[str, ...]], wanted: Wanted
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Return the values less columns that only spell the answer in another way, and a line for each of those."""
    if wanted.omit is not None or len(answers) != 1:
        return values, []
    (answer,) = answers.values()
    if not 1 < len(set(answer)) <= len(answer) // 3:
        return values, []
    spelt = [n for n, cells in values.items() if same(cells, answer)]
    said = [f"column {n!r} is left out, as it says the class in another way ('?omit=' keeps it)" for n in spelt]
    return {n: cells for n, cells in values.items() if n not in spelt}, said


def _long(cells: Sequence[str]) -> bool:
    """Return whether cells hardly repeat, so that they are not classes."""
    return len(set(cells)) > max(20, len(cells) // 3)


def same(a: Sequence[str], b: Sequence[str]) -> bool:
    """Return whether each of two columns says the other."""
    return len(set(zip(a, b, strict=True))) == len(set(a)) == len(set(b))

"""Files below folders that name their class and, above it, the part of a split; what could be two things is asked."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from latent_nas.readers import PARTS, Wanted
from latent_nas.readers._parts import part_of, renamed

SHOWN = 4  # folders in a message
DEEP = 24  # folders within folders
ASIDE = {".txt", ".md", ".json", ".csv", ".tsv", ".yaml", ".yml", ".xml", ".pdf", ".html", ".ini", ".db", ".log", ""}


class Labelled(NamedTuple):
    """A file below folders that say what it is.

    Attributes:
        part: index of ``PARTS``, -1 where no folder names one. group: the folder of a session, above the classes or
            within them, "" where there is none or it is not looked at.
    """

    file: Path
    label: str
    part: int
    group: str = ""


def files_below(folder: Path, above: tuple[str, ...] = ()) -> Iterator[Path]:
    """Yield every file below a folder in order, links followed, but never into a folder that they lie in themselves.

    Hidden files and what an archiver leaves behind are none.

    Raises:
        ValueError: a folder that can't be opened.
    """
    real = os.path.realpath(folder)
    if real in above or len(above) > DEEP:
        return
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise ValueError(f"{folder} can't be opened: {error.strerror}") from None
    for entry in entries:
        if entry.name.startswith((".", "__MACOSX")):
            continue
        if entry.is_dir():
            yield from files_below(entry, (*above, real))
        elif entry.is_file():
            yield entry


def holds(folder: Path, suffixes: set[str]) -> bool:
    """Return whether there is a file of such a suffix below a folder."""
    return folder.is_dir() and any(file.suffix.lower() in suffixes for file in files_below(folder))


def left_out(root: Path, suffixes: set[str]) -> list[str]:
    """Return a line on files below a folder that are of other kinds; notes and lists beside the data are not named."""
    others = [f for f in files_below(root) if f.suffix.lower() not in suffixes | ASIDE]
    if not others:
        return []
    counts = Counter(f.suffix.lower() for f in others).most_common(SHOWN)
    kinds = ", ".join(f"{n} {suffix}" for suffix, n in counts)
    return [f"files of other kinds are left out: {kinds}, the first is {others[0].relative_to(root)}"]


def in_groups(files: Sequence[Labelled], wanted: Wanted, called: str = "") -> dict[str, Any]:
    """Return the fields of ``Raw`` on groups of files: sessions above the classes, or within them.

    Args:
        called: what a table beside the files calls the groups, "" where none says any.
    """
    named = [file.group for file in files]
    if called:
        ids = np.unique(named, return_inverse=True)[1].reshape(-1).astype(np.int64)
        return {"group": ids, "groups": called, "asked": bool(wanted.group)}
    if wanted.group not in ("", "none", "folder"):
        raise ValueError(f"--group {wanted.group} is for tables; folders have --group folder or none")
    labels = wanted.labels
    if wanted.group == "none" or not any(named):
        if wanted.group == "folder":
            raise ValueError(
                "there are no folders above the classes or within them for --group folder; say '?labels=inner' if"
                " there are"
            )
        return {}
    apart = [file.group or str(file.file) for file in files]  # a file in no session is one of its own
    ids = np.unique(apart, return_inverse=True)[1].reshape(-1).astype(np.int64)
    within = all(file.group in ("", *file.file.parts) for file in files)
    what = f"the folders {'above' if labels == 'inner' else 'within'} the classes" if within else "speakers"
    return {"group": ids, "groups": what, "asked": wanted.group == "folder"}


def class_files(root: Path, suffixes: set[str], wanted: Wanted) -> tuple[list[Labelled], list[str]]:
    """Return every file with such a suffix below ``[PART/]class/``, in order, and what to say.

    Hidden files are none. Folders within the classes are groups where several classes hold the same ones, as those of
    subjects, or where that is asked for: they may be kinds of one class just as well.

    Args:
        wanted: ``labels`` of it is one of ``readers.LABELS``: the folders below ``root``, or below those of parts, name
            the classes (outer), or the ones below these (inner); or those below ``root`` even if named as parts are
            (top).

    Raises:
        ValueError: files that lie in no class folder, parts beside classes, or folders of which either could be the
            classes.
    """
    top, labels = _inside(root), wanted.labels
    parts = {} if labels == "top" else {p: i for p in top if (i := part_of(p.name)) is not None}
    _none_loose(root, suffixes, "")
    if not parts:
        found = [Labelled(file, label, -1, group) for file, label, group in _labelled(root, suffixes, labels)]
        inner = [f"classes are the folders below {_listed(top)}"] if labels == "inner" else []
        found, said = _looked_at(found, wanted)
        return found, inner + said + _without(top, found, root)
    first = next(iter(parts))
    if len(parts) < len(top):
        odd = next(p for p in top if p not in parts)
        raise ValueError(
            f"{root} holds {first.name}/ beside {odd.name}/; wanted parts only, or classes only ('?labels=top' takes"
            " all as classes)"
        )
    found = []
    for i, part in enumerate(PARTS):
        mine = [p for p, at in parts.items() if at == i]
        if len(mine) > 1:
            raise ValueError(f"{root}: {_listed(mine)} are all part {part!r}; put them together, or take one away")
        for folder in mine:
            _none_loose(folder, suffixes, "; samples without a class can't be used")
            found += [Labelled(file, label, i, group) for file, label, group in _labelled(folder, suffixes, labels)]
    called = renamed(p.name for p in parts)
    notes = [f"folder {called} ('?labels=top' takes them as classes)"] if called else []
    found, more = _looked_at(found, wanted)
    return found, notes + more + _without([p for part in parts for p in _inside(part)], found, root)


def _looked_at(files: list[Labelled], wanted: Wanted) -> tuple[list[Labelled], list[str]]:
    """Return the files, without groups and with a line where folders within the classes are none."""
    inside = {file.group for file in files if file.group}
    if wanted.labels == "inner" or not inside or wanted.group in ("folder", "none"):
        return files, []
    holders = {name: {file.label for file in files if file.group == name} for name in inside}
    if all(len(classes) > 1 for classes in holders.values()):
        return files, []
    first = next(file for file in files if file.group)
    said = f"folders within the classes ({first.label}/{first.group}/ and the like) are not looked at"
    return [file._replace(group="") for file in files], [f"{said}; --group folder keeps each within one part"]


def _without(folders: Sequence[Path], files: Sequence[Labelled], root: Path) -> list[str]:
    """Return a line on folders in the place of classes that hold no file of the data."""
    used = {folder for one in files for folder in one.file.parents}
    bare = [p for p in folders if p not in used]
    names = ", ".join(f"{p.relative_to(root)}/" for p in bare[:SHOWN])
    names += f" and {len(bare) - SHOWN} more" * (len(bare) > SHOWN)
    return [f"folders without a sample are no classes: {names}"] if bare else []


def _labelled(folder: Path, suffixes: set[str], labels: str) -> list[tuple[Path, str, str]]:
    """Return (file, class, group) below a folder of classes."""
    files = {p: _files(p, suffixes) for p in _inside(folder)}
    files = {p: found for p, found in files.items() if found}
    inner = {p: {file.relative_to(p).parts[0] for file in found if file.parent != p} for p, found in files.items()}
    flat = next((file for p, found in files.items() for file in found if file.parent == p), None)
    if labels == "inner":
        if flat is not None:
            raise ValueError(f"{flat} lies in no inner folder; wanted {flat.parent}/CLASS/{flat.name}, or no labels=")
        return [(file, file.relative_to(p).parts[0], p.name) for p, found in files.items() for file in found]
    if not labels and flat is None and files:
        names = sorted(set.union(*inner.values()))
        shared = {name for name in names if sum(name in held for held in inner.values()) > 1}
        if len(files) == 1 and len(names) > 1 and part_of(folder.name) is None:
            only = next(iter(files))
            raise ValueError(
                f"{folder} holds only {only.name}/; if {_some(names)} are the classes, name {only} ('?labels=outer'"
                f" takes {only.name} as a class)"
            )
        if len(files) > 1 and all(held & shared for held in inner.values()):
            raise ValueError(
                f"{folder}: {_listed([*files])} all hold folders such as {_some(sorted(shared))}, so either could be"
                " the classes; say '?labels=inner' or '?labels=outer', or name parts train/, valid/, test/"
            )
    return [
        (file, p.name, "/".join(file.relative_to(p).parts[:-1][:1])) for p, found in files.items() for file in found
    ]


def _inside(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "__MACOSX")))


def _files(folder: Path, suffixes: set[str]) -> list[Path]:
    return [file for file in files_below(folder) if file.suffix.lower() in suffixes]


def _none_loose(folder: Path, suffixes: set[str], why: str) -> None:
    loose = next((p for p in sorted(folder.iterdir()) if p.suffix.lower() in suffixes and p.is_file()), None)
    if loose is not None:
        raise ValueError(f"{loose} lies in no class folder; wanted {folder}/CLASS/{loose.name}{why}")


def _listed(folders: list[Path]) -> str:
    return _some([p.name for p in folders])


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(f"{name}/" for name in names[:SHOWN]) + more

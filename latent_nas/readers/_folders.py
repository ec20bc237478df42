"""Files below folders that name their class and, above it, the part of a split; what could be two things is asked."""

from pathlib import Path

from latent_nas.readers import PARTS
from latent_nas.readers._parts import part_of, renamed

SHOWN = 4  # folders in a message
Labelled = tuple[Path, str, int]  # file, class, part


def class_files(root: Path, suffixes: set[str], labels: str) -> tuple[list[Labelled], list[str]]:
    """Return (file, class, part) of every file with such a suffix below ``[PART/]class/``, in order, and what to say.

    Hidden files are none. The part is -1 where the folders name none.

    Args:
        labels: one of ``readers.LABELS``: the folders below ``root``, or below those of parts, name the classes
            (outer), or the ones below these (inner); or those below ``root`` even if named as parts are (top).

    Raises:
        ValueError: files that lie in no class folder, parts beside classes, or folders of which either could be the
            classes.
    """
    top = _inside(root)
    parts = {} if labels == "top" else {p: i for p in top if (i := part_of(p.name)) is not None}
    _none_loose(root, suffixes, "")
    if not parts:
        found = [(file, label, -1) for file, label in _labelled(root, suffixes, labels)]
        mixed = f"classes are the folders below {_listed(top)}, whose samples are drawn into the parts alike"
        return found, [mixed] if labels == "inner" else []
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
            found += [(file, label, i) for file, label in _labelled(folder, suffixes, labels)]
    said = renamed(p.name for p in parts)
    return found, [f"folder {said} ('?labels=top' takes them as classes)"] if said else []


def _labelled(folder: Path, suffixes: set[str], labels: str) -> list[tuple[Path, str]]:
    """Return (file, class) below a folder of classes."""
    files = {p: _files(p, suffixes) for p in _inside(folder)}
    files = {p: found for p, found in files.items() if found}
    inner = {p: {file.relative_to(p).parts[0] for file in found if file.parent != p} for p, found in files.items()}
    flat = next((file for p, found in files.items() for file in found if file.parent == p), None)
    if labels == "inner":
        if flat is not None:
            raise ValueError(f"{flat} lies in no inner folder; wanted {flat.parent}/CLASS/{flat.name}, or no labels=")
        return [(file, file.relative_to(p).parts[0]) for p, found in files.items() for file in found]
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
    return [(file, p.name) for p, found in files.items() for file in found]


def _inside(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "__MACOSX")))


def _files(folder: Path, suffixes: set[str]) -> list[Path]:
    found = (p for p in folder.rglob("*") if p.suffix.lower() in suffixes and not p.name.startswith("."))
    return sorted(p for p in found if p.is_file())


def _none_loose(folder: Path, suffixes: set[str], why: str) -> None:
    loose = next((p for p in sorted(folder.iterdir()) if p.suffix.lower() in suffixes and p.is_file()), None)
    if loose is not None:
        raise ValueError(f"{loose} lies in no class folder; wanted {folder}/CLASS/{loose.name}{why}")


def _listed(folders: list[Path]) -> str:
    return _some([p.name for p in folders])


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(f"{name}/" for name in names[:SHOWN]) + more

"""Splits given as lists of files beside the classes, as in Speech Commands, and folders that are not a class."""

from collections.abc import Sequence
from pathlib import Path

from latent_nas.readers._folders import Labelled

LISTS = {"validation_list.txt": 1, "valid_list.txt": 1, "testing_list.txt": 2, "test_list.txt": 2}
SPEAKER = "_nohash_"  # stands behind the speaker in the names of Speech Commands


def listed(root: Path, files: Sequence[Labelled], told: bool = False) -> tuple[list[Labelled], list[str]]:
    """Return the files with the parts that lists beside them say, or speakers as groups, and what to say of it.

    Folders whose names begin with an underscore, as ``_background_noise_``, hold no samples of a class.

    Args:
        told: whether a table says the classes, and no folder.

    Raises:
        ValueError: a list that names nothing that is there.
    """
    aside = sorted({file.label for file in files if file.label.startswith("_") and not told})
    kept = [file for file in files if file.label not in aside]
    notes = []
    if aside and len({file.label for file in kept}) > 1:
        notes.append(f"folder {', '.join(aside)} is left out: a name with an underscore in front is taken for no class")
        files = kept
    parts: dict[str, int] = {}
    said = []
    for name, part in LISTS.items():
        place = root / name
        if not place.is_file() or any(file.part >= 0 for file in files):
            continue
        lines = place.read_text(encoding="utf-8", errors="replace").split("\n")
        parts |= {line.strip().replace("\\", "/").removeprefix("./"): part for line in lines if line.strip()}
        said.append(name)
    if parts:
        named = [parts.get(file.file.relative_to(root).as_posix(), 0) for file in files]
        if not any(named):
            raise ValueError(f"{root / said[0]} names no file that is there; wanted lines such as CLASS/FILE")
        gone = len(parts) - sum(part > 0 for part in named)
        notes.append(f"parts are those of {' and '.join(said)}" + f"; {gone} of their files are not there" * (gone > 0))
        return [file._replace(part=part) for file, part in zip(files, named, strict=True)], notes
    if files and all(SPEAKER in file.file.name and not file.group for file in files):
        notes.append(f"the names begin with a speaker, before {SPEAKER}")
        return [file._replace(group=file.file.name.split(SPEAKER)[0]) for file in files], notes
    return list(files), notes

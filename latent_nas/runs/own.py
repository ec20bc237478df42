"""The user's own plugins in a run folder: a copy of every file, and whose code is run when the folder is opened."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from latent_nas import artifacts, plugins, sealed
from latent_nas.runs import files as names

FOLDER, KEY = names.PLUGINS, "own_files"
ABOVE = 3  # networks/<rank>/float lies so deep in a run folder


def keep(run: Path) -> list[dict[str, Any]]:
    """Copy the user's own files into a run folder and return, for its configuration, what they are.

    From now on their code counts as run by this user.
    """
    luggage = plugins.packed()
    files, entries = luggage.files, list[dict[str, Any]]()
    for number, file in enumerate(files):
        name = Path(file.path).name
        taken = {entry["copy"] for entry in entries}
        copy = f"{FOLDER}/{name}" if f"{FOLDER}/{name}" not in taken else f"{FOLDER}/{number}-{name}"
        artifacts.make_folder(run / FOLDER)
        artifacts.write(run / copy, file.text)
        entries.append({"path": file.path, "copy": copy, "sha256": file.sha256, "operators": _operators(luggage, file)})
    plugins.remember(files)
    return entries


def bring(place: Path) -> None:
    """Open the user's own files of the run folder that a file or folder is in; plugins are then those of the run.

    Raises:
        ValueError: a copy is missing or has changed since the run began.
        plugins.Untrusted: their code is not known; what is data is brought all the same.
    """
    run = _run(place)
    files = [_file(run, entry) for entry in _entries(run)] if run else []
    plugins.unpacked(plugins.Luggage(tuple(file for file in files if file.path.endswith(".toml"))))
    for file in files:
        plugins.check_trust(file, str(run))
    plugins.unpacked(plugins.Luggage(tuple(files), named=_named(run)))
    plugins.remember(files)


def mended(run: Path, name: str) -> plugins.OwnFile | None:
    """Return the file that a plugin is named by as it is now, where a run folder's copy of it is another; else None."""
    if not plugins.is_file(name):
        return None
    path = plugins.split(plugins.located(name))[0].partition("#")[0]
    for entry in _entries(run):
        if entry["path"] == path and (now := plugins.OwnFile.read(path)).text != _file(run, entry).text:
            return now
    return None


def take(run: Path, file: plugins.OwnFile) -> None:
    """Let a run go on with another text of a file that it has a copy of, which stays beside the new one."""
    taken = {path.name for path in (run / FOLDER).iterdir()}
    stem, suffix = Path(file.path).stem, Path(file.path).suffix
    copy = next(name for i in range(2, len(taken) + 3) if (name := f"{stem}-{i}{suffix}") not in taken)
    artifacts.write(run / FOLDER / copy, file.text)
    config = sealed.unseal(json.loads((run / names.CONFIG).read_text(encoding="utf-8")), str(run / names.CONFIG))
    for entry in config[KEY]:
        if entry["path"] == file.path:
            entry |= {"copy": f"{FOLDER}/{copy}", "sha256": file.sha256}
    artifacts.write(run / names.CONFIG, json.dumps(sealed.seal(config), indent=1) + "\n")
    plugins.remember([file])


def changed(run: Path, but: str = "") -> list[str]:
    """Return a line for every file that a run folder keeps a copy of and that is another by now where it came from.

    Args:
        but: a file that the run goes on with as it is now.
    """
    lines = []
    for entry in [entry for entry in _entries(run) if entry.get("path") != but]:
        held, now = _file(run, entry), Path(entry["path"])
        with suppress(OSError):
            if now.is_file() and now.read_text(encoding="utf-8", errors="replace") != held.text:
                copy = run / FOLDER / Path(entry["copy"]).name
                lines.append(
                    f"{now} has changed; the run goes on with its copy {copy}; the new one is for another --out"
                )
    return lines


def task_of(place: Path) -> str:
    """Return the task of the run folder that a file or folder is in, wherever its data lies by now; "" of no search."""
    run = _run(place)
    try:
        config = json.loads((run / names.CONFIG).read_text(encoding="utf-8")) if run else {}
        return str(config["target"]["task"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""


def searched(place: Path) -> Path | None:
    """Return the run folder of the search that a file or folder is of; None of any other."""
    run = _run(place)
    try:
        config = json.loads((run / names.CONFIG).read_text(encoding="utf-8")) if run else {}
        return run if config["strategy"] != "validate" else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _run(place: Path) -> Path | None:
    """Return the run folder that a file or folder is in, or None."""
    above = [place, *place.parents, *place.resolve().parents][: ABOVE + 1]
    return next((folder for folder in above if (folder / names.CONFIG).is_file()), None)


def _operators(luggage: plugins.Luggage, file: plugins.OwnFile) -> dict[str, str]:
    """Return the operators of a file: a saved network names them by kind alone. Kind to the class's name there."""
    references = {name: at.partition("#") for (kind, name), at in luggage.named if kind == "operators"}
    return {name: attribute for name, (path, _, attribute) in references.items() if path == file.path}


def _named(run: Path | None) -> tuple[tuple[tuple[str, str], str], ...]:
    """Return how ``Luggage`` names the operators of a run's files."""
    entries = _entries(run) if run else []
    pairs = [(name, f"{entry['path']}#{at}") for entry in entries for name, at in entry.get("operators", {}).items()]
    return tuple((("operators", name), reference) for name, reference in pairs)


def _entries(run: Path) -> list[dict[str, Any]]:
    try:
        config = json.loads((run / names.CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):  # who reads the configuration says so
        return []
    held: Any = config.get(KEY, []) if isinstance(config, dict) else []
    return held if isinstance(held, list) else []


def _file(run: Path, entry: dict[str, Any]) -> plugins.OwnFile:
    """Return a file as the run folder has it, under the path that it had when the run began."""
    try:
        copy = run / FOLDER / Path(entry["copy"]).name
        file = plugins.OwnFile(entry["path"], plugins.OwnFile.read(str(copy)).text)
        wanted = entry["sha256"]
    except (KeyError, TypeError):
        raise ValueError(f"{run / names.CONFIG} is damaged: {KEY} names no path, copy and sha256") from None
    if file.sha256 != wanted:
        raise ValueError(
            f"{copy} has changed since the run began (sha256 {wanted[:12]}..., now {file.sha256[:12]}...); put it back,"
            " or begin another run"
        )
    return file

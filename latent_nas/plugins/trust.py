"""Whose code is run: what the user names, and what this user has run before; nothing that only a file names.

A run folder, an artefact or a JSON file may name a .py file or hold one. Its code is run where its sha256 is one that
this user has run before, or where the user says so (``--trust``).
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from latent_nas.plugins.files import OwnFile
from latent_nas.plugins.own import OWN, REFERENCE, log

FILE = "trusted.json"


class Untrusted(ValueError):
    """Code that nobody vouches for; the line says whose, and what to do."""


def _place() -> Path:
    """Return the file of the hashes: in LATENT_NAS_CACHE, else in a folder of the user's."""
    return Path(os.environ.get("LATENT_NAS_CACHE") or Path.home() / ".cache" / "latent_nas") / FILE


def _known() -> dict[str, str]:
    """Return the name of every file that was run, by its sha256."""
    try:
        held = json.loads(_place().read_text(encoding="utf-8"))
    except (OSError, ValueError, RuntimeError):  # not there, damaged, or no home: nothing is known, the safe side
        return {}
    return held if isinstance(held, dict) else {}


def remember(files: Iterable[OwnFile]) -> None:
    """Note files that the user has run; where that can't be written it is said."""
    before = _known()
    known = before | {file.sha256: Path(file.path).name for file in files if file.path.endswith((".py", ".c"))}
    if known == before:
        return
    try:
        place = _place()
        place.parent.mkdir(parents=True, exist_ok=True)
        new = place.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
        new.replace(place)
    except (OSError, RuntimeError) as error:  # RuntimeError: a user without a home
        log.warning("%s can't be written (%s): later runs of these plugins will want --trust", FILE, error)


def named(name: str) -> None:
    """Take a plugin's file as named by the user: it may be run, as it is now."""
    if parts := REFERENCE.fullmatch(name):
        path = str(Path(parts["file"]).resolve())
        OWN.said.add(path)
        OWN.fixed.discard(path)


def check(file: OwnFile, by: str) -> None:
    """Return if a file's code may be run.

    Args:
        by: what names or holds the file.

    Raises:
        Untrusted: nobody vouches for it.
    """
    if file.path.endswith(".toml") or OWN.trust or file.path in OWN.said or file.sha256 in _known():
        return
    raise Untrusted(
        f"{by} comes with code that you have not run before: {Path(file.path).name} (sha256 {file.sha256[:12]}...);"
        " read it, then say --trust"
    )


def vouched(name: str, by: str) -> str:
    """Return a plugin's name that stands in a file, if its code may be run.

    Raises:
        Untrusted: nobody vouches for it. ValueError: there is no such file.
    """
    parts = REFERENCE.fullmatch(name)
    if parts is not None and str(Path(parts["file"]).resolve()) not in OWN.fixed:
        check(OwnFile.read(parts["file"], f", which {by} names"), by)
    return name

"""Where compiled kernels are kept; where nothing can be, in a folder of this process."""

import atexit
import logging
import os
import shutil
import tempfile
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from latent_nas import whole

SUM = ".sha256"  # the file beside a library
log = logging.getLogger("latent_nas")


def folder() -> Path:
    """Return where compiled kernels are kept: LATENT_NAS_CACHE, else a folder of the user's."""
    named = os.environ.get("LATENT_NAS_CACHE", "")
    try:
        place = Path(named) if named else Path.home() / ".cache" / "latent_nas"
        place.mkdir(parents=True, exist_ok=True)
        with whole.scratch(place):
            return place
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: a user without a home
        return _of_this_process(named or "~/.cache/latent_nas", str(error))


def good(library: Path) -> bool:
    """Return whether a library is there as it was written; one that is not is removed and said."""
    if not library.exists():
        return False
    try:
        right = library.with_suffix(SUM).read_text() == sha256(library.read_bytes()).hexdigest()
    except (OSError, UnicodeDecodeError):
        right = False
    if not right:
        log.warning("%s is damaged, or was not written whole; it is compiled again", library)
        library.unlink(missing_ok=True)
    return right


def keep(made: Path, library: Path) -> Path:
    """Move a compiled file to its place, its hash beside it, and return the place."""
    whole.write(library.with_suffix(SUM), sha256(made.read_bytes()).hexdigest())
    whole.flush(made)
    made.replace(library)
    whole.flush(library.parent)
    return library


def emptied(name: str) -> Path:
    """Return a folder of the cache that holds nothing any more, for a compiler to fill anew."""
    place = folder() / name
    shutil.rmtree(place, ignore_errors=True)
    return place


@lru_cache
def _of_this_process(wanted: str, why: str) -> Path:
    place = Path(tempfile.mkdtemp(prefix=whole.UNFINISHED))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    log.warning(
        "compiled kernels can't be kept in %s (%s): this process compiles for itself; LATENT_NAS_CACHE names another"
        " folder",
        wanted,
        " ".join(why.split()),
    )
    return place

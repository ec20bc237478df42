"""What the machine or the user's own code refuses, whatever a command was at, in one line: a full disk, no memory."""

import os
import re
import sqlite3
import sys
import traceback
from errno import EMFILE, ENAMETOOLONG, ENFILE, ENOSPC, EROFS

from latent_nas import plugins

KINDS = (OSError, MemoryError, RecursionError, EOFError, RuntimeError, sqlite3.Error, OverflowError)
STEPS = {
    ENOSPC: "free some room there, then do it again",
    ENAMETOOLONG: "wanted a name of at most 255 bytes",
    EROFS: "choose a place that can be written",
    EMFILE: "allow more open files (ulimit -n), or ask for fewer --workers",
    ENFILE: "allow more open files (ulimit -n), or ask for fewer --workers",
}
OURS = ("Could not determine home directory", "Symlink loop")  # RuntimeErrors of the system; others are our bugs
WHOLE = "LATENT_NAS_TRACEBACK"  # set in the environment: the whole traceback of an error in the user's own code


def in_own_code(error: BaseException) -> str:
    """Return an error that came through a file of the user's own as a line that names the place, "" of any other."""
    place = plugins.raised_at(error)
    if not place or isinstance(error, MemoryError) or getattr(error, "errno", None) in STEPS:
        return ""
    if os.environ.get(WHOLE):
        traceback.print_exception(error, file=sys.stderr)
    text = " ".join(str(error).split())[:300]
    if isinstance(error, ValueError) and text.startswith(place.rpartition(":")[0]):
        return text
    return f"{place}: {type(error).__name__}: {text}; {WHOLE}=1 in the environment shows the whole traceback"


def not_utf8(error: UnicodeEncodeError) -> str:
    """Return an error of a text that can't be written as a line that names the word, "" where it is no file's name.

    Python reads names that are not UTF-8, as archives of other systems leave them, with a surrogate for each such byte.
    """
    before, after = error.object[: error.start], error.object[error.start :]
    if not after or not "\udc80" <= after[0] <= "\udcff":
        return ""
    word = re.split(r"[\s\"'/]", before)[-1] + re.split(r"[\s\"'/]", after)[0]
    name = os.fsencode(word[:100]).decode(errors="backslashreplace")
    return f"the name of a file or folder is not UTF-8: {name}; rename it (all at once: convmv -f latin1 -t utf8 -r)"


def line(error: BaseException) -> str:
    """Return an error of the machine as a line; one that is a bug of ours is raised again, with its traceback."""
    if isinstance(error, OSError):
        names = [str(name)[:100] for name in (error.filename, error.filename2) if name is not None]
        what = error.strerror or str(error) or type(error).__name__
        step = STEPS.get(error.errno or 0, "look at the place, or choose another")
        return f"{' to '.join(names) + ': ' if names else ''}{what}; {step}"
    if isinstance(error, MemoryError):
        return "there is not enough memory; take smaller data or networks, or fewer --workers"
    if isinstance(error, RecursionError):
        return "a file is nested too deep to be read; wanted one that this project or its format's own tools write"
    if isinstance(error, EOFError):
        return f"a file ends too soon ({error}); make it again" if str(error) else "a file ends too soon; make it again"
    if isinstance(error, RuntimeError) and not str(error).startswith(OURS):
        raise error
    return f"{' '.join(str(error).split())[:300]}; look at the file or place that it names"

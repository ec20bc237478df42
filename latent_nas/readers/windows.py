"""A table of windows, of recordings to cut into windows, or of features, with classes or numeric targets."""

from pathlib import Path

from latent_nas.readers import Raw, Reader, Wanted
from latent_nas.readers._formats import SUFFIXES, read_table
from latent_nas.readers._rows import raw_of


class Windows(Reader):
    """Reads answers and values: a row is a window, or features, or a time step.

    Answers are a column ``label`` or ``target``, others with a usual name, or the one that is asked for. Columns that
    number rows, tell the time, or name a subject or session are not values, which is said.
    """

    about = "a table (.csv, .tsv, .parquet) of a row per window or per step, with a column label or target"
    uses = ("kind", "omit", "label", "window", "hop", "length", "group", "missing", "layout", "input")

    def takes(self, path: Path) -> bool:
        """Return whether it is a file of a table."""
        return path.suffix.lower() in SUFFIXES and path.is_file()

    def example(self, folder: Path) -> Path:
        """Write four windows of three steps."""
        file = folder / "windows.csv"
        file.write_text("label,s1,s2,s3\nup,1,2,3\ndown,3,2,1\nup,2,4,6\ndown,6,4,2\n", encoding="utf-8")
        return file

    def read(self, path: Path, wanted: Wanted) -> Raw:
        """Return (steps, 1, channels) of every window, or (1, values, 1) of features."""
        return raw_of(path, read_table(path), wanted)


Plugin = Windows

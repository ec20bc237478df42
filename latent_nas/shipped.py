"""Where the files that come with the project lie: ``datasets_arch/`` and ``pretrained/``."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
TABLES, MARK = "datasets_arch", "shipped:"


def folder(name: str) -> Path:
    """Return the folder "datasets_arch" or "pretrained": of the installed package, else of the checkout around it.

    An installation holds them inside the package (setup.py), so that they are found wherever pip puts it; an editable
    one is the checkout.

    Raises:
        FileNotFoundError: it is in neither place, so the package is not whole.
    """
    places = PACKAGE / "_shipped" / name, PACKAGE.parent / name
    for place in places:
        if place.is_dir():
            return place
    raise FileNotFoundError(f"{name} is neither {places[0]} nor {places[1]}; install latent_nas again")


def table(name: str) -> Path:
    """Return the file of a table: "shipped:SPACE-TASK" is one that comes with the project, anything else is a path."""
    if not name.startswith(MARK):
        return Path(name)
    return folder(TABLES) / f"{name.removeprefix(MARK)}.parquet"


def tables(space: str) -> dict[str, str]:
    """Return the names of the shipped tables of a space, by their task."""
    files = sorted(folder(TABLES).glob(f"{space}-*.parquet"))
    return {file.stem.removeprefix(f"{space}-"): f"{MARK}{file.stem}" for file in files}

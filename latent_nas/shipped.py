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
    """Return the file of a table: "shipped:SPACE-TASK" is one that comes with the project, anything else is a path.

    Raises:
        ValueError: none of that name comes with it.
    """
    if not name.startswith(MARK):
        return Path(name)
    there = {file.stem: file for file in sorted(folder(TABLES).glob("*.parquet"))}
    if name.removeprefix(MARK) not in there:
        raise ValueError(f"no table {name!r} ships; there are: {', '.join(MARK + known for known in there)}")
    return there[name.removeprefix(MARK)]

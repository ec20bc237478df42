"""What a new search begins from: tables that the user names, else what ships of another task on its space."""

from collections.abc import Sequence

from latent_nas import plugins, shipped
from latent_nas.strategies.settings import configured
from latent_nas.target import Target
from latent_nas.tasks import open_task

NONE = "none"


def beginning(
    asked: Sequence[str] | None,
    related: bool,
    target: Target,
    strategy: str,
    settings: Sequence[str],
    asynchronous: bool,
) -> tuple[tuple[str, ...], bool]:
    """Return the tables that a search begins from, and whether their tasks are alike.

    Args:
        asked: tables, by their files or as ``shipped.table`` has them; ("none",) for none; None: what ships of other
            tasks with classes, as alike, where the search's task has classes and its strategy asks a judge.

    Raises:
        ValueError: a wrong name.
    """
    if asked is not None:
        return (() if tuple(asked) == (NONE,) else tuple(asked)), related
    if related or asynchronous or not configured(strategy, settings).judged:
        return (), related
    task, space = open_task(target.task), plugins.called("spaces", target.space)
    there = shipped.tables(space) if task.kind.has_classes else {}
    others = tuple(name for known, name in there.items() if known != task.name and open_task(known).kind.has_classes)
    return others, bool(others)

"""Data of your own that a run began with and that lies elsewhere by now."""

from pathlib import Path

from latent_nas.runs import own
from latent_nas.tasks._names import is_path


def check_there(task: str, data: str) -> None:
    """Raise ValueError where the data of a run that goes on is not at its place.

    Args:
        task: its name. data: its hash, "" of a task that ships.
    """
    place = task.partition("?")[0]
    if data and is_path(task) and not Path(place).exists():
        raise ValueError(
            f"the data that the run began with is not at {place} (sha256 {data[:12]}...); put it back, or say where"
            " it is with --task PATH beside --resume"
        )


def check_of(given: str | Path, task: str) -> None:
    """Raise ValueError where a network of a search wants its task's data, and they are not at their place.

    Args:
        given: the run folder, or what lies in it. task: the network's.
    """
    run, place = own.searched(Path(given)), task.partition("?")[0]
    if run and is_path(task) and not Path(place).exists():
        raise ValueError(
            f"the data that {run} searched with is not at {place}; put it back, or say where it is by now:"
            f" `latent-nas search --resume {run} --task PATH`"
        )

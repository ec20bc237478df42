"""Options of a search that goes on: what may change, and what would change what was trained already."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from typing import Any

from latent_nas import plugins, sealed, shipped
from latent_nas.accelerator import AUTO
from latent_nas.jobs.search.config import EARLIER, SearchConfig
from latent_nas.limits import Limits
from latent_nas.records import FULL, SEARCH, Record, versions, words
from latent_nas.runs.folder import RunFolder
from latent_nas.strategies import full_strategy
from latent_nas.study import CHANGED
from latent_nas.tasks import Task
from latent_nas.tasks._changes import alike, as_told, told
from latent_nas.tasks._names import full_name, is_path
from latent_nas.tasks.kinds import Kind

# These change no training that there is.
FREE = ("trainings", "wall_s", "top", "final_seeds", "finals", "prefix", "workers", "ray")
LIMITS = "limits"  # change what is worth training; what was trained stays what it is
TARGET = {name: name for name in ("space", "task", "device", "runtime", "accelerator", "qat", "weight_bits")}
TARGET |= {"child_epochs": "search_epochs", "recipe": "full_recipe"}
# Options that are called otherwise.
SHOWN = {"asynchronous": "async", "settings": "set", "limits": "limit", "fidelities": "fidelity"}
NAMES = ("space", "device", "runtime", "measure", "objective", "surrogate")  # of plugins


def going_on(saved: SearchConfig, asked: Mapping[str, Any]) -> tuple[SearchConfig, list[str]]:
    """Return the configuration with which a search goes on, and what is to be said of it in lines.

    Args:
        asked: options that the user has given, by the names of ``new_config``; no others.

    Raises:
        ValueError: one that would change what was trained, and is not what the run began with.
    """
    values, said = dict(asked), list[str]()
    if saved.ray not in ("", "local") and "ray" not in asked:
        said.append(f"trained on the Ray cluster at {saved.ray} before, now here; --ray {saved.ray} goes on there")
        values["ray"] = ""
    before = asdict(saved) | asdict(saved.target)
    for name, value in values.items():
        field = TARGET.get(name, name)
        value, old = _as_saved(name, value, saved), saved.limits if name == "limits" else before[field]
        if value == old or name == "ray":
            continue
        if name == "task" and is_path(value) and saved.data:
            said.append(f"the data is taken from {value}; it was at {old}")
        elif name == "warm_start" and _same_tables(value, saved):
            were = ", ".join(saved.warm_start)
            said.append(f"the tables of --warm-start are taken from {', '.join(value)}; they were at {were}")
        elif name == LIMITS:
            _check_limits(saved)
            said.append(f"limits: {old.text()} before, now {value.text()}; networks that exceed them are no candidates")
        elif name in FREE:
            said += [f"{SHOWN.get(name, name).replace('_', '-')}: {old} before, now {value}"] * (name != "workers")
        else:
            option = SHOWN.get(name, name).replace("_", "-")
            raise ValueError(
                f"--{option} can't change in a run that goes on, as its trainings depend on it: it began with"
                f" {_text(old)}, now {_text(value)}; leave it out, or begin another run with --out"
            )
    target = {TARGET[name]: _as_saved(name, value, saved) for name, value in values.items() if name in TARGET}
    free = {name: _as_saved(name, value, saved) for name, value in values.items() if name in (*FREE, LIMITS)}
    if "warm_start" in values:
        free["warm_start"] = _as_saved("warm_start", values["warm_start"], saved)
    return replace(saved, target=replace(saved.target, **target), **free), said


def _check_limits(saved: SearchConfig) -> None:
    """Raise ValueError where limits can't change: where a round is more than its trainings, or limits make values."""
    for on, option in ((saved.asynchronous, "async"), (saved.halving, "halving"), (saved.fidelities, "fidelity")):
        if on:
            raise ValueError(f"--limit can't change in a run with --{option}; begin another run with --out")
    if saved.objective != SearchConfig.objective:
        raise ValueError(
            f"--limit can't change in a run with --objective {saved.objective}, whose values may depend on limits;"
            " begin another run with --out"
        )


def _same_tables(files: Sequence[str], saved: SearchConfig) -> bool:
    """Return whether tables are those that a search began with, by their content."""
    return bool(saved.warm_sha256) and tuple(sealed.of_file(shipped.table(file)) for file in files) == saved.warm_sha256


def with_begun(settings: Sequence[str], saved: SearchConfig) -> tuple[str, ...]:
    """Return settings as given anew with the defaults of its time that ``as_begun`` has put into a configuration."""
    old = {f"{name}={before}" for name, before in EARLIER.items()}
    named = {text.partition("=")[0].strip() for text in settings}
    begun = [text for text in saved.settings if text.rpartition(".")[2] in old]
    return (*settings, *(text for text in begun if text.partition("=")[0] not in named))


def _as_saved(name: str, value: Any, saved: SearchConfig) -> Any:
    """Return an option's value as a configuration has it, with names in full; data is read as it was."""
    if name == "task":
        _, mark, options = saved.target.task.partition("?")
        return full_name(value if "?" in value or not is_path(value) else f"{value}{mark}{options}")
    if name == LIMITS:
        return saved.limits.changed(value)
    if name == "accelerator" and value == AUTO:
        return saved.target.accelerator
    if name == "strategy":
        return full_strategy(value)
    if name == "warm_start":
        return (value,) if isinstance(value, str) else tuple(map(str, value))
    if name == "settings":
        return with_begun(value, saved)
    return plugins.located(value) if name in NAMES else value


def _text(value: Any) -> str:
    return value.text() if isinstance(value, Limits) else repr(value)


def other_versions(records: Sequence[Record]) -> list[str]:
    """Return a line that names what a run's last training was done by in another version than there is now."""
    before, now = next((r.versions for r in reversed(records) if r.versions), {}), versions()
    apart = [f"{name} {old}, now {now.get(name, 'none')}" for name, old in before.items() if old != now.get(name)]
    return [f"trained by {'; '.join(apart)}: it need not end as it would have by those"] * bool(apart)


def check_judged(folder: RunFolder, kind: Kind) -> None:
    """Raise ValueError where a run has networks that another metric of the task's kind was decisive for.

    Which one is follows from the data by rules that a later version may have changed, and two can't be ranked together.
    """
    with closing(folder.store()) as store:
        judged_by = {r.objective.removeprefix("int8_") for r in store.records() if r.ok}
    for name in sorted(judged_by & {metric.name for metric in kind.metrics} - {kind.metric.name}):
        raise ValueError(
            f"the networks of {folder.path} were compared by {words(name)}, and are by {words(kind.metric.name)} now;"
            " it can be read and deployed, but not go on: begin another run with --out"
        )


def by_kept(config: SearchConfig, task: Task) -> tuple[SearchConfig, list[str]]:
    """Return the configuration of a run with the recipes that it keeps where its task's have changed, and lines of it.

    What this version can't read stays the task's own, as does all of a run with ``halving``, whose short trainings have
    a recipe that no run keeps: ``check_recipe`` then refuses.
    """
    own = replace(config.target, kept_search=(), kept_full=())
    today = told(own.recipe(task, SEARCH)), told(task.recipe(FULL))
    pairs = tuple(zip((config.search_recipe, config.final_recipe), today, strict=True))
    kept = [() if config.halving or alike(a, b) or not _readable(a) else a for a, b in pairs]
    said = [
        f"{what} go on by the recipe that the run keeps, {_apart(*pair)[0]}; the task's is another by now,"
        f" {_apart(*pair)[1]}"
        for what, texts, pair in zip(("trainings", "final trainings"), kept, pairs, strict=True)
        if texts
    ]
    return replace(config, target=replace(own, kept_search=kept[0], kept_full=kept[1])), said


def check_recipe(folder: RunFolder, config: SearchConfig, task: Task) -> None:
    """Raise ValueError where a run's trainings followed another recipe than those to come would: a task's may change.

    Of runs that kept none ``tasks._changes.alike`` says which of today's they can't have followed. Where all are done
    none is to come.
    """
    with closing(folder.store()) as store:
        done = sum(record.fidelity == SEARCH and not record.lost for record in store.records())
    if done in (0, config.trainings):
        return
    before, now = config.search_recipe, told(config.target.recipe(task, SEARCH))
    if not alike(before, now):
        left, new = _apart(before, now)
        raise ValueError(
            f"the networks of {folder.path} learnt by {left}, and would by {new} now, which can't be ranked together;"
            " it can be read and deployed, but not go on: begin another run with --out"
        )


def _readable(texts: Sequence[str]) -> bool:
    """Return whether a recipe was kept, and is one of this version."""
    try:
        return bool(texts and as_told(texts))
    except ValueError:
        return False


def _apart(before: Sequence[str], now: Sequence[str]) -> tuple[str, str]:
    """Return what each of two recipes has that the other has not, as text."""
    left, new = (", ".join(sorted(set(a) - set(b))) for a, b in ((before, now), (now, before)))
    return left or ("its defaults" if before else "another recipe, which it did not keep"), new or "its defaults"


def mendable(file: plugins.OwnFile, saved: Mapping[str, Any]) -> plugins.OwnFile | None:
    """Return the changed file of a run's strategy if its strategy can begin anew with it, else None.

    It can't where another part is in that file too, or where a round is more than its trainings.
    """
    names = [*saved.get("target", {}).values(), *saved.get("plugins", ()), *(saved.get(name) for name in NAMES)]
    others = [str(name) for name in names if str(name).startswith(file.path)]
    more = any(saved.get(name) for name in ("asynchronous", "halving", "fidelities"))
    return None if others or more else file


def note_anew(folder: RunFolder, limits: Limits) -> None:
    """Keep in a run whose limits or strategy change the limits in force from now on: ``Study`` then begins it anew."""
    with closing(folder.store()) as store:
        store.write_note(CHANGED, {"limits": limits.to_json(), "rounds": None})

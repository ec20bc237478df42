"""What the names of tasks say: NAME, NAME:SOURCE, FILE.py, or the path of data of your own with its options."""

from pathlib import Path

from latent_nas import plugins


def is_path(name: str) -> bool:
    """Return whether a task's name is meant as data's path: it has a slash, a question mark or a suffix, or is there.

    A file that ends in .py is a task, not data.
    """
    plugin = plugins.split(name)[0]
    if not name or plugin.partition("#")[0].endswith(".py") or plugin in plugins.names("tasks"):
        return False
    return bool({"/", "\\", "?"} & set(name)) or bool(Path(name).suffix) or Path(name).exists()


def title(name: str) -> str:
    """Return what people call a task: "digits", "char_lm (mine)", and of a path its last part: "photos"."""
    plugin, source = plugins.split(name)
    file, _, attribute = plugin.partition("#")
    if file.endswith(".py"):
        return attribute or Path(file).stem
    if is_path(name):
        path = Path(name.partition("?")[0])
        return path.stem or str(path)
    plugin = plugin.partition("@")[0]
    return f"{plugin} ({Path(source.partition('?')[0]).stem})" if is_path(source) else name if source else plugin


def twofold(name: str) -> list[str]:
    """Return a line where a task that ships is called as a file or folder that is there as well, else nothing."""
    if is_path(name) or name not in plugins.names("tasks") or not Path(name).exists():
        return []
    return [f"{name} is the task that comes with latent_nas; the data of that name here are ./{name}"]


def fronts_of(name: str) -> dict[str, str]:
    """Return the names of a task with each front end to try, by what it is called; nothing where one is decided."""
    if not is_path(name):
        return {}
    from latent_nas.tasks._own import fronts
    from latent_nas.tasks._source import Source

    return fronts(Source.parse(name))


def full_name(name: str) -> str:
    """Return a task's name as it is, and the path of your own task or data from the root."""
    if not is_path(name):
        return plugins.located(name)
    from latent_nas.tasks._source import Source

    return str(Source.parse(name))


def with_options(name: str, **options: object) -> str:
    """Return the name of your own data with further options; None and False are not given, 0 is.

    Raises:
        ValueError: options for a task that has none, or values that they can't have.
    """
    asked = {k: int(v) if isinstance(v, bool) else v for k, v in options.items() if v is not None and v is not False}
    given = "&".join(f"{k}={v}" for k, v in asked.items())
    if not given:
        return name
    if not name:
        raise ValueError(f"{', '.join(asked)} is for your own data; say which with --task PATH")
    if not is_path(name):
        raise ValueError(f"{', '.join(asked)} is for your own data; {name!r} has its own")
    return full_name(f"{name}{'&' if '?' in name else '?'}{given}")

"""Pages made when the site is built: every command from its own help, Python's objects from their docstrings."""

import inspect
import re
from pathlib import Path
from typing import Any

import typer
from mkdocs.structure.files import File, Files

import latent_nas
from latent_nas.cli import app

ROOT = Path(__file__).parent.parent
SECTIONS = ("Args", "Attributes", "Raises")


def on_files(files: Files, config: Any) -> Files:
    """Add the generated pages."""
    files.append(File.generated(config, "commands.md", content=commands()))
    files.append(File.generated(config, "reference.md", content=reference()))
    files.append(File.generated(config, "extending.md", content=extending()))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Return a page whose link to CONTRIBUTING.md, which lies outside of the site, leads to its page here."""
    return markdown.replace("](../CONTRIBUTING.md)", "](extending.md)")


def commands() -> str:
    """Return a page with every command's help by group, as the command line groups them: its words, its options."""
    top: Any = typer.main.get_command(app)
    parts = ["# Commands\n\nMade from the command line's own help; `latent-nas COMMAND --help` says the same.\n"]
    panels: dict[str, list[str]] = {}
    for name, command in top.commands.items():
        below = sorted(getattr(command, "commands", {}).items())
        pages = [_command(f"{name} {inner}", one) for inner, one in below] or [_command(name, command)]
        panels.setdefault(command.rich_help_panel, []).extend(pages)
    for panel, pages in panels.items():
        parts += [f"## {panel}\n", *pages]
    return "\n".join(parts)


def _command(name: str, command: Any) -> str:
    text, *examples = (command.help or "").split("Example:")
    lines = [f"### {name}\n", text.strip(), ""]
    if examples:
        lines += ["```sh", *(" ".join(example.split()) for example in examples), "```", ""]
    panels: dict[str, list[str]] = {}
    for parameter in command.params:
        if parameter.name != "help":
            panels.setdefault(getattr(parameter, "rich_help_panel", None) or "", []).append(_row(parameter))
    for panel, rows in sorted(panels.items(), key=lambda item: bool(item[0])):  # those without one come first
        lines += [f"**{panel}**\n"] * bool(panel) + ["| option | what | default |", "|---|---|---|", *rows, ""]
    return "\n".join(lines)


def _row(parameter: Any) -> str:
    options = [f"`{option}`" for option in parameter.opts] or [f"`{parameter.name.upper()}`"]
    if parameter.param_type_name == "argument":
        options = [f"`{parameter.name.upper()}`"]
    default = parameter.default
    flag = getattr(parameter, "is_flag", False)
    shown = "required" if parameter.required else "" if flag or default in (None, ()) else f"`{default}`"
    told = " ".join((getattr(parameter, "help", "") or "").split()).replace("|", "\\|")
    return f"| {', '.join(options)} | {told} | {shown} |"


def extending() -> str:
    """Return CONTRIBUTING.md as a page."""
    return (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").replace("# Contributing", "# Add your own", 1)


def reference() -> str:
    """Return a page with what ``import latent_nas`` offers, from signatures and docstrings."""
    parts = ["# Python reference\n\nMade from the docstrings, which `help()` and notebooks show as well.\n"]
    for name in latent_nas.__all__:
        found = getattr(latent_nas, name)
        if callable(found):
            parts.append(_documented(f"## {name}", f"latent_nas.{name}", found))
        if inspect.isclass(found):
            parts += [
                _documented(f"### {name}.{inner}", f"{name.lower()}.{inner}", member)
                for inner, member in vars(found).items()
                if not inner.startswith("_") and inspect.getdoc(member) and _told(member)
            ]
    return "\n".join(parts)


def _told(member: Any) -> bool:
    """Return whether a class's member is a method or a property, not the default of a field."""
    return isinstance(member, (property, staticmethod, classmethod)) or inspect.isfunction(member)


def _documented(title: str, name: str, found: Any) -> str:
    """Return an object's signature and docstring as Markdown."""
    inner = getattr(found, "__func__", None) or getattr(found, "func", found)
    call = name if isinstance(found, property) else f"{name}{_signature(inner)}"
    text, *rest = re.split(rf"^({'|'.join(SECTIONS)}):$", inspect.getdoc(found) or "", flags=re.MULTILINE)
    lines = [f"{title}\n", "```python", call, "```\n", _plain(text)]
    for section, body in zip(rest[::2], rest[1::2], strict=True):
        inside, _, after = inspect.cleandoc(body).partition("\n\n")
        items = re.split(r"\n(?=\S)", inside)
        lines += [f"\n**{section}**\n", *(f"- {_item(item)}" for item in items), "", _plain(after)]
    return "\n".join([*lines, ""])


def _signature(found: Any) -> str:
    """Return a signature on a line for each parameter, with names of types in short."""
    text = inspect.signature(found)
    bound = [p for p in text.parameters.values() if p.name != "self" and not p.name.startswith("_")]
    shown = [re.sub(r"(?:\w+\.)+(?=\w)", "", str(parameter)) for parameter in bound]
    short = f"({', '.join(shown)})"
    return short if len(short) <= 80 else "(\n    " + ",\n    ".join(shown) + ",\n)"


def _item(text: str) -> str:
    """Return what a docstring says of one or several names, which stand before a colon."""
    names, colon, told = " ".join(_plain(text).split()).partition(":")
    return ", ".join(f"`{name.strip()}`" for name in names.split(",")) + colon + told


def _plain(text: str) -> str:
    """Return a docstring's text with its code as Markdown writes it."""
    return text.strip().replace("``", "`")

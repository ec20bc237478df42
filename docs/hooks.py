"""Pages made when the site is built: every command from its own help, how to extend from CONTRIBUTING.md."""

from pathlib import Path
from typing import Any

import typer
from mkdocs.structure.files import File, Files

from latent_nas.cli import app

ROOT = Path(__file__).parent.parent


def on_files(files: Files, config: Any) -> Files:
    """Add the generated pages."""
    files.append(File.generated(config, "commands.md", content=commands()))
    files.append(File.generated(config, "extending.md", content=extending()))
    return files


def commands() -> str:
    """Return a page with every command's help: its words, its example, its options."""
    top: Any = typer.main.get_command(app)
    parts = ["# Commands\n\nMade from the command line's own help; `latent-nas COMMAND --help` says the same.\n"]
    for name, command in sorted(top.commands.items()):
        below = sorted(getattr(command, "commands", {}).items())
        parts += [_command(f"{name} {inner}", one) for inner, one in below] or [_command(name, command)]
    return "\n".join(parts)


def _command(name: str, command: Any) -> str:
    text, _, example = (command.help or "").partition("Example:")
    lines = [f"## {name}\n", text.strip(), ""]
    if example:
        lines += ["```sh", " ".join(example.split()), "```", ""]
    rows = [_row(parameter) for parameter in command.params if parameter.name != "help"]
    if rows:
        lines += ["| option | what | default |", "|---|---|---|", *rows, ""]
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

"""The site builds without a warning, and every command in README and docs is one that the command line understands."""

import ast
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from latent_nas import plugins
from latent_nas.cli import app
from latent_nas.operators.formula import FUNCTIONS

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
SCRIPTS = re.compile(r"(?:\S*python \S+\.py|\S*latent-nas) ")


def shown():
    """Every line of a shell block or an inline quote that calls the command line or one of the scripts."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                if "latent-nas " in line:
                    yield pytest.param(line.partition("#")[0].strip(), id=f"{page.stem}: {line.strip()[:60]}")
        for line in re.findall(r"`(latent-nas [a-z][^`\n]*)`", text):
            yield pytest.param(line, id=f"{page.stem}: {line[:60]}")


@pytest.mark.parametrize("line", list(shown()))
def test_the_command_line_understands_what_the_pages_show(line):
    words = shlex.split(line[line.index("latent-nas ") :])[1:]
    command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        assert words[0] in command.commands, f"no command {words[0]!r}"
        command, words = command.commands[words[0]], words[1:]
    if words in ([], ["--help"]):
        return  # a page speaks of the command, not of a call
    options = {option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]}
    flags = {o for p in command.params if getattr(p, "is_flag", False) for o in p.opts}
    named = [word for word in words if word.startswith("--")]
    assert set(named) <= options | {"--help"}
    values = sum(word not in flags for word in named)
    places = len([word for word in words if not word.startswith("--")]) - values
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    assert 0 <= places <= len(arguments), f"{places} arguments, wanted {len(arguments)}"


def test_the_site_builds_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1800, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    commands = (tmp_path / "site" / "commands.html").read_text(encoding="utf-8")
    for name in ("search", "report", "codec train", "cost"):
        assert f">{name}<a" in commands
    assert "--final-seeds" in commands
    assert "Example:" not in commands  # each is a line of its own among the command's
    reference = (tmp_path / "site" / "reference.html").read_text(encoding="utf-8")
    for name in ("Study.run", "Network.deploy", "query"):
        assert f">{name}<a" in reference
    for page in (tmp_path / "site").glob("*.html"):
        assert not re.findall(r"<(?:script|img|link)[^>]+(?:src|href)=\"https?://", page.read_text(encoding="utf-8"))


def test_every_link_of_a_page_leads_to_a_file_of_the_repository():
    """People read the pages where they lie as well, where what the site generates is not."""
    broken = []
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" not in link and not (page.parent / link).exists():
                broken.append(f"{page.name}: {link}")
    assert not broken


def test_no_field_is_described_among_the_errors():
    """A docstring's section ends where the next begins, so fields below ``Raises:`` are read as errors."""
    misplaced = []
    for file in sorted((ROOT / "latent_nas").rglob("*.py")):
        for kind in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(kind, ast.ClassDef):
                errors = (ast.get_docstring(kind) or "").partition("\nRaises:\n")[2].partition("\n\n")[0]
                fields = {
                    n.target.id for n in kind.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)
                }
                misplaced += [f"{file.name}: {kind.name}.{f}" for f in fields if re.search(rf"\b{f}: ", errors)]
    assert not misplaced


def test_every_operator_and_function_is_on_its_page():
    page = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    assert [name for name in plugins.names("operators") if f"`{name}`" not in page] == []
    assert [name for name in FUNCTIONS if not re.search(rf"\b{name}\b", page)] == []


def test_every_strategy_and_task_is_on_its_page_and_the_former_counted_in_the_readme():
    page, readme = ((ROOT / name).read_text(encoding="utf-8") for name in ("docs/search.md", "README.md"))
    assert [name for kind in ("strategies", "tasks") for name in plugins.names(kind) if f"`{name}`" not in page] == []
    assert f"| strategies at equal budget | {len(plugins.names('strategies'))}, on any table" in readme


def test_every_extra_is_on_the_page_of_questions():
    page = (ROOT / "docs" / "faq.md").read_text(encoding="utf-8")
    extras = (ROOT / "setup.py").read_text(encoding="utf-8").partition("extras_require={")[2]
    extras = re.findall(r'^        "(\w+)": ', extras, re.MULTILINE)
    assert len(extras) > 5
    assert [extra for extra in extras if not re.search(rf"^\| .*`{extra}`.* \|", page, re.MULTILINE)] == []

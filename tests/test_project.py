"""What the project's own files promise one another: installation, Makefile, README, scripts, the command."""

import re
import runpy
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import setuptools
from checkout import ROOT, files
from packaging.requirements import Requirement

import latent_nas

SCRIPTS = sorted((ROOT / "scripts").glob("*.py"))
HEAVY = {
    "numpy",
    "torch",
    "numba",
    "xgboost",
    "sklearn",
    "scipy",
    "pandas",
    "pyarrow",
    "stable_baselines3",
    "gymnasium",
}


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Return the finished process."""
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def imported(*command: str) -> set[str]:
    """Return the top-level modules that a Python imports."""
    done = run([sys.executable, "-X", "importtime", *command])
    assert done.returncode == 0, done.stderr
    return set(re.findall(r"\| +(\w+)(?:\.[\w.]+)?$", done.stderr, flags=re.MULTILINE))


@pytest.fixture
def arguments(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what setup.py passes to setup(); installed metadata may be older than the file."""
    passed: dict[str, Any] = {}
    monkeypatch.setattr(setuptools, "setup", passed.update)
    runpy.run_path(str(ROOT / "setup.py"))
    return passed


class TestInstallation:
    def test_the_version_is_that_of_the_package(self, arguments: dict[str, Any]):
        assert arguments["version"] == latent_nas.__version__

    def test_the_command_is_there(self, arguments: dict[str, Any]):
        (command,) = arguments["entry_points"]["console_scripts"]
        assert callable(EntryPoint("latent-nas", command.split(" = ")[1], "console_scripts").load())

    @pytest.mark.parametrize("system", ["linux", "win32", "darwin"])
    @pytest.mark.parametrize("machine", ["x86_64", "AMD64", "aarch64", "arm64", "ARM64", "ppc64le"])
    def test_every_machine_gets_one_xgboost(self, arguments: dict[str, Any], system: str, machine: str):
        here = {"sys_platform": system, "platform_machine": machine}
        wanted = [Requirement(text) for text in arguments["install_requires"] if "xgboost" in text]
        names = [r.name for r in wanted if r.marker and r.marker.evaluate(here)]
        has_wheel = {"linux": ["x86_64", "aarch64"], "win32": ["AMD64", "ARM64"], "darwin": []}[system]
        assert names == ["xgboost-cpu" if machine in has_wheel else "xgboost"]

    @pytest.mark.parametrize("python", ["3.10", "3.11", "3.13"])
    def test_all_that_is_needed_is_pinned(self, arguments: dict[str, Any], python: str):
        lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
        held = [r for r in pins if r.marker is None or r.marker.evaluate({"python_version": python})]
        for text in arguments["install_requires"] + arguments["extras_require"]["test"]:
            needed = Requirement(text)
            versions = [next(iter(r.specifier)) for r in held if r.name == needed.name]
            assert [v.operator for v in versions] == ["=="], f"{needed.name} wants one pin on {python}"
            assert needed.specifier.contains(versions[0].version)

    def test_every_plugin_file_is_inside_a_package(self):
        # without __init__.py a folder works in a checkout, but setup.py does not install it
        plugins = [path for path in (ROOT / "latent_nas").rglob("*") if path.suffix in {".py", ".toml"}]
        assert {path.parent.name for path in plugins if not (path.parent / "__init__.py").exists()} == set()


class TestCommands:
    def test_the_scripts_are_there(self):
        expected = {"build_dataset", "train_vqvae", "train_surrogate", "train_agent", "query_surrogate"}
        assert {script.stem for script in SCRIPTS} >= expected | {"validate_top", "search"}

    @pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
    def test_a_script_explains_itself(self, script: Path):
        done = run([sys.executable, str(script), "--help"])
        assert done.returncode == 0, done.stderr
        assert "usage" in done.stdout.lower()

    def test_importing_the_package_imports_nothing_but_the_standard_library(self):
        names = imported("-c", "import latent_nas")
        assert "latent_nas" in names
        assert names - set(sys.stdlib_module_names) - imported("-c", "") <= {"latent_nas"}

    @pytest.mark.parametrize("command", [["--help"], ["--version"], ["search", "--help"]])
    def test_help_imports_nothing_heavy(self, command: list[str]):
        names = imported("-m", "latent_nas", *command)
        assert {"latent_nas", "typer"} <= names
        assert not names & HEAVY

    @pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
    def test_pages_name_real_make_targets(self, page: str):
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        targets = re.findall(r"^([a-z]+):", makefile, flags=re.MULTILINE)
        text = (ROOT / page).read_text(encoding="utf-8")
        named = re.findall(r"(?:^|`)make ([a-z]+)(?=`|$| +#| ARGS)", text, flags=re.MULTILINE)
        assert named
        assert set(named) <= set(targets)

    def test_what_types_are_spared_elsewhere_the_package_keeps(self):
        text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        settings, _, package = text.partition('module = "latent_nas.*"\n')
        (spared,) = re.findall(r"^disable_error_code = (\[.*\])$", settings, flags=re.MULTILINE)
        strictly = package.partition("[[")[0].split("\n")
        assert {
            f"enable_error_code = {spared}",
            "disallow_untyped_defs = true",
            "disallow_incomplete_defs = true",
        } <= set(strictly)

    def test_the_readme_names_the_two_commands(self):
        text = (ROOT / "README.md").read_text(encoding="utf-8")
        assert "make search" in text
        assert "make test" in text


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("a path of one machine", rb"(?<![\w.])/(?:work|tmp|root)" + rb"/"),
        (
            "a registry's host",
            rb"pypi" + rb"\.org|files\.python" + rb"hosted|registry\." + rb"npmjs|deb\." + rb"debian",
        ),
    ],
)
def test_no_file_names(what: str, pattern: bytes):
    found = [path.relative_to(ROOT).as_posix() for path in files() if re.search(pattern, path.read_bytes())]
    assert not found, f"{what} stands in {found}"

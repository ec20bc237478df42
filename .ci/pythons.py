"""Run the tests on the oldest and the newest Python of this machine, beside the one that runs everything.

A Python gets the whole suite where a CPU build of torch can be had for it. On Linux for x86 the registry's builds bring
several gigabytes of CUDA, so there torch is taken only from wheels that pip is told to find elsewhere; without it,
every test runs that does not ask for torch (.ci/without_torch.py), and a line says what was left out.
"""

import os
import platform
import re
import runpy
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import setuptools

ROOT = Path(__file__).parent.parent
OLDEST = 10  # of Python 3
NEED_TORCH = ("torch", "stable-baselines3", "ray")  # what is done on Ray is training
PLACES = ("/usr/bin", "/usr/local/bin", "~/.local/bin", "~/.pyenv/versions/*/bin", "~/.local/share/uv/python/*/bin")


def found() -> dict[int, Path]:
    """Return an interpreter per minor version of Python 3."""
    pythons: dict[int, Path] = {}
    for place in (*os.environ["PATH"].split(os.pathsep), *PLACES):
        pattern = Path(place).expanduser().as_posix().lstrip("/")
        for path in sorted(Path("/").glob(f"{pattern}/python3.*")) if pattern else []:
            named = re.fullmatch(r"python3\.(\d+)", path.name)
            if named and int(named[1]) >= OLDEST and int(named[1]) not in pythons and whole(path):
                pythons[int(named[1])] = path
    return pythons


def whole(python: Path) -> bool:
    """Return whether an interpreter can make environments and has all of the standard library that is used."""
    wanted = [python, "-c", "import ensurepip, lzma, sqlite3, ssl, venv"]
    return not subprocess.run(wanted, capture_output=True).returncode


def requirements() -> list[str]:
    """Return what setup.py wants for the tests."""
    passed: dict[str, Any] = {}
    setuptools.setup = passed.update
    runpy.run_path(str(ROOT / "setup.py"))
    return [*passed["install_requires"], *passed["extras_require"]["test"]]


def install(python: Path, place: Path, wanted: list[str]) -> bool:
    """Make an environment with what is wanted in a folder; return whether torch is in it."""
    subprocess.run([python, "-m", "venv", "--clear", place], check=True)
    pip = [place / "bin/python", "-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt"]
    (torch,) = (line for line in wanted if line.startswith("torch>"))
    bulky = (sys.platform, platform.machine()) == ("linux", "x86_64")
    has_torch = not subprocess.run(
        [*pip, "--no-deps", *(["--no-index"] if bulky else []), torch], capture_output=True
    ).returncode
    rest = [line for line in wanted if has_torch or not line.startswith(NEED_TORCH)]
    done = subprocess.run([*pip, *rest], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"pip can't install what the tests need for {python}: {done.stderr.strip()[-500:]}")
    return has_torch


def test(minor: int, python: Path, wanted: list[str]) -> tuple[str, bool]:
    """Return what the tests printed on one Python, and whether they passed."""
    place = ROOT / "build" / f"python3.{minor}"
    has_torch = install(python, place, wanted)
    how = "the whole suite" if has_torch else "all that needs no torch, of which there is no CPU build to be had"
    plugin = [] if has_torch else ["-p", "without_torch"]
    command = [place / "bin/python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, *sys.argv[1:]]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / ".ci")])}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines(keepends=True)
    return f"Python 3.{minor}: {how}\n{''.join(lines if done.returncode else lines[-2:])}", done.returncode == 0


def main() -> None:
    """Test on both side by side, and fail if one does."""
    here, pythons, wanted = sys.version_info.minor, found(), requirements()
    others = sorted({min(pythons, default=here), max(pythons, default=here)} - {here})
    print(f"Pythons of this machine: {', '.join(f'3.{minor}' for minor in sorted(pythons))}", flush=True)
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda minor: test(minor, pythons[minor], wanted), others))
    print("\n".join(text for text, _ in results))
    sys.exit(not all(passed for _, passed in results))


if __name__ == "__main__":
    main()

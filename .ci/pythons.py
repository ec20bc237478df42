"""Run the tests on the oldest and the newest Python of this machine, beside the one that CI runs everything on.

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
from pathlib import Path
from typing import Any

import setuptools

ROOT = Path(__file__).parent.parent
OLDEST = (3, 10)
NEED_TORCH = ("torch", "stable-baselines3", "ray")  # ray is here for its size: all that is done on it is training
PLACES = ("/usr/bin", "/usr/local/bin", "~/.local/bin", "~/.pyenv/versions/*/bin", "~/.local/share/uv/python/*/bin")


def found() -> dict[tuple[int, int], Path]:
    """Return an interpreter per version of Python from 3.10 on."""
    pythons: dict[tuple[int, int], Path] = {}
    for place in (*PLACES, *os.environ["PATH"].split(os.pathsep)):
        folder = Path(place).expanduser()
        for path in sorted(Path(folder.anchor or ".").glob(str(folder.relative_to(folder.anchor)) + "/python3.*")):
            named = re.fullmatch(r"python3\.(\d+)", path.name)
            if named and (3, int(named[1])) >= OLDEST and _runs(path):
                pythons.setdefault((3, int(named[1])), path)
    return pythons


def _runs(python: Path) -> bool:
    """Return whether an interpreter is whole: it can make environments and has what the store needs."""
    return not subprocess.run([python, "-c", "import ensurepip, sqlite3, ssl, venv"], capture_output=True).returncode


def requirements() -> list[str]:
    """Return what setup.py wants for the tests."""
    passed: dict[str, Any] = {}
    setuptools.setup = passed.update
    runpy.run_path(str(ROOT / "setup.py"))
    return [*passed["install_requires"], *passed["extras_require"]["test"]]


def installed(python: Path, place: Path) -> bool:
    """Make an environment for the tests in a folder; return whether torch is in it."""
    subprocess.run([python, "-m", "venv", "--clear", place], check=True)
    pip = [place / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip += ["--constraint", ROOT / "constraints.txt"]
    (torch,) = (line for line in requirements() if line.startswith("torch>"))
    bulky = (sys.platform, platform.machine()) == ("linux", "x86_64")
    elsewhere = [*pip, "--no-deps", *(["--no-index"] if bulky else []), torch]
    whole = not subprocess.run(elsewhere, capture_output=True).returncode
    names = [line for line in requirements() if whole or not line.startswith(NEED_TORCH)]
    subprocess.run([*pip, *names], check=True, stderr=subprocess.DEVNULL)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--editable", ROOT], check=True)
    return whole


def start(version: tuple[int, int], python: Path, log: Path) -> subprocess.Popen[bytes]:
    """Return the running tests on one Python, told what they leave out."""
    name = f"Python {version[0]}.{version[1]}"
    place = ROOT / "build" / f"python{version[0]}.{version[1]}"
    whole = installed(python, place)
    print(f"{name}: {'the whole suite' if whole else 'all that needs no torch, of which no CPU build is to be had'}")
    options = [] if whole else ["-p", "without_torch"]
    command = [place / "bin/python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, *sys.argv[1:]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / ".ci"), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log.open("wb"), stderr=subprocess.STDOUT)


def main() -> None:
    """Run both, one process each, and fail if one does."""
    here, pythons = sys.version_info[:2], found()
    others = sorted({min(pythons, default=here), max(pythons, default=here)} - {here})
    print(
        f"Pythons here: {', '.join(f'{a}.{b}' for a, b in sorted({*pythons, here}))}; beside the whole suite on"
        f" {here[0]}.{here[1]}: {', '.join(f'{a}.{b}' for a, b in others) or 'none'}",
        flush=True,
    )
    (ROOT / "build").mkdir(exist_ok=True)
    logs = {version: ROOT / "build" / f"python{version[0]}.{version[1]}.log" for version in others}
    running = {version: start(version, pythons[version], log) for version, log in logs.items()}
    failed = [version for version, tests in running.items() if tests.wait()]
    for version, log in logs.items():
        print(f"--- Python {version[0]}.{version[1]}")
        print(log.read_text() if version in failed else "".join(log.read_text().splitlines(keepends=True)[-3:]))
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()

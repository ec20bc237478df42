"""The checkout that the tests are in, and which of its files belong to the project."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def files() -> list[Path]:
    """Return the project's files, tracked or about to be."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout: what belongs to the project is unknown")
    return [path for path in map(ROOT.joinpath, listed.stdout.splitlines()) if path.is_file()]

"""A disk that fills up at any write of a run: one line, and the same in the end once there is room.

The disk is a library that is preloaded (``full_disk.c``), so it takes no privileges. Whole commands on small file
systems are ``benchmarks/full_disk.py``.
"""

import ctypes
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from test_survives import state, work

from latent_nas.cli import refused

SOURCE = Path(__file__).with_suffix("").with_name("full_disk.c")
MOST = 1000  # changes, far more than there are


def refused_after(changes: int, disk: ctypes.CDLL, place: Path) -> tuple[str, int]:
    """Work in a child whose disk takes so many changes; return what it says of it, and how many it asked for."""
    ear, mouth = os.pipe()
    child = os.fork()
    if not child:
        line = ""
        disk.disk_of(str(place).encode(), ctypes.c_long(changes))
        try:
            work(place)
        except (ValueError, OSError) as error:
            line = refused.line(error) if isinstance(error, OSError) else str(error)  # as the command line says it
        except BaseException:  # noqa: BLE001 - what is looked for
            line = f"TRACEBACK {traceback.format_exc()}"
        os.write(mouth, json.dumps([line, disk.disk_changes()]).encode())
        os._exit(0)
    os.close(mouth)
    os.waitpid(child, 0)
    with open(ear, "rb") as file:
        line, asked = json.loads(file.read())
    return line, asked


def fill(place: Path, disk: ctypes.CDLL) -> tuple[int, set[str]]:
    """Fill the disk up at every change of a run in turn; return how many there are, and what was said."""
    work(place / "undisturbed")
    wanted, said = state(place / "undisturbed"), set[str]()
    for k in range(MOST):
        line, asked = refused_after(k, disk, place / str(k))
        assert "TRACEBACK" not in line, f"full after {k} changes: {line}"
        assert "\n" not in line
        work(place / str(k))
        assert state(place / str(k)) == wanted, f"full after {k} changes"
        said.add(line.partition(": ")[2])
        if asked <= k:
            return k, said
    raise AssertionError("a run has no end")


@pytest.mark.skipif(sys.platform != "linux", reason="a library is preloaded as on Linux")
def test_a_disk_that_is_full_at_any_write_is_a_line_and_the_run_goes_on_with_room(tmp_path):
    pytest.importorskip("ziglang", reason="compiles the library that is the full disk")
    library = tmp_path / "full_disk.so"
    command = [sys.executable, "-m", "ziglang", "cc", "-O1", "-shared", "-fPIC", str(SOURCE), "-o", str(library)]
    subprocess.run(command, check=True)
    (tmp_path / "runs").mkdir()
    here = Path(__file__).parent
    code = f"import sys; sys.path.insert(0, {str(here)!r}); import test_full_disk as t; t.preloaded(sys.argv[1:])"
    paths = os.pathsep.join([str(here.parent), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "LD_PRELOAD": str(library), "PYTHONPATH": paths}
    command = [sys.executable, "-c", code, str(library), str(tmp_path / "runs")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    changes, said = json.loads(done.stdout)
    assert changes > 60
    assert any("No space left" in line for line in said)
    assert any("full; free some room" in line for line in said)


def preloaded(arguments: list[str]) -> None:
    """Print as JSON what ``fill`` returns, in the process into which the library was loaded."""
    library, place = arguments
    changes, said = fill(Path(place), ctypes.CDLL(library))
    print(json.dumps([changes, sorted(said)]))

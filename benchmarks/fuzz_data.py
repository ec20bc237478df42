"""How readers bear data made at random: ``python benchmarks/fuzz_data.py --count 10000 --seed 1000``.

Every input becomes a task that keeps its contract, or a ValueError of one line; anything else is listed with its seed.
"""

import argparse
import collections
import json
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import random_data

from latent_nas.contracts.tasks import parts_have_the_stated_input
from latent_nas.tasks import _own, open_task

HANGS_S = 60  # an input that takes so long is listed


def outcome(root, seed):
    """Return "taken", "one line", or what else became of an input."""
    name = random_data.made(root, seed)
    signal.alarm(HANGS_S)
    try:
        task = open_task(name)
        parts_have_the_stated_input(task)
    except ValueError as error:
        return "one line" if "\n" not in str(error) else f"{str(error).count(chr(10)) + 1} lines"
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
    finally:
        signal.alarm(0)
    return "taken"


def hangs(*_):
    raise TimeoutError("hangs")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1000)
    options = parser.parse_args()
    warnings.simplefilter("error")
    signal.signal(signal.SIGALRM, hangs)
    started, counts = time.monotonic(), collections.Counter[str]()
    odd: dict[int, str] = {}
    for seed in range(options.seed, options.seed + options.count):
        root = Path(tempfile.mkdtemp())
        found = outcome(root, seed)
        shutil.rmtree(root)
        _own._loaded.cache_clear()
        counts[found if found in ("taken", "one line") else "wrong"] += 1
        if found not in ("taken", "one line"):
            odd[seed] = found
            print(seed, found, file=sys.stderr, flush=True)
    print(json.dumps({**counts, "wall_s": round(time.monotonic() - started), "wrong_by_seed": odd}, indent=1))

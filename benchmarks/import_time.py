"""How long the package takes to import and the command line to explain itself, each in processes of its own.

Prints JSON: the median in seconds of ``import latent_nas``, of ``latent-nas --help``, and of a Python that does
nothing, which both contain. The three take turns, so that a busy machine slows all alike.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python": ["-c", ""],
    "import latent_nas": ["-c", "import latent_nas"],
    "latent-nas --help": ["-m", "latent_nas", "--help"],
}


def seconds(command: list[str]) -> float:
    """Return how long a command takes, Python's own start included."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    repeats = parser.parse_args().repeats
    for command in COMMANDS.values():  # files are read from the disk once
        seconds(command)
    taken = [{name: seconds(command) for name, command in COMMANDS.items()} for _ in range(repeats)]
    print(json.dumps({name: round(statistics.median(turn[name] for turn in taken), 3) for name in COMMANDS}, indent=1))


if __name__ == "__main__":
    main()

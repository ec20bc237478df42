"""How many files of the package one proposal goes through: asked for, trained, told.

python benchmarks/files_touched.py [--strategy random] [--files] [--package FOLDER] [--merge FOLDER ...]

A search of two rounds of one training each runs in this process, its crew too, and every call of a function is seen.
A file counts in a phase when one of its functions is called in it:

    ask    inside ``Study._proposals``: what the strategy does to propose a network
    train  inside the work that a crew is given: from the job to the record
    tell   all else inside ``Study._round`` but the refit of the surrogates: the record stored, learnt from, shown

The second round is counted, since the first loads data and fills memories. ``--package`` is the folder of another
version of the package, to compare with; ``--merge`` counts all files of a folder as one, as if they were.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any


class Inline:
    """A crew that does the work at once."""

    slots = 1

    def __init__(self) -> None:
        self.results: list[Any] = []

    def start(self, work: Any, *arguments: Any) -> int:
        self.results.append(working(work, arguments))
        return len(self.results) - 1

    def finished(self, handles: list[int]) -> list[int]:
        return handles

    def result(self, handle: int) -> Any:
        return self.results[handle]

    def close(self) -> None:
        """Nothing to give back."""


def working(work: Any, arguments: Any) -> Any:
    """Do a piece of work; a frame of this function marks the phase."""
    return work(*arguments)


class Watch:
    """Sees calls and knows which phase they are in."""

    def __init__(self, package: Path) -> None:
        self.package, self.stack, self.rounds = f"{package}/", ["" for _ in range(0)], 0
        self.depths: list[tuple[int, str]] = []
        self.depth = 0
        self.touched: dict[str, Counter[str]] = {phase: Counter() for phase in ("ask", "train", "tell")}

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            self.depth += 1
            phase = self._begins(frame)
            if phase:
                self.depths.append((self.depth, phase))
            place = frame.f_code.co_filename
            if self.rounds == 2 and self.depths and place.startswith(self.package):
                name = self.depths[-1][1]
                if name in self.touched and frame.f_code.co_name != "<module>":
                    self.touched[name][place.removeprefix(self.package)] += 1
        elif event == "return":
            if self.depths and self.depths[-1][0] == self.depth:
                self.depths.pop()
            self.depth -= 1

    def _begins(self, frame: FrameType) -> str:
        name, place = frame.f_code.co_name, frame.f_code.co_filename
        if name == "_round" and place.endswith("study/__init__.py"):
            self.rounds += 1
            return "tell"
        if name == "_proposals" and place.endswith("study/__init__.py"):
            return "ask"
        if name == "working" and place == __file__:
            return "train"
        return "refit" if name == "refit" else ""


def merged(name: str, folders: list[str]) -> str:
    """Return the folder of a file that counts with its neighbours, else the file."""
    return next((folder for folder in folders if name.startswith(f"{folder}/")), name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strategy", default="random")
    parser.add_argument("--files", action="store_true", help="name the files, with their calls")
    parser.add_argument("--package", type=Path, help="folder that holds latent_nas; default: the one that is installed")
    parser.add_argument("--merge", nargs="*", default=[], help="folders of the package that count as one file each")
    options = parser.parse_args()
    if options.package:
        sys.path.insert(0, str(options.package.resolve()))
    import latent_nas
    from latent_nas import cli
    from latent_nas.evaluators import training

    training.open_crew = lambda *arguments, **settings: Inline()  # type: ignore[assignment]
    watch = Watch(Path(latent_nas.__file__).parent)
    with tempfile.TemporaryDirectory() as place:
        command = ["search", "--strategy", options.strategy, "--trainings", "2", "--batch", "1", "--top", "0"]
        command += ["--child-epochs", "2", "--workers", "1", "--out", f"{place}/run"]
        if options.strategy == "latent_rl":
            for setting in ("edits=1024", "first_updates=40", "queries=256"):
                command += ["--set", f"latent_rl.{setting}"]
        sys.setprofile(watch)
        try:
            cli.main([*command, "--json"])
        except SystemExit as ended:
            if ended.code:
                raise
        finally:
            sys.setprofile(None)
    found = {phase: len({merged(name, options.merge) for name in files}) for phase, files in watch.touched.items()}
    print(json.dumps({"package": latent_nas.__version__, "strategy": options.strategy, **found}))
    if options.files:
        for phase, files in watch.touched.items():
            print(f"{phase}:", ", ".join(f"{name} ({calls})" for name, calls in sorted(files.items())))


if __name__ == "__main__":
    main()

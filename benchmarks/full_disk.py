"""A search, a training and a bench on small file systems that fill up; enlarged then, and gone on with to the same end.

    python benchmarks/full_disk.py --sizes 64,96,128,160,192,256,384,512,768,1024,1536,2048,3072,4096

Each file system is a tmpfs in a mount namespace of its own, which takes `unshare -rm`: no root where the system allows
it, else the reason is printed and nothing is tried.
"""

import argparse
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from kills import Case, cases, inputs

ROOM = "64m"


def tried(case: Case, size_kb: int, place: Path, folder: Path) -> tuple[list[int], list[str]]:
    """Return the exit codes of a command on a file system of a size and once there is room, and its first errors.

    The folder then holds what the file system held in the end.
    """
    inside, log = place / "small", folder / "said"
    folder.mkdir()
    words = [shlex.join([sys.executable, "-m", "latent_nas", *one]) for one in (case.begin, case.again)]
    begin, again = (
        f"( cd {inside}/disk && {one} ) 2>> {log} >> {folder}/output; echo $? >> {folder}/codes" for one in words
    )
    script = f"""
        mount -t tmpfs -o size={size_kb}k none {inside} && mkdir {inside}/disk || exit 9
        {begin}
        mount -o remount,size={ROOM} {inside}
        if [ -e {inside}/disk/run/config.json ]; then {again}; else {begin}; fi
        cp -r {inside}/disk {folder}/disk
    """
    inside.mkdir(exist_ok=True)
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(done.stderr.strip() or f"no file system of {size_kb} KB can be made here")
    codes = [int(line) for line in (folder / "codes").read_text().split()]
    return codes, log.read_text().splitlines()


def main() -> None:
    """Try every size with every command, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="64,96,128,160,192,256,384,512,768,1024,1536,2048,3072,4096", help="KB")
    parser.add_argument("--only", default="search random,train,bench")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        inputs(place)
        found: dict[str, Any] = {}
        for name in arguments.only.split(","):
            case, whole = absolute(cases()[name], place), place / f"{name}-undisturbed".replace(" ", "-")
            try:
                tried(case, 65536, place, whole)
                wanted = case.essence(whole / "disk")
                if name == "search random":
                    (place / "genes.json").write_bytes((whole / "disk/run/best_architecture.json").read_bytes())
                for size in map(int, arguments.sizes.split(",")):
                    where = place / f"{name}-{size}".replace(" ", "-")
                    codes, said = tried(case, size, place, where)
                    right = codes[-1] == 0 and case.essence(where / "disk") == wanted
                    found[f"{name}, {size} KB"] = right
                    errors = [line for line in said if line.startswith("error") or "Traceback" in line]
                    print(
                        f"{name}, {size} KB: exit codes {codes}, {'the same' if right else 'OTHER'}; {errors[:1]}",
                        flush=True,
                    )
            except OSError as error:
                print(f"not tried: {error}; `unshare -rm` has to be allowed here")
                return
    print(f"{sum(found.values())} of {len(found)} came to the same end")


def absolute(case: Case, place: Path) -> Case:
    """Return a command with its inputs by their whole paths: it works on another file system than they lie on."""
    begin, again = ([word.replace("../", f"{place}/") for word in words] for words in (case.begin, case.again))
    return Case(begin, again, case.essence)


if __name__ == "__main__":
    main()

"""The C of a firmware that does not depend on weights: the kernels in use, what they share, and their header.

The same kernel is the same file in every project, so that several networks can live in one program; its functions are
weak, so that it does no harm to compile it twice.
"""

import json
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from latent_nas import artifacts
from latent_nas.firmware.emit import Kernel, names, shipped

FOLDER = Path(__file__).parent / "c"
SHARED, DEMO = FOLDER / "shared", FOLDER / "demo"
HEADER = "kernels.h"
SPDX = "/* SPDX-License-Identifier: MIT */\n"
LISTED = "files.json"  # names of what was written, so that a later export can remove what it does not need
DRIVE = "firmware.uf2"  # what a chip with a USB drive takes
MEASURED = "measured_cycles.csv"  # of a board, by operator
BUILT = ("firmware.elf", DRIVE, MEASURED, "report.json")  # of an earlier export, which go with it
FLAT = "model.c model.h main.c startup.c bench.c bench.h memory.c memory.h requantise.c requantise.h types.h sample.c"
FLAT += " sample.h text.c answer.c answer.h kernels.h"  # what releases before put into one folder, beside the kernels
FIRST = "/* Kernels: "  # began their kernels.h, which listed the kernels
DEFINED = re.compile(r"^\w[\w \*]*?\b(nn_\w+)\([^;]*$", re.MULTILINE)
INCLUDED = re.compile(r'^#include "([\w.]+)"', re.MULTILINE)


def kernel_files(kernels: Iterable[Kernel]) -> dict[str, str]:
    """Return the files of the kernels, and what they share, by name.

    Raises:
        ValueError: two kernels bring different files of one name.
    """
    shared, demo = files_in(SHARED), files_in(DEMO)
    files: dict[str, str] = {}
    declares: dict[str, None] = {}  # in order, each once; all that ship, so that the header is the same everywhere
    for name in names():
        declares |= dict.fromkeys(shipped(name).emitter.declares)
    for kernel in kernels:
        declares |= dict.fromkeys(kernel.emitter.declares)
        for name, text in kernel.files.items():
            if {**shared, **demo, **files}.get(name, text) != text or name in (HEADER, "main.c"):
                raise ValueError(f"firmware has a file {name} already, which is another; rename that of the kernel")
            files[name] = text
    files |= _needed([*files.values(), *demo.values()], shared)  # the demo lies beside them
    return {name: _headed(name, text) for name, text in files.items()} | {
        HEADER: SPDX + TEXT.format(declares="\n\n".join(declares))
    }


def files_in(folder: Path) -> dict[str, str]:
    """Return the C files of a folder by name."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()) if path.is_file()}


def with_source(name: str) -> dict[str, str]:
    """Return a header that is shared and its C file, as they are written."""
    stem = name.removesuffix(".h")
    shared = files_in(SHARED)
    return {f: _headed(f, shared[f]) for f in (f"{stem}.h", f"{stem}.c") if f in shared}


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write all files into a folder with the list of them, and remove those that an earlier export has left there."""
    for path in left_over(folder, files):
        path.unlink(missing_ok=True)
    for name, text in {**files, LISTED: json.dumps(sorted(files), indent=1) + "\n"}.items():
        artifacts.write(folder / name, text)


def is_export(folder: Path) -> bool:
    """Return whether a folder holds what an export has written, of this release or one before."""
    return (folder / LISTED).is_file() or (folder / "device.ld").is_file()


def keep_others(before: Path, new: Path) -> None:
    """Copy what people have put beside an earlier export's files into the folder that takes its place."""
    made = {new / path.relative_to(before) for path in left_over(before, ())} | {new / name for name in BUILT}
    for path in sorted(before.rglob("*")) if before.is_dir() else ():
        to = new / path.relative_to(before)
        if to in made or to.exists() or path.is_symlink() or path.is_dir():
            continue
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, to)


def left_over(folder: Path, files: Iterable[str]) -> list[Path]:
    """Return the files that an earlier export has left in a folder and that are none of ``files``."""
    kept = {folder / name for name in files}
    return [path for path in (folder / name for name in _listed(folder)) if path not in kept and path.is_file()]


def _listed(folder: Path) -> list[str]:
    """Return the names that an earlier export has written into a folder, none that lead out of it."""
    listed, header = folder / LISTED, folder / HEADER
    if listed.is_file():
        try:
            found = [str(name) for name in json.loads(listed.read_text(encoding="utf-8"))] + [LISTED]
        except (ValueError, TypeError):
            return []
        return [name for name in found if ".." not in Path(name).parts and not Path(name).is_absolute()]
    first = header.read_text(encoding="utf-8").partition("\n")[0] if header.is_file() else ""
    if not first.startswith(FIRST):
        return []
    before = [*first.removeprefix(FIRST).partition(";")[0].split(", "), *FLAT.split()]
    return [name for name in before if Path(name).name == name]


def _needed(texts: list[str], shared: Mapping[str, str]) -> dict[str, str]:
    """Return the shared files that texts include, and the C files of those headers."""
    found: dict[str, str] = {"nn_types.h": shared["nn_types.h"]}
    texts = [*texts, *found.values()]
    while texts:
        for name in INCLUDED.findall(texts.pop()):
            for file in (name, f"{name.removesuffix('.h')}.c"):
                if file in shared and file not in found:
                    found[file] = shared[file]
                    texts.append(shared[file])
    return found


def _headed(name: str, text: str) -> str:
    """Return a file with its licence, and of C all functions that others call made weak."""
    if not name.endswith(".c"):
        return SPDX + text
    weak = "".join(f"#pragma weak {function}\n" for function in dict.fromkeys(DEFINED.findall(text)))
    return SPDX + weak + text.replace('".global nn_', '".weak nn_')


TEXT = """/* The kernels; those that a network runs lie beside this. */
#ifndef NN_KERNELS_H
#define NN_KERNELS_H
#include "nn_types.h"

#ifdef __cplusplus
extern "C" {{
#endif

{declares}

#ifdef __cplusplus
}}
#endif
#endif
"""

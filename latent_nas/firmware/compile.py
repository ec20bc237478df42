"""Builds a firmware with ziglang's C compiler, or with arm-none-eabi-gcc."""

import fcntl
import hashlib
import itertools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from latent_nas import whole
from latent_nas.cores import Core
from latent_nas.extras import need
from latent_nas.firmware import Overflow, cache

CACHE_NAME = "zig"  # folder of what the compiler keeps
SOURCES = "sources"  # folder of the places where it compiles
GNU_OVERFLOW = re.compile(r"region `(\w+)' overflowed by (\d+) bytes")
OVERFLOW = re.compile(r"section '?\.?([\w.]+)'? will not fit in region '(\w+)': overflowed by (\d+) bytes")
FOR_RAW = ("_preprocess.c", "_self_test.c", "_report.c", "_frame.c")
FPU = {"fpv4-sp-d16": "+vfp4d16sp", "fpv5-sp-d16": "+fp_armv8d16sp", "fpv5-d16": "+fp_armv8d16"}  # by GCC's -mfpu
FLAGS = ["-std=c99", "-O2", "-Wall", "-Wextra", "-ffreestanding", "-ffunction-sections", "-fdata-sections", "-g0"]
FLAGS += ["-fno-sanitize=undefined", "-fomit-frame-pointer"]
FLAGS += ["-fno-exceptions", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables"]


def check_toolchain(toolchain: str) -> None:
    """Return if a toolchain is installed.

    Raises:
        ValueError: it is not, or there is no such toolchain.
    """
    if toolchain not in ("zig", "gcc"):
        raise ValueError(f'toolchain {toolchain!r}; there are: "zig", "gcc"')
    if toolchain == "gcc" and not (shutil.which("arm-none-eabi-gcc") and shutil.which("make")):
        raise ValueError("arm-none-eabi-gcc or make is not installed; leave --toolchain gcc out, and ziglang compiles")
    if toolchain == "zig":
        need("ziglang", "mcu")


def build(
    folder: Path,
    core: Core,
    plain: bool = False,
    toolchain: str = "zig",
    defines: Sequence[str] = (),
    raw: bool = False,
) -> Path:
    """Compile and link the project in a folder; return its ``firmware.elf``.

    Args:
        core: that of the project's device. plain: without the SMLAD kernels. toolchain: "zig" or "gcc".
        defines: "BENCH" makes the firmware that measures itself. raw: whether it takes raw data, which are floats; what
            is for them alone is left out of one that takes integers.

    Raises:
        ValueError: no such compiler, a section that does not fit its region (and by how many bytes), a warning.
    """
    elf = folder / "firmware.elf"
    plainly = [f"-D{name}" for name in (*(["NN_PLAIN"] if plain else []), *defines)]
    check_toolchain(toolchain)
    if toolchain == "gcc":
        command = ["make", "-B", "-s", f"NN={' '.join(plainly)}"]
    else:
        command = [sys.executable, "-m", "ziglang", "cc", "-target", core.zig_target]
        command += [
            f"-mcpu={core.zig_cpu}{_fpu(core) if raw else ''}",
            *FLAGS,
            *plainly,
            *([] if core.compiler_library or (raw and not _fpu(core)) else ["-nostdlib"]),
            "-Wl,--gc-sections",
            "-Wl,-e,Reset_Handler",
            "-T",
            "device.ld",
        ]
        sources = sorted(path.relative_to(folder) for pattern in ("*.c", "*/*.c") for path in folder.glob(pattern))
        sources = [path for path in sources if raw or not path.name.endswith(FOR_RAW)]
        command += [f"-I{place}" for place in sorted({str(path.parent) for path in sources})]
        command += [*map(str, sources), "-o", elf.name]
    elf.unlink(missing_ok=True)
    if toolchain == "gcc":
        status, said = _run(command, folder)
    else:
        with known_place(folder) as place:
            made = place / elf.name
            made.unlink(missing_ok=True)  # of another project
            status, said = _run(command, place)
            if place != folder and made.exists():
                shutil.copyfile(made, elf)
    if overflow := OVERFLOW.findall(said):
        name, region, most = max(overflow, key=lambda found: int(found[2]))
        raise Overflow(f"the firmware does not fit: region {region} overflows by {most} B (at section .{name})")
    if gnu := GNU_OVERFLOW.findall(said):
        region, most = max(gnu, key=lambda found: int(found[1]))
        raise Overflow(f"the firmware does not fit: region {region} overflows by {most} B")
    if status or not elf.exists() or "warning:" in said:
        raise ValueError(f"the compiler refused the firmware: {said.strip()[-2000:]}")
    return elf


def _fpu(core: Core) -> str:
    """Return what ``-mcpu`` of zig adds for a core's FPU, "" where it has none: firmware of integers does without."""
    return next((FPU[name] for flag in core.gcc_flags if (name := flag.removeprefix("-mfpu=")) in FPU), "")


@contextmanager
def known_place(folder: Path, kind: str = SOURCES) -> Iterator[Path]:
    """Copy a project's sources to a place where others were compiled before, and hold it.

    The compiler knows a file again by its path and time: kernels, the same in every project, are compiled once per
    place and set of flags. There are as many places of a kind as processes that have compiled at the same time; where
    files can't be locked, the project's own folder is taken.
    """
    for number in itertools.count():
        place = (cache.folder() / kind).resolve() / str(number)
        place.mkdir(parents=True, exist_ok=True)
        with place.with_suffix(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            except OSError:
                yield folder
                return
            _copy_sources(folder, place)
            yield place
            return


def _copy_sources(folder: Path, place: Path) -> None:
    """Copy what differs from what lies there. Other C files may stay, as they are not asked for; headers may not."""
    for header in [*place.glob("*.h"), *place.glob("*/*.h")]:
        if not (folder / header.relative_to(place)).is_file():
            header.unlink()
    for pattern in ("*.[ch]", "*/*.[ch]", "*.ld"):
        for path in folder.glob(pattern):
            copy, text = place / path.relative_to(folder), path.read_bytes()
            if not copy.is_file() or copy.read_bytes() != text:
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(text)


def host_library(source: Path) -> Path:
    """Return the shared library of a C file for this machine, built once per version of the file.

    Raises:
        ValueError: no compiler, or it refused the file.
    """
    need("ziglang", "mcu")
    text = source.read_bytes()
    library = cache.folder() / f"{source.stem}-{hashlib.sha256(text).hexdigest()[:16]}.lib"
    if cache.good(library):
        return library
    with whole.scratch(library.parent) as beside:
        new = beside / library.name
        command = [sys.executable, "-m", "ziglang", "cc", "-O2", "-g0", "-shared", "-fPIC", str(source), "-o", str(new)]
        status, said = _run(command, beside)
        if status:
            raise ValueError(f"the compiler refused {source.name}: {said.strip()[-2000:]}")
        return cache.keep(new, library)


def _run(command: list[str], folder: Path) -> tuple[int, str]:
    """Return a compiler's exit code and words; one that fails is tried once more without what it had kept."""
    place = (cache.folder() / CACHE_NAME).resolve()
    for _ in range(2):
        kept = place.exists()
        environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(place), "ZIG_LOCAL_CACHE_DIR": str(place)}
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, errors="replace", check=False
        )
        said = done.stdout + done.stderr
        overflow = OVERFLOW.search(said) or GNU_OVERFLOW.search(said)
        if not done.returncode or overflow or not kept or ("error:" in said and str(place) not in said):
            break
        cache.emptied(CACHE_NAME)
    return done.returncode, said

"""The program that measures itself for a debugger: an exported project with another ``main.c``, built elsewhere."""

from pathlib import Path

from latent_nas import artifacts
from latent_nas.firmware.compile import build
from latent_nas.firmware.export import Project
from latent_nas.firmware.sources import FOLDER, SPDX

MAIN = FOLDER / "board" / "main.c"
LEFT_OUT = ("answer.c", "text.c", "bench.c")  # which have an exchange or a main of their own


def built(project: Project, folder: Path, plain: bool, toolchain: str) -> Path:
    """Return the ELF file of a project's measuring program, built in an empty folder.

    Raises:
        Overflow: it does not fit. ValueError: the compiler refused it.
    """
    prefix = project.component.prefix
    main = MAIN.read_text(encoding="utf-8").replace("model", prefix)
    for name, text in {**project.files, "main.c": SPDX + main}.items():
        if name not in LEFT_OUT:
            artifacts.write(folder / name, text)
    defines = ["BENCH", *(["SELF_TESTED"] if project.component.golden else [])]
    return build(folder, project.device.core, plain, toolchain, defines, raw=project.component.golden)

"""A module of Zephyr."""

from latent_nas.firmware.export import Project
from latent_nas.firmware.layouts._parts import HASH, Files, about, apart, texts


def files(project: Project) -> Files:
    """Return headers in include and C in src, beside the module's description and its option in Kconfig."""
    p, P = project.component.prefix, project.component.prefix.upper()
    sources = "\n    ".join(f"src/{n}" for n in sorted(project.library) if n.endswith(".c"))
    more = {
        "zephyr/module.yml": HASH + MODULE.format(p=p),
        "CMakeLists.txt": HASH + ZEPHYR.format(P=P, sources=sources),
        "Kconfig": HASH + KCONFIG.format(p=p, P=P, about=about(project.component).replace('"', "'")),
    }
    return {**apart(project, "include", "src"), **more, **texts(project, STEPS)}


MODULE = """name: {p}
build:
  cmake: .
  kconfig: Kconfig
"""

ZEPHYR = """if(CONFIG_{P})
  zephyr_include_directories(include)
  zephyr_library()
  zephyr_library_compile_options(-O2)
  zephyr_library_sources(
    {sources})
endif()
"""

KCONFIG = """config {P}
    bool "{p}"
    default y
    help
      {about}
"""

STEPS = """
1. Copy this folder into your application as `{p}`.
2. In its `CMakeLists.txt`, before `find_package(Zephyr ...)`:
   `list(APPEND ZEPHYR_EXTRA_MODULES ${{CMAKE_CURRENT_SOURCE_DIR}}/{p})`.
3. `#include "{p}.h"` in `main.c`, then the lines above; `CONFIG_{P}=y` is the default.
4. `west build`.
"""

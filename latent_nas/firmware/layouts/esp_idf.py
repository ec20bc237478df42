"""A component of ESP-IDF."""

import json

from latent_nas.firmware.export import Project
from latent_nas.firmware.layouts._parts import HASH, Files, about, apart, texts, version


def files(project: Project) -> Files:
    """Return headers in include and C in src, beside the component's manifest."""
    sources = "\n        ".join(f'"src/{n}"' for n in sorted(project.library) if n.endswith(".c"))
    more = {
        "CMakeLists.txt": HASH + ESP_IDF.format(sources=sources),
        "idf_component.yml": HASH + COMPONENT.format(version=version(), about=json.dumps(about(project.component))),
    }
    return {**apart(project, "include", "src"), **more, **texts(project, STEPS)}


ESP_IDF = """idf_component_register(
    SRCS
        {sources}
    INCLUDE_DIRS "include")
target_compile_options(${{COMPONENT_LIB}} PRIVATE -O2)
"""

COMPONENT = """version: "{version}"
description: {about}
license: MIT
dependencies:
  idf: ">=4.4"
"""

STEPS = """
1. Copy this folder into `components/{p}` of your project.
2. `#include "{p}.h"` in `main.c`, then the lines above.
3. `idf.py build`. Cycles above are of the Cortex-M that it was made for; the kernels are plain C here.
"""

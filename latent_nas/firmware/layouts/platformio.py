"""A library of PlatformIO."""

import json

from latent_nas.firmware.export import Project
from latent_nas.firmware.layouts._parts import Files, about, apart, texts, version


def files(project: Project) -> Files:
    """Return all in src, beside the library's manifest."""
    p = project.component.prefix
    manifest = {
        "name": p,
        "version": version(),
        "description": about(project.component),
        "license": "MIT",
        "headers": f"{p}.h",
        "frameworks": "*",
        "platforms": "*",
        "build": {"srcDir": "src", "includeDir": "src", "libArchive": True},
    }
    more = {"library.json": json.dumps(manifest, indent=2) + "\n"}
    return {**apart(project, "src", "src"), **more, **texts(project, STEPS)}


STEPS = """
1. Copy this folder into `lib/{p}` of your project.
2. `#include "{p}.h"` in `src/main.cpp`, then the lines above.
3. `pio run -t upload`.
"""

"""A folder with a CMakeLists.txt, for any program that CMake builds."""

from latent_nas.firmware.export import Project
from latent_nas.firmware.layouts._parts import HASH, Files


def files(project: Project) -> Files:
    """Return the component beside the description of a static library."""
    names, p = sorted(n for n in project.library if n.endswith(".c")), project.component.prefix
    sources = "\n    ".join(names)
    return {**project.library, "CMakeLists.txt": HASH + CMAKE.format(p=p, sources=sources)}


CMAKE = """add_library({p} STATIC
    {sources})
target_include_directories({p} PUBLIC ${{CMAKE_CURRENT_SOURCE_DIR}})
set_target_properties({p} PROPERTIES C_STANDARD 99)
target_compile_options({p} PRIVATE -O2 -ffunction-sections -fdata-sections)
"""

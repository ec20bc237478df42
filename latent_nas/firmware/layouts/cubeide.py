"""A folder for a project of STM32CubeIDE."""

from latent_nas.devices import Device
from latent_nas.firmware.export import Project
from latent_nas.firmware.layouts._parts import Files, apart, texts

ST = "STMicroelectronics"  # whose devices STM32CubeIDE knows, by the document that a device's file names


def check(device: Device) -> None:
    """Raise ValueError where STM32CubeIDE does not know a device."""
    if not device.source.startswith(ST):
        raise ValueError(
            f"STM32CubeIDE does not know {device.name}; take another layout, e.g. --as library, or a device of ST's"
        )


def files(project: Project) -> Files:
    """Return headers in Inc and C in Src."""
    p = project.component.prefix
    return {**apart(project, f"{p}/Inc", f"{p}/Src"), **texts(project, STEPS)}


STEPS = """
1. Copy the folder `{p}/` into your project, beside `Core/`.
2. Refresh the project (F5), right-click `{p}/Src`: Resource Configurations, Exclude from Build: none ticked.
3. Project properties, C/C++ Build, Settings, Include paths: add `{p}/Inc`; Paths and Symbols, Source Location: `{p}`.
4. In `main.c`, between `USER CODE BEGIN Includes`: `#include "{p}.h"`; then the lines above.
"""

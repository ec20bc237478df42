"""Where a component's files lie in the projects of others: a file each of what a build system wants beside them."""

from collections.abc import Callable

from latent_nas.devices import Device
from latent_nas.firmware.export import Project
from latent_nas.firmware.layouts import arduino, cmsis_pack, cubeide, esp_idf, library, platformio, zephyr
from latent_nas.firmware.layouts._parts import Files

LAYOUTS: dict[str, Callable[[Project], Files]] = {
    "demo": lambda project: project.files,
    "library": library.files,
    "cubeide": cubeide.files,
    "arduino": arduino.files,
    "platformio": platformio.files,
    "zephyr": zephyr.files,
    "esp-idf": esp_idf.files,
    "cmsis-pack": cmsis_pack.files,
}
CHECKS = {"cubeide": cubeide.check}  # of layouts that don't know every device


def laid_out(project: Project, layout: str) -> Files:
    """Return the files of a project in a layout.

    Raises:
        ValueError: no such layout, or one that does not know the device.
    """
    check(layout, project.device)
    return LAYOUTS[layout](project)


def check(layout: str, device: Device) -> None:
    """Raise ValueError where there is no such layout, or it does not know a device."""
    if layout not in LAYOUTS:
        raise ValueError(f"no layout {layout!r}; there are: {', '.join(LAYOUTS)}")
    if layout in CHECKS:
        CHECKS[layout](device)

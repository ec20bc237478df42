"""Where a component's files lie in the projects of others: what each build system wants beside them."""

import json
from collections.abc import Callable

from latent_nas import __version__
from latent_nas.devices import Device
from latent_nas.firmware import pack
from latent_nas.firmware.export import README, Project
from latent_nas.firmware.header import Component

Files = dict[str, str]  # contents by name
ST = "STMicroelectronics"  # whose devices STM32CubeIDE knows, by the document that a device's file names


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
    if layout == "cubeide" and not device.source.startswith(ST):
        raise ValueError(
            f"STM32CubeIDE does not know {device.name}; take another layout, e.g. --as library, or a device of ST's"
        )


def _demo(project: Project) -> Files:
    return project.files


def _library(project: Project) -> Files:
    names, p = sorted(n for n in project.library if n.endswith(".c")), project.component.prefix
    sources = "\n    ".join(names)
    return {**project.library, "CMakeLists.txt": HASH + CMAKE.format(p=p, sources=sources)}


def _cubeide(project: Project) -> Files:
    p = project.component.prefix
    return {**_apart(project, f"{p}/Inc", f"{p}/Src"), **_texts(project, STEPS["cubeide"])}


def _arduino(project: Project) -> Files:
    p = project.component.prefix
    properties = ARDUINO.format(p=p, version=_version(), about=_about(project.component))
    example = f"examples/{p}_self_test/{p}_self_test.ino"
    report = f"examples/{p}_report/{p}_report.ino"
    more = {"library.properties": properties, example: SPDX + _sketch(project.component)}
    more[report] = SPDX + REPORT.format(p=p)
    return {**_apart(project, "src", "src"), **more, **_texts(project, STEPS["arduino"])}


def _platformio(project: Project) -> Files:
    p = project.component.prefix
    manifest = {
        "name": p,
        "version": _version(),
        "description": _about(project.component),
        "license": "MIT",
        "headers": f"{p}.h",
        "frameworks": "*",
        "platforms": "*",
        "build": {"srcDir": "src", "includeDir": "src", "libArchive": True},
    }
    more = {"library.json": json.dumps(manifest, indent=2) + "\n"}
    return {**_apart(project, "src", "src"), **more, **_texts(project, STEPS["platformio"])}


def _zephyr(project: Project) -> Files:
    p, P = project.component.prefix, project.component.prefix.upper()
    sources = "\n    ".join(f"src/{n}" for n in sorted(project.library) if n.endswith(".c"))
    more = {
        "zephyr/module.yml": HASH + MODULE.format(p=p),
        "CMakeLists.txt": HASH + ZEPHYR.format(P=P, sources=sources),
        "Kconfig": HASH + KCONFIG.format(p=p, P=P, about=_about(project.component).replace('"', "'")),
    }
    return {**_apart(project, "include", "src"), **more, **_texts(project, STEPS["zephyr"])}


def _esp_idf(project: Project) -> Files:
    sources = "\n        ".join(f'"src/{n}"' for n in sorted(project.library) if n.endswith(".c"))
    more = {
        "CMakeLists.txt": HASH + ESP_IDF.format(sources=sources),
        "idf_component.yml": HASH + COMPONENT.format(version=_version(), about=json.dumps(_about(project.component))),
    }
    return {**_apart(project, "include", "src"), **more, **_texts(project, STEPS["esp-idf"])}


def _cmsis_pack(project: Project) -> Files:
    p, files = project.component.prefix, _apart(project, "Include", "Source")
    described = pack.described(p, _version(), _about(project.component), files)
    return {**files, **described, **_texts(project, STEPS["cmsis-pack"])}


def _apart(project: Project, headers: str, sources: str) -> Files:
    """Return headers and C files in folders of their own."""
    found = {n: text for n, text in project.library.items() if n.endswith((".h", ".c"))}
    return {f"{headers if name.endswith('.h') else sources}/{name}": text for name, text in found.items()}


def _texts(project: Project, steps: str) -> Files:
    p = project.component.prefix
    said = steps.format(p=p, P=p.upper())
    about = f"{project.library[README].rstrip()}\n\n## Steps\n\n{said.strip()}\n"
    return {README: about, "LICENSE": project.library["LICENSE"]}


def _about(component: Component) -> str:
    graph = component.network.graph
    shape = "x".join(map(str, graph.input_shape))
    return f"Int8 network, input {shape}, {graph.output_shape[-1]} outputs, made by latent_nas"


def _version() -> str:
    return ".".join(__version__.split(".")[:3])


def _sketch(component: Component) -> str:
    p = component.prefix
    test = f"wrong = {p}_self_test();" if component.golden else f"{p}_init(); {p}_run();"
    return SKETCH.format(p=p, test=test)


LAYOUTS: dict[str, Callable[[Project], Files]] = {
    "demo": _demo,
    "library": _library,
    "cubeide": _cubeide,
    "arduino": _arduino,
    "platformio": _platformio,
    "zephyr": _zephyr,
    "esp-idf": _esp_idf,
    "cmsis-pack": _cmsis_pack,
}

SPDX = "// SPDX-License-Identifier: MIT\n"
HASH = "# SPDX-License-Identifier: MIT\n"

CMAKE = """add_library({p} STATIC
    {sources})
target_include_directories({p} PUBLIC ${{CMAKE_CURRENT_SOURCE_DIR}})
set_target_properties({p} PROPERTIES C_STANDARD 99)
target_compile_options({p} PRIVATE -O2 -ffunction-sections -fdata-sections)
"""

ARDUINO = """name={p}
version={version}
author=latent_nas
maintainer=latent_nas
sentence={about}
paragraph=Kernels, weights and what stands before them; the sketch among the examples runs one sample.
category=Data Processing
url=https://example.org/yours
architectures=*
includes={p}.h
dot_a_linkage=true
"""

SKETCH = """// The LED is on if the network gives for one sample what it gave in Python.
#include <{p}.h>

void setup() {{
  pinMode(LED_BUILTIN, OUTPUT);
  int wrong = 0;
  {test}
  digitalWrite(LED_BUILTIN, wrong == 0 ? HIGH : LOW);
}}

void loop() {{
}}
"""

REPORT = """// Says what the network gives and takes on this board: `latent-nas deploy RUN --flash PORT` reads it.
#include <{p}.h>

static void say(const char *text) {{
  Serial.print(text);
}}

static uint32_t microseconds(void) {{
  return (uint32_t)micros();
}}

void setup() {{
  Serial.begin(115200);
}}

void loop() {{
  {p}_report(say, microseconds, 1000000);
  delay(2000);
}}
"""

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

STEPS = {
    "cmsis-pack": pack.STEPS,
    "cubeide": """
1. Copy the folder `{p}/` into your project, beside `Core/`.
2. Refresh the project (F5), right-click `{p}/Src`: Resource Configurations, Exclude from Build: none ticked.
3. Project properties, C/C++ Build, Settings, Include paths: add `{p}/Inc`; Paths and Symbols, Source Location: `{p}`.
4. In `main.c`, between `USER CODE BEGIN Includes`: `#include "{p}.h"`; then the lines above.
""",
    "arduino": """
1. Copy this folder into `Arduino/libraries/{p}`.
2. File, Examples, {p}, {p}_self_test; upload. The LED is on if the board gives what Python gave.
3. In a sketch of your own: `#include <{p}.h>`, then the lines above.
4. The example {p}_report says over the serial port what it gives and takes: `latent-nas deploy RUN --as arduino --out
   DIR --flash PORT`, with the serial monitor closed, compares it and keeps the times.
""",
    "platformio": """
1. Copy this folder into `lib/{p}` of your project.
2. `#include "{p}.h"` in `src/main.cpp`, then the lines above.
3. `pio run -t upload`.
""",
    "zephyr": """
1. Copy this folder into your application as `{p}`.
2. In its `CMakeLists.txt`, before `find_package(Zephyr ...)`:
   `list(APPEND ZEPHYR_EXTRA_MODULES ${{CMAKE_CURRENT_SOURCE_DIR}}/{p})`.
3. `#include "{p}.h"` in `main.c`, then the lines above; `CONFIG_{P}=y` is the default.
4. `west build`.
""",
    "esp-idf": """
1. Copy this folder into `components/{p}` of your project.
2. `#include "{p}.h"` in `main.c`, then the lines above.
3. `idf.py build`. Cycles above are of the Cortex-M that it was made for; the kernels are plain C here.
""",
}

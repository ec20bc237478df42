"""A library of the Arduino IDE, with two sketches."""

from latent_nas.firmware.component import Component
from latent_nas.firmware.export import Project
from latent_nas.firmware.layouts._parts import SPDX, Files, about, apart, texts, version


def files(project: Project) -> Files:
    """Return all in src, beside the library's description and its examples."""
    p = project.component.prefix
    properties = ARDUINO.format(p=p, version=version(), about=about(project.component))
    example = f"examples/{p}_self_test/{p}_self_test.ino"
    report = f"examples/{p}_report/{p}_report.ino"
    more = {"library.properties": properties, example: SPDX + _sketch(project.component)}
    more[report] = SPDX + REPORT.format(p=p)
    return {**apart(project, "src", "src"), **more, **texts(project, STEPS)}


def _sketch(component: Component) -> str:
    p = component.prefix
    test = f"wrong = {p}_self_test();" if component.golden else f"{p}_init(); {p}_run();"
    return SKETCH.format(p=p, test=test)


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

STEPS = """
1. Copy this folder into `Arduino/libraries/{p}`.
2. File, Examples, {p}, {p}_self_test; upload. The LED is on if the board gives what Python gave.
3. In a sketch of your own: `#include <{p}.h>`, then the lines above.
4. The example {p}_report says over the serial port what it gives and takes: `latent-nas deploy RUN --as arduino --out
   DIR --flash PORT`, with the serial monitor closed, compares it and keeps the times.
"""

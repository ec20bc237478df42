"""What makes a program of a network on its own: main loop, start-up, linker script, Makefile."""

from latent_nas.devices import Device, Region
from latent_nas.firmware.boot import boot_of
from latent_nas.firmware.component import Component
from latent_nas.firmware.linker import script
from latent_nas.firmware.sources import DEMO, SPDX, files_in
from latent_nas.firmware.text import Speech


def demo(component: Component, device: Device, region: Region, speech: Speech | None) -> dict[str, str]:
    """Return the files of the demo by name; the network's own lie in a folder that is called as its prefix."""
    prefix = component.prefix
    files = {name: SPDX + text for name, text in files_in(DEMO).items()}
    files["bench.c"] = files["bench.c"].replace("model", prefix)
    files["main.c"] = main(component, device)
    if speech:
        files["text.c"] = SPDX + speech.source(prefix)
    if component.about.threshold is not None:
        files["answer.c"] = SPDX + ALARM.format(p=prefix)
    if boot := boot_of(device):
        files["boot.c"] = SPDX + boot.source
    files["device.ld"] = script(device, region, prefix)
    files["Makefile"] = MAKEFILE.format(flags=" ".join(device.core.gcc_flags), prefix=prefix)
    return files


def main(component: Component, device: Device) -> str:
    """Return ``main.c``."""
    missing, other = ("!", "has") if device.core.dsp else ("", "has not")
    wrong = f"{missing}defined(__ARM_FEATURE_SIMD32)"
    return SPDX + MAIN.format(p=component.prefix, wrong=wrong, core=device.core.name, other=other)


def from_raw(component: Component) -> str:
    """Return a ``main.c`` that takes raw data, in a section of their own, and runs them through ``preprocess.c``."""
    p, P = component.prefix, component.prefix.upper()
    if component.frame is not None:
        size = f"{P}_FRAME_HEIGHT * {P}_FRAME_ROW_BYTES"
        return SPDX + RAW.format(p=p, raw="uint8_t", size=size, feed=f"{p}_feed_frame")
    return SPDX + RAW.format(p=p, raw=f"{p}_raw", size=f"{P}_RAW_SIZE", feed=f"{p}_feed")


MAIN = """/* Runs the network for ever. Put your own sensor and actuator into exchange(). */
#include "{p}.h"

#if {wrong}
#error "core {core} {other} the DSP extension, the compiler's flags say otherwise"
#endif

void exchange(int8_t *input, const int8_t *output);

/* Takes the last outputs (none at the first call) and writes the next inputs. */
__attribute__((weak, noinline)) void exchange(int8_t *input, const int8_t *output)
{{
    __asm volatile("" : : "r"(input), "r"(output) : "memory");
}}

#ifndef BENCH /* see bench.c */
int main(void)
{{
    {p}_init();
    for (;;) {{
        exchange({p}_input(), {p}_output());
        {p}_run();
    }}
}}
#endif
"""

RAW = """/* From raw data: what comes in are a sensor's values. */
#include "{p}.h"

void exchange({raw} *raw, const int8_t *output);
__attribute__((noinline)) void exchange({raw} *raw, const int8_t *output)
{{
    __asm volatile("" : : "r"(raw), "r"(output) : "memory");
}}

__attribute__((section(".raw"), aligned(8))) static {raw} raw[{size}];

int main(void)
{{
    {p}_init();
    for (;;) {{
        exchange(raw, {p}_output());
        {feed}(raw);
        {p}_run();
    }}
}}
"""

ALARM = """/* Whether a sample is an anomaly. */
#include "{p}.h"

/* Told after every inference; put your own alarm in place of the weak one. */
void answered(int anomaly, int32_t score);
__attribute__((weak, noinline)) void answered(int anomaly, int32_t score)
{{
    __asm volatile("" : : "r"(anomaly), "r"(score) : "memory");
}}

/* Here your sensor writes the next input. */
void exchange(int8_t *input, const int8_t *output);
void exchange(int8_t *input, const int8_t *output)
{{
    static int ran; /* the first call comes before any inference */
    if (ran)
        answered({p}_is_anomaly(), {p}_score());
    ran = 1;
    __asm volatile("" : : "r"(input), "r"(output) : "memory");
}}
"""

MAKEFILE = """# SPDX-License-Identifier: MIT
# make, or make CC=clang; NN=-DNN_PLAIN builds the kernels without SMLAD.
CC = arm-none-eabi-gcc
FLAGS = {flags} -mthumb -std=c99 -O2 -Wall -Wextra -ffreestanding \\
 -ffunction-sections -fdata-sections -fno-tree-loop-distribute-patterns -I. -I{prefix} $(NN)
OBJECTS = $(patsubst %.c,%.o,$(wildcard *.c {prefix}/*.c))

firmware.elf: $(OBJECTS) device.ld
	$(CC) $(FLAGS) -nostartfiles -nodefaultlibs -Wl,--gc-sections -T device.ld $(OBJECTS) -lgcc -o $@
	arm-none-eabi-size $@

%.o: %.c
	$(CC) $(FLAGS) -c $< -o $@

clean:
	rm -f $(OBJECTS) firmware.elf

.PHONY: clean
"""

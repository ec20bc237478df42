"""``<prefix>_report.c``: says on a serial line what the network gives and takes on a chip, for ``deploy --flash PORT``.

Its lines are read by ``board/line.py``; a checksum stands in the last one, so that a garbled line is known.
"""

from math import prod

import numpy as np

from latent_nas.firmware.component import Component
from latent_nas.training.quantise import QuantisedNetwork

RUNS = 3  # that are timed
STEP, OFFSET = 1664525, 1013904223  # of the generator of Numerical Recipes, second edition, 7.1


def source(component: Component) -> str:
    """Return the C file."""
    p, P = component.prefix, component.prefix.upper()
    if component.network.graph.input.vocabulary:
        fill = TOKEN.format(p=p, P=P, offset=OFFSET)
    else:
        fill = VALUES.format(p=p, P=P, step=STEP, offset=OFFSET)
    test = f"{p}_self_test()" if component.golden else "-1"
    return TEXT.format(p=p, P=P, fill=fill, test=test, runs=RUNS)


def drawn_input(network: QuantisedNetwork) -> np.ndarray:
    """Return the input that the report's runs have: int8 (1, *shape), or one token as uint16."""
    if network.graph.input.vocabulary:
        return np.array([[OFFSET % network.graph.input.vocabulary]], np.uint16)
    values, x = [], 1
    for _ in range(prod(network.graph.input_shape)):
        x = (x * STEP + OFFSET) & 0xFFFFFFFF
        values.append((x >> 24) - 128)
    return np.array(values, np.int8).reshape(1, *network.graph.input_shape)


VALUES = """    uint32_t x = 1;
    for (uint32_t i = 0; i < {P}_INPUT_SIZE; i++) {{
        x = x * {step}u + {offset}u;
        {p}_input()[i] = (int8_t)((int)(x >> 24) - 128);
    }}"""

TOKEN = """    *(uint16_t *)(void *){p}_input() = (uint16_t)({offset}u % {P}_VOCABULARY);"""

TEXT = """/* What the network gives and takes on this chip, in lines that `latent-nas deploy RUN --flash PORT` reads. */
#include "{p}.h"

static void (*put)(const char *text);
static uint32_t sum;

static void say(const char *text)
{{
    for (const char *at = text; *at; at++)
        sum = (sum ^ (uint8_t)*at) * 16777619u; /* FNV-1a */
    put(text);
}}

static void number(uint32_t value)
{{
    char digits[12], *at = digits + sizeof digits - 1;
    *at = 0;
    do
        *--at = (char)('0' + value % 10);
    while (value /= 10);
    *--at = ' ';
    say(at);
}}

static void byte(uint32_t value)
{{
    char hex[3];
    hex[0] = "0123456789abcdef"[value >> 4 & 15];
    hex[1] = "0123456789abcdef"[value & 15];
    hex[2] = 0;
    say(hex);
}}

/* Values that are the same everywhere. */
static void fill(void)
{{
{fill}
}}

void {p}_report(void (*write)(const char *text), uint32_t (*ticks)(void), uint32_t ticks_hz)
{{
    uint32_t took[{runs}], check;
    int wrong = {test};
    put = write;
    for (int i = 0; i < {runs}; i++) {{
        {p}_init();
        fill();
        took[i] = ticks();
        {p}_run();
        took[i] = ticks() - took[i];
    }}
    put("\\n# latent_nas 1\\n");
    sum = 2166136261u;
    say("# network " {P}_NETWORK_SHA256 "\\n# self_test");
    if (wrong < 0)
        say(" -");
    else
        number((uint32_t)wrong);
    say("\\n# ticks");
    for (int i = 0; i < {runs}; i++)
        number(took[i]);
    say("\\n# ticks_hz");
    number(ticks_hz);
    say("\\n# output ");
    for (uint32_t i = 0; i < {P}_OUTPUTS; i++)
        byte((uint8_t){p}_output()[i]);
    say("\\n");
    check = sum;
    put("# end ");
    for (int i = 24; i >= 0; i -= 8)
        byte(check >> i & 255);
    put("\\n");
}}
"""

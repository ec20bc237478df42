"""``<prefix>_preprocess.c``: raw data to the int8 input, bit for bit as ``Preprocessing.integers`` does it."""

import numpy as np

from latent_nas.firmware import audio, spectral
from latent_nas.firmware.naming import real, wrapped
from latent_nas.fixed_point import Quant
from latent_nas.preprocessing import FAR, PIXEL, SOUND, Preprocessing
from latent_nas.spectral import SpectralFrontEnd

RAW = {PIXEL: "uint8_t", SOUND: "int16_t"}  # C types of raw values; of all others float


def raw_type(seen: Preprocessing) -> str:
    """Return the C type of a raw value."""
    return RAW.get(seen.raw, "float")


def source(seen: Preprocessing, quant: Quant, prefix: str) -> str:
    """Return the C file; ``quant``: of the network's input."""
    names = {"p": prefix, "P": prefix.upper()}
    if seen.front_end is not None:
        front = seen.front_end
        text = spectral.source(front, prefix) if isinstance(front, SpectralFrontEnd) else audio.source(front, prefix)
        return "\n".join([HEAD.format(**names), _quantise(seen, quant, names), text])
    parts = [
        HEAD.format(**names),
        _pixels(seen, quant, names) if seen.raw == PIXEL else _quantise(seen, quant, names) + FEED.format(**names),
    ]
    if seen.takes_colours:
        parts.append(GREY.format(**names))
    if seen.window:
        parts.append(PUSH.format(**names))
    return "\n".join(parts)


def _pixels(seen: Preprocessing, quant: Quant, names: dict[str, str]) -> str:
    table = seen.table(quant)
    if (table == np.arange(-128, 128)[:, None]).all():
        return PIXELS.format(table="", value="(int8_t)((int)raw - 128)", unused="    (void)i;\n", **names)
    channels = table.shape[1]
    rows = [f"{{{wrapped(row, 24)}}}" for row in table.T.tolist()]
    held = f"static const int8_t table[{channels}][256] = {{\n    " + ",\n    ".join(rows) + "\n};\n\n"
    at, unused = (f"i % {channels}u", "") if channels > 1 else ("0", "    (void)i;\n")
    return PIXELS.format(table=held, value=f"table[{at}][raw]", unused=unused, **names)


def _quantise(seen: Preprocessing, quant: Quant, names: dict[str, str]) -> str:
    shift, factor = seen.factors(quant)
    size, channels = len(shift), seen.shape[-1]
    at = {"": "0u", "channel": f"i % {channels}u", "column": f"i / {channels}u % {size}u"}[seen.varies]
    return QUANTISE.format(
        n=size,
        shift=wrapped([real(v) for v in shift], 8),
        factor=wrapped([real(v) for v in factor], 8),
        zero=quant.zero_point,
        far=real(FAR),
        at=at,
        unused="    (void)i;\n" if size == 1 else "",
        **names,
    )


HEAD = """/* Raw data to the int8 input of `{p}`, as the network was trained to see them. */
#include "{p}.h"
"""

PIXELS = """{table}int8_t {p}_quantise(uint8_t raw, uint32_t i)
{{
{unused}    return {value};
}}

void {p}_feed(const uint8_t *raw)
{{
    int8_t *input = {p}_input();
    for (uint32_t i = 0; i < {P}_INPUT_SIZE; i++)
        input[i] = {p}_quantise(raw[i], i);
}}
"""

GREY = """/* Luma of ITU-R 601 in 16 bits, rounded: as Pillow's convert("L") does. */
void {p}_feed_rgb(const uint8_t *rgb)
{{
    int8_t *input = {p}_input();
    for (uint32_t i = 0; i < {P}_INPUT_SIZE; i++, rgb += 3) {{
        uint32_t grey = (rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 0x8000u) >> 16;
        input[i] = {p}_quantise((uint8_t)grey, i);
    }}
}}
"""

QUANTISE = """/* q = round((raw - shift) * factor) + zero point: what training did, folded into int8 steps. */
static const float shift[{n}] = {{
    {shift}
}};
static const float factor[{n}] = {{
    {factor}
}};

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF /* every core rounds alike, with or without an FPU */
#endif

int8_t {p}_quantise(float raw, uint32_t i)
{{
{unused}    uint32_t at = {at};
    float steps = (raw - shift[at]) * factor[at], rest;
    int32_t whole;
    if (!(steps > -{far})) /* what is not a number, too */
        steps = -{far};
    if (steps > {far})
        steps = {far};
    whole = (int32_t)steps;
    rest = steps - (float)whole;
    if (rest > 0.5f || (rest >= 0.5f && (whole & 1))) /* to the nearest, half to even */
        whole++;
    else if (rest < -0.5f || (rest <= -0.5f && (whole & 1)))
        whole--;
    whole += {zero};
    return (int8_t)(whole < -128 ? -128 : whole > 127 ? 127 : whole);
}}
"""

FEED = """
void {p}_feed(const float *raw)
{{
    int8_t *input = {p}_input();
    for (uint32_t i = 0; i < {P}_INPUT_SIZE; i++)
        input[i] = {p}_quantise(raw[i], i);
}}

void {p}_feed_int16(const int16_t *raw)
{{
    int8_t *input = {p}_input();
    for (uint32_t i = 0; i < {P}_INPUT_SIZE; i++)
        input[i] = {p}_quantise((float)raw[i], i);
}}
"""

PUSH = """/* The last window of a series, oldest step first from `at` on. */
static int8_t ring[{P}_INPUT_SIZE];
static uint32_t at, held, fresh = {P}_HOP;

void {p}_begin(void)
{{
    at = held = 0;
    fresh = {P}_HOP; /* the first window is as good as any */
}}

int {p}_push(const {p}_raw *step)
{{
    int8_t *input;
    for (uint32_t c = 0; c < {P}_INPUT_CHANNELS; c++)
        ring[at * {P}_INPUT_CHANNELS + c] = {p}_quantise(step[c], c);
    at = at + 1 < {P}_WINDOW ? at + 1 : 0;
    held += held < {P}_WINDOW;
    fresh++;
    if (held < {P}_WINDOW || fresh < {P}_HOP)
        return 0;
    fresh = 0;
    input = {p}_input();
    for (uint32_t i = 0, from = at * {P}_INPUT_CHANNELS; i < {P}_INPUT_SIZE; i++) {{
        input[i] = ring[from];
        from = from + 1 < {P}_INPUT_SIZE ? from + 1 : 0;
    }}
    {p}_run();
    return 1;
}}
"""

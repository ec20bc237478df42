"""``<prefix>_frame.c``: a camera's frame, row by row, to the int8 input, bit for bit as ``Frame.input`` does it."""

import numpy as np

from latent_nas.firmware.naming import wrapped
from latent_nas.resampling import BITS, LUMA, PIXELS, Axis, Frame

OWN = {("grey", 1), ("rgb", 3)}  # formats and channels whose bytes are the network's


def source(frame: Frame, shape: tuple[int, ...], prefix: str) -> str:
    """Return the C file; ``shape``: height, width, channels of the input."""
    height, width, channels = shape
    down, across = frame.axes(height, width)
    left, top = int(across.first.min()), int(down.first.min())
    own = (frame.pixels, channels) in OWN
    names = {
        "p": prefix,
        "what": f"{frame.width} x {frame.height} pixels, {frame.pixels}",
        "how": frame.method,
        "ram": ram_bytes(frame, shape),
        "width": width,
        "height": height,
        "channels": channels,
        "left": left,
        "span": _end(across) - left,
        "top": top,
        "bottom": _end(down),
        "rows": frame.height,
        "row_bytes": frame.row_bytes,
        "each": PIXELS[frame.pixels],
        "down_first": wrapped(down.first.tolist()),
        "across_first": wrapped((across.first - left).tolist()),
        "half": 1 << (BITS - 1),
        "bits": BITS,
    }
    parts = [HEAD.format(**names)]
    if not own:
        convert = COLOUR[(frame.pixels, channels)].format(red=LUMA[0], green=LUMA[1], blue=LUMA[2])
        parts.append(LINE.format(convert=convert, **names))
    names["line"] = "line" if not own else f"row + LEFT * {channels}u"
    names["convert"] = "" if own else "\n        convert(row);"
    if frame.method == "nearest":
        return "\n".join([*parts, NEAREST.format(**names)])
    tables = _weights("down", down) + _weights("across", across)
    return "\n".join([*parts, BILINEAR.format(tables=tables, taps=down.taps, **names)])


def ram_bytes(frame: Frame, shape: tuple[int, ...]) -> int:
    """Return the bytes of RAM that it takes beside the arena: rows that wait, and one in the network's colours."""
    height, width, channels = shape
    down, across = frame.axes(height, width)
    line = 0 if (frame.pixels, channels) in OWN else (_end(across) - int(across.first.min())) * channels
    return line + (down.taps * width * channels if frame.method == "bilinear" else 0)


def _end(axis: Axis) -> int:
    return int((axis.first + axis.taken).max())


def _weights(name: str, axis: Axis) -> str:
    """Return the tables of an axis; rows of weights that are the same stand there once."""
    rows, kinds = np.unique(axis.weights[:, : axis.taps], axis=0, return_inverse=True)
    text = ",\n    ".join(f"{{{', '.join(f'{v}u' for v in row)}}}" for row in rows.tolist())
    return TABLES.format(
        name=name,
        size=len(kinds),
        taken=wrapped(axis.taken.tolist()),
        kinds=wrapped(kinds.reshape(-1).tolist()),
        rows=len(rows),
        taps=axis.taps,
        weights=text,
    )


HEAD = """/* A camera's frame, {what}: its part in the middle, to the input, {how} as in training.
 * Takes {ram} B of RAM beside the arena. */
#include "{p}.h"

#define HEIGHT {height}u /* of the input */
#define ROW_VALUES ({width}u * {channels}u)
#define LEFT {left}u /* pixels of a row before the first that is used, and rows above */
#define SPAN {span}u
#define TOP {top}u
#define BOTTOM {bottom}u

static const uint16_t down_first[HEIGHT] = {{
    {down_first}
}};
static const uint16_t across_first[{width}] = {{
    {across_first}
}};
static uint32_t at, out; /* the next row of the frame, and of the input */

void {p}_begin_frame(void)
{{
    at = out = 0;
}}

void {p}_feed_frame(const uint8_t *frame)
{{
    {p}_begin_frame();
    for (uint32_t y = 0; y < {rows}u; y++)
        {p}_feed_row(frame + y * {row_bytes}u);
}}
"""

LINE = """static uint8_t line[SPAN * {channels}u];

static void convert(const uint8_t *row)
{{
    uint8_t *to = line;
    row += LEFT * {each}u;
    for (uint32_t x = 0; x < SPAN; x++, row += {each}) {{
{convert}
    }}
}}
"""

GREY = "        *to++ = (uint8_t)(({r} * {{red}}u + {g} * {{green}}u + {b} * {{blue}}u + 0x8000u) >> 16);"
UNPACK = """        uint32_t two = row[0] | (uint32_t)row[1] << 8;
        uint32_t r = two >> 11, g = two >> 5 & 63u, b = two & 31u;
        r = r << 3 | r >> 2, g = g << 2 | g >> 4, b = b << 3 | b >> 2;
"""
COLOUR = {
    ("grey", 3): "        *to++ = *row;\n        *to++ = *row;\n        *to++ = *row;",
    ("rgb", 1): GREY.format(r="row[0]", g="row[1]", b="row[2]"),
    ("rgb565", 1): UNPACK + GREY.format(r="r", g="g", b="b"),
    ("rgb565", 3): UNPACK + "        *to++ = (uint8_t)r;\n        *to++ = (uint8_t)g;\n        *to++ = (uint8_t)b;",
}

TABLES = """static const uint16_t {name}_taken[{size}] = {{
    {taken}
}};
static const uint16_t {name}_kind[{size}] = {{
    {kinds}
}};
static const uint32_t {name}_weights[{rows}][{taps}] = {{
    {weights}
}};
"""

BILINEAR = """{tables}
static uint8_t waiting[{taps}][ROW_VALUES]; /* rows of the input's width, the last that came */

static void across(const uint8_t *from, uint8_t *to)
{{
    for (uint32_t x = 0; x < {width}u; x++) {{
        const uint32_t *weights = across_weights[across_kind[x]];
        for (uint32_t c = 0; c < {channels}u; c++) {{
            const uint8_t *value = from + across_first[x] * {channels}u + c;
            uint32_t sum = {half}u;
            for (uint32_t j = 0; j < across_taken[x]; j++, value += {channels})
                sum += weights[j] * *value;
            *to++ = (uint8_t)(sum >> {bits});
        }}
    }}
}}

static void down(int8_t *input)
{{
    const uint32_t *weights = down_weights[down_kind[out]];
    const uint8_t *from[{taps}];
    for (uint32_t j = 0; j < {taps}u; j++)
        from[j] = waiting[(down_first[out] + j) % {taps}u];
    for (uint32_t i = 0; i < ROW_VALUES; i++) {{
        uint32_t sum = {half}u, index = out * ROW_VALUES + i;
        for (uint32_t j = 0; j < down_taken[out]; j++)
            sum += weights[j] * from[j][i];
        input[index] = {p}_quantise((uint8_t)(sum >> {bits}), index);
    }}
}}

int {p}_feed_row(const uint8_t *row)
{{
    if (at - TOP < BOTTOM - TOP) {{ /* from the first row that is used to the last */{convert}
        across({line}, waiting[at % {taps}u]);
    }}
    at++;
    for (; out < HEIGHT && down_first[out] + (uint32_t)down_taken[out] <= at; out++)
        down({p}_input());
    if (at < {rows}u)
        return 0;
    {p}_begin_frame();
    return 1;
}}
"""

NEAREST = """int {p}_feed_row(const uint8_t *row)
{{
    for (int first = 1; out < HEIGHT && down_first[out] == at; out++, first = 0) {{
        const uint8_t *from;
        uint32_t index = out * ROW_VALUES;
        if (first) {{{convert}
        }}
        from = {line};
        for (uint32_t x = 0; x < {width}u; x++)
            for (uint32_t c = 0; c < {channels}u; c++, index++)
                {p}_input()[index] = {p}_quantise(from[across_first[x] * {channels}u + c], index);
    }}
    at++;
    if (at < {rows}u)
        return 0;
    {p}_begin_frame();
    return 1;
}}
"""

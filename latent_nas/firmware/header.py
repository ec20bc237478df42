"""``<prefix>.h``: what goes in, what comes out, and every number that a program needs of a network."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from latent_nas.firmware.frame import ram_bytes
from latent_nas.firmware.naming import comment, constants, real
from latent_nas.firmware.preprocess import raw_type
from latent_nas.preprocessing import VALUE, Preprocessing
from latent_nas.resampling import Frame
from latent_nas.spectral import SpectralFrontEnd
from latent_nas.training.metadata import Metadata, network_sha256
from latent_nas.training.quantise import QuantisedNetwork


@dataclass(frozen=True)
class Component:
    """A network as C sees it.

    Attributes:
        prefix: of its names. network: as it runs there. about: what travels with it. arena_bytes: what it needs.
        seen: how raw data become its input; None of text. figures: flash, RAM and cycles by a macro's ending, once
            they were measured. frame: of a camera, that it takes beside raw data; None for none.
    """

    prefix: str
    network: QuantisedNetwork
    about: Metadata
    seen: Preprocessing | None
    arena_bytes: int
    figures: Mapping[str, Any]
    frame: Frame | None = None

    @property
    def golden(self) -> bool:
        """Whether there is a sample to test it with."""
        return self.about.golden_input is not None and self.seen is not None

    @property
    def series(self) -> SpectralFrontEnd | None:
        """What makes features of a series, None where nothing does."""
        front = self.seen and self.seen.front_end
        return front if isinstance(front, SpectralFrontEnd) else None

    def text(self) -> str:
        """Return the header."""
        body = [
            *self._input(),
            *self._output(),
            *self._classes(),
            *self._answer(),
            *self._figures(),
            *self._functions(),
        ]
        p, guard = self.prefix, f"{self.prefix.upper()}_H"
        return TEXT.format(p=p, guard=guard, body="\n".join(body))

    def _define(self, **values: object) -> list[str]:
        return [f"#define {self.prefix.upper()}_{name} {value}" for name, value in values.items()]

    def _input(self) -> list[str]:
        graph, x = self.network.graph, self.network.quants[0]
        if graph.input.vocabulary:
            size = self._define(VOCABULARY=graph.input.vocabulary)
            return [f"/* Input: a token, uint16_t, written to {self.prefix}_input(). */", *size]
        assert self.seen is not None
        height, width, channels = (*graph.input_shape, 1, 1, 1)[:3] if len(graph.input_shape) == 3 else (
            1, prod(graph.input_shape), 1,
        )  # fmt: skip
        what = f"{height} x {width} x {channels} (height x width x channels), the last axis changes fastest"
        lines = [f"/* Input: {what}.", f" * Raw values: {raw_type(self.seen)}, {comment(self.seen.unit)}."]
        if self.seen.columns:
            lines += [
                f" *   {self.seen.varies or 'channel'} {i}: {comment(n)}" for i, n in enumerate(self.seen.columns)
            ]
        if self.seen.resize:
            does = f": {self.prefix}_feed_frame() does" if self.frame else ""
            lines.append(f" * Images of another size were resized for training ({comment(self.seen.resize)}){does}.")
        if self.seen.grey:
            lines.append(f" * Colour images were made grey for training, as {self.prefix}_feed_rgb() does.")
        lines[-1] += " */"
        lines += self._define(INPUT_HEIGHT=height, INPUT_WIDTH=width, INPUT_CHANNELS=channels)
        lines += self._define(
            INPUT_SIZE=height * width * channels, INPUT_SCALE=real(x.scale), INPUT_ZERO=f"({x.zero_point})"
        )
        lines += self._define(RAW_SIZE=prod(self.seen.raw_shape))
        if (front := self.seen.front_end) is not None:
            each = self.series.every if self.series else height
            lines += self._define(RATE_HZ=f"{front.rate:g}") if front.rate else []
            lines += self._define(STEP_VALUES=front.channels) if isinstance(front, SpectralFrontEnd) else []
            every = f"{self.prefix.upper()}_RUN_EVERY"
            lines += [f"#ifndef {every} /* frames from one run of {self.prefix}_push() to the next */"]
            lines += [f"#define {every} {each}", "#endif"]
        if self.seen.window:
            lines += self._define(WINDOW=self.seen.window, HOP=self.seen.hop or self.seen.window)
        return [*lines, f"typedef {raw_type(self.seen)} {self.prefix}_raw;", ""]

    def _output(self) -> list[str]:
        y, n = self.network.quants[-1], prod(self.network.graph.output_shape)
        sizes = self._define(OUTPUTS=n, OUTPUT_SCALE=real(y.scale), OUTPUT_ZERO=f"({y.zero_point})")
        return [f"/* Output: int8, {n}; real = scale * (q - zero). */", *sizes, ""]

    def _classes(self) -> list[str]:
        names = self.about.classes
        if not names:
            return []
        lines = ["/* Classes, in the order of the outputs. */", *self._define(CLASSES=len(names))]
        if self.about.kind == "classify":
            for i, (name, plain) in enumerate(zip(names, constants(names), strict=True)):
                lines += [f"{line} /* {comment(name)} */" for line in self._define(**{f"CLASS_{plain}": i})]
        return [*lines, f"extern const char *const {self.prefix}_class_names[{self.prefix.upper()}_CLASSES];", ""]

    def _answer(self) -> list[str]:
        if self.about.threshold is None:
            return []
        said = "/* An alarm: a score above it, as at most 5 % of the normal validation samples have. */"
        return [said, *self._define(THRESHOLD=self.about.threshold), ""]

    def _figures(self) -> list[str]:
        lines = ["/* What it takes, and what it is. */", *self._define(ARENA_BYTES=self.arena_bytes)]
        lines += self._define(**self.figures)
        lines += [f"/* {comment(name)} {value:.4f} */" for name, value in self.about.measured.items()]
        lines += self._define(NETWORK_SHA256=f'"{network_sha256(self.network)}"')
        data = self.about.data_sha256
        return [*lines, *(self._define(DATA_SHA256=f'"{data}"') if data else []), ""]

    def _functions(self) -> list[str]:
        p, P = self.prefix, self.prefix.upper()
        parts = [BASIC.format(p=p, P=P)]
        if self.seen is not None:
            takes = "float" if self.seen.front_end is not None else f"{p}_raw"
            parts.append(FEED.format(p=p, P=P, takes=takes))
            parts.append(INT16.format(p=p) if self.seen.raw == VALUE else "")
            parts.append(LISTEN.format(p=p, P=P) if self.seen.front_end is not None and not self.series else "")
            parts.append(RGB.format(p=p) if self.seen.takes_colours else "")
            parts.append(PUSH.format(p=p) if self.seen.window or self.series else "")
            parts.append(self._frame())
        if self.golden:
            parts.append(TEST.format(p=p))
        parts.append(REPORT.format(p=p))
        if self.about.kind in ("", "classify", "text"):
            parts.append(ARGMAX.format(p=p, P=P))
        if self.about.kind == "anomaly":
            parts.append(ALARM.format(p=p, P=P))
        if self.about.kind == "regress":
            parts.append(self._values())
        return ["\n\n".join(part.strip("\n") for part in parts if part)]

    def _frame(self) -> str:
        if self.frame is None or self.seen is None:
            return ""
        return FRAME.format(
            p=self.prefix,
            P=self.prefix.upper(),
            width=self.frame.width,
            height=self.frame.height,
            row=self.frame.row_bytes,
            pixels=FORMATS[self.frame.pixels],
            how=self.frame.method,
            ram=ram_bytes(self.frame, self.network.graph.input_shape),
        )

    def _values(self) -> str:
        quant, about = self.network.quants[-1], self.about
        steps = [quant.scale / gain for gain in about.target_gain]
        offsets = [shift - quant.zero_point * step for shift, step in zip(about.target_shift, steps, strict=True)]
        return TARGET.format(
            p=self.prefix,
            P=self.prefix.upper(),
            names=", ".join(comment(name) for name in about.targets),
            steps=", ".join(real(step) for step in steps),
            offsets=", ".join(real(offset) for offset in offsets),
        )


TEXT = """/* `{p}`, an int8 network. README.md beside it has the lines to type.
 * Input, tensors and output share one arena: read the output before you write the next input, all in one thread. */
#ifndef {guard}
#define {guard}
#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

{body}

#ifdef __cplusplus
}}
#endif
#endif
"""

BASIC = """
extern int8_t {p}_arena[{P}_ARENA_BYTES];

void {p}_init(void);
void {p}_run(void);
int8_t *{p}_input(void);
const int8_t *{p}_output(void);

/* What an output stands for. */
static inline float {p}_dequantise(int8_t q)
{{
    return {P}_OUTPUT_SCALE * (float)(q - {P}_OUTPUT_ZERO);
}}
"""

FEED = """
/* The int8 input of value i of a sample (with a front end: of a frame, in its integers). */
int8_t {p}_quantise({takes} raw, uint32_t i);
/* Writes a sample of {P}_RAW_SIZE raw values to the input. */
void {p}_feed(const {p}_raw *raw);
"""

INT16 = "void {p}_feed_int16(const int16_t *raw);"

RGB = """
/* The same from red, green and blue, a byte each. */
void {p}_feed_rgb(const uint8_t *rgb);
"""

LISTEN = """
/* Any number of samples, as they are heard; returns how often the network has run, on the last recording's length.
 * It runs every {P}_RUN_EVERY frames, once that much was heard. */
int {p}_push(const int16_t *samples, uint32_t n);
void {p}_begin(void); /* forgets what was heard */
"""

PUSH = """
/* One step of a series; 1 when a window is full and the network has run on it, else 0. */
int {p}_push(const {p}_raw *step);
void {p}_begin(void); /* forgets the steps so far */
"""

FORMATS = {
    "grey": "a byte of grey each",
    "rgb": "red, green and blue, a byte each",
    "rgb565": "two bytes each, the low one first, red in the high five bits",
}

FRAME = """
/* A camera's frame, {pixels}: its part in the middle that has the input's shape is brought to the input's size, {how}
 * as in training, and fed. Rows from the top one by one need no frame in RAM: {p}_feed_row() returns 1 after the last,
 * else 0; {p}_begin_frame() leaves a frame that was not ended. Not while {p}_run() runs. */
#define {P}_FRAME_WIDTH {width}
#define {P}_FRAME_HEIGHT {height}
#define {P}_FRAME_ROW_BYTES {row}
#define {P}_FRAME_RAM_BYTES {ram}
void {p}_feed_frame(const uint8_t *frame);
int {p}_feed_row(const uint8_t *row);
void {p}_begin_frame(void);
"""

TEST = """
/* Runs the network on a sample of the validation data; returns how many outputs are not as they were in Python. */
int {p}_self_test(void);
"""

REPORT = """
/* Says what this network gives and takes on the chip, for `latent-nas deploy RUN --flash PORT`. write: puts a text on a
 * serial line. ticks: a counter that runs up, ticks_hz times a second. */
void {p}_report(void (*write)(const char *text), uint32_t (*ticks)(void), uint32_t ticks_hz);
"""

ARGMAX = """
/* The largest output after {p}_run(), of equal ones the first. */
static inline int {p}_argmax(void)
{{
    const int8_t *y = {p}_output();
    int best = 0;
    for (int i = 1; i < {P}_OUTPUTS; i++)
        if (y[i] > y[best])
            best = i;
    return best;
}}

#ifdef {P}_SOFTMAX /* define it before you include this; libm has expf */
static inline void {p}_softmax(float *p)
{{
    float sum = 0;
    const float best = {p}_dequantise({p}_output()[{p}_argmax()]);
    for (int i = 0; i < {P}_OUTPUTS; i++)
        sum += p[i] = __builtin_expf({p}_dequantise({p}_output()[i]) - best);
    for (int i = 0; i < {P}_OUTPUTS; i++)
        p[i] /= sum;
}}
#endif
"""

ALARM = """
/* How odd the last sample is: how far the outputs lie from their zero point, squared. */
static inline int32_t {p}_score(void)
{{
    const int8_t *y = {p}_output();
    int32_t total = 0;
    for (int i = 0; i < {P}_OUTPUTS; i++)
        total += (y[i] - {P}_OUTPUT_ZERO) * (y[i] - {P}_OUTPUT_ZERO);
    return total;
}}

static inline int {p}_is_anomaly(void)
{{
    return {p}_score() > {P}_THRESHOLD;
}}
"""

TARGET = """
/* Target i ({names}), in its own unit, after {p}_run(). */
static inline float {p}_value(int i)
{{
    static const float step[{P}_OUTPUTS] = {{{steps}}};
    static const float offset[{P}_OUTPUTS] = {{{offsets}}};
    return offset[i] + step[i] * (float){p}_output()[i];
}}
"""

"""The functions of ``<prefix>.h``: of all networks, of each kind of data and of each kind of answer."""

from latent_nas.firmware.component import Component
from latent_nas.firmware.frame import ram_bytes
from latent_nas.firmware.naming import comment, real
from latent_nas.preprocessing import VALUE, Preprocessing
from latent_nas.resampling import Frame


def declarations(component: Component) -> str:
    """Return the declarations of all functions that the component has, each under a comment."""
    p, P = component.prefix, component.prefix.upper()
    parts = [BASIC.format(p=p, P=P)]
    if component.seen is not None:
        parts += _feeds(component, component.seen)
    if component.golden:
        parts.append(TEST.format(p=p))
    parts.append(REPORT.format(p=p))
    if component.about.kind in ("", "classify", "text"):
        parts.append(ARGMAX.format(p=p, P=P))
    if component.about.kind == "anomaly":
        parts.append(ALARM.format(p=p, P=P))
    if component.about.kind == "regress":
        parts.append(_values(component))
    return "\n\n".join(part.strip("\n") for part in parts)


def _feeds(component: Component, seen: Preprocessing) -> list[str]:
    """Return what takes raw data: whole samples, colours, steps of a series or of a sound, frames of a camera."""
    p, P = component.prefix, component.prefix.upper()
    parts = [FEED.format(p=p, P=P, takes="float" if seen.front_end is not None else f"{p}_raw")]
    if seen.raw == VALUE:
        parts.append(INT16.format(p=p))
    if seen.front_end is not None and not component.series:
        parts.append(LISTEN.format(p=p, P=P))
    if seen.takes_colours:
        parts.append(RGB.format(p=p))
    if seen.window or component.series:
        parts.append(PUSH.format(p=p))
    if component.frame is not None:
        parts.append(_frame(component, component.frame))
    return parts


def _frame(component: Component, frame: Frame) -> str:
    return FRAME.format(
        p=component.prefix,
        P=component.prefix.upper(),
        width=frame.width,
        height=frame.height,
        row=frame.row_bytes,
        pixels=FORMATS[frame.pixels],
        how=frame.method,
        ram=ram_bytes(frame, component.network.graph.input_shape),
    )


def _values(component: Component) -> str:
    quant, about = component.network.quants[-1], component.about
    steps = [quant.scale / gain for gain in about.target_gain]
    offsets = [shift - quant.zero_point * step for shift, step in zip(about.target_shift, steps, strict=True)]
    return TARGET.format(
        p=component.prefix,
        P=component.prefix.upper(),
        names=", ".join(comment(name) for name in about.targets),
        steps=", ".join(real(step) for step in steps),
        offsets=", ".join(real(offset) for offset in offsets),
    )


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

"""The front end for audio in C: bit for bit as ``spectrum`` works it out, a recording at once or while it is heard."""

import numpy as np

from latent_nas.firmware.naming import wrapped
from latent_nas.front_end import FrontEnd
from latent_nas.spectrum import COSINE, LOG_STEPS, OCTAVE, POWER_SHIFT, SOFTEST


def source(ear: FrontEnd, prefix: str) -> str:
    """Return the C that stands behind ``<prefix>_quantise``."""
    t = ear.tables
    half, mfcc = len(t.order), len(t.cosines)
    return TEXT.format(
        p=prefix,
        P=prefix.upper(),
        window=ear.window,
        hop=ear.hop,
        half=half,
        bands=ear.bins,
        hann=_array("int16_t", "hann", t.window),
        order=_array("uint16_t", "order", t.order),
        stages="\n".join(_stage(t.turns, half, size) for size in _sizes(half))
        + (_pairs("turns", t.turns[:: half // 8][:4]) if _odd(half) else ""),
        fours="\n".join(f"    four({size}, turns{size});" for size in _sizes(half)),
        splits=_pairs("splits", t.splits),
        first=_array("uint16_t", "first", t.first),
        count=_array("uint16_t", "count", t.count),
        weights=_array("uint16_t", "weights", t.weights),
        logs=_array("uint16_t", "logs", t.logs),
        cosines=_array("int16_t", "cosines", t.cosines.reshape(-1)) if mfcc else "",
        floor=t.floor,
        softest=SOFTEST,
        shift=POWER_SHIFT,
        octave=OCTAVE,
        steps=LOG_STEPS,
        two=TWO.format() if _odd(half) else "",
        values=MFCC.format(n=mfcc, round=COSINE >> 1, P=prefix.upper()) if mfcc else BANDS.format(),
        silent=max(ear.hop - ear.window, 0),
        kept=max(ear.window - ear.hop, 0),
    )


def _odd(half: int) -> bool:
    return bool((half.bit_length() - 1) % 2)


def _sizes(half: int) -> list[int]:
    """Return the sizes of the stages of four points."""
    first = 8 if _odd(half) else 4
    return [first * 4**i for i in range(10) if first * 4**i < half]


def _stage(turns: np.ndarray, half: int, size: int) -> str:
    """Return the turns of a stage in the order in which it takes them."""
    step = half // (4 * size)
    rows = [", ".join(_q31(v) for times in (1, 2, 3) for v in turns[times * k * step].tolist()) for k in range(size)]
    rows = [f"{{{row}}}" for row in rows]
    return f"static const int32_t turns{size}[{size}][6] = {{\n    {wrapped(rows, 2)},\n}};"


def _array(kind: str, name: str, values: np.ndarray) -> str:
    return f"static const {kind} {name}[{len(values)}] = {{\n    {wrapped(values.tolist())},\n}};"


def _pairs(name: str, values: np.ndarray) -> str:
    rows = [f"{{{_q31(a)}, {_q31(b)}}}" for a, b in values.tolist()]
    return f"static const int32_t {name}[{len(rows)}][2] = {{\n    {wrapped(rows, 4)},\n}};"


def _q31(value: int) -> str:
    return "-2147483647 - 1" if value == -(2**31) else str(value)


TWO = """
    for (uint32_t k = 0; k < 4; k++) {{ /* one stage of two points */
        const int32_t wr = turns[k][0], wi = turns[k][1];
        for (uint32_t i = 2 * k; i < 2 * HALF; i += 16) {{
            int32_t br = high(z[i + 8], wr) - high(z[i + 9], wi), bi = high(z[i + 8], wi) + high(z[i + 9], wr);
            int32_t ar = z[i] >> 1, ai = z[i + 1] >> 1;
            z[i] = ar + br, z[i + 1] = ai + bi, z[i + 8] = ar - br, z[i + 9] = ai - bi;
        }}
    }}"""

BANDS = """    for (uint32_t b = 0; b < BANDS; b++)
        values[b] = bands[b];"""

MFCC = """    for (uint32_t c = 0; c < {n}; c++) {{
        int64_t value = {round};
        for (uint32_t b = 0; b < BANDS; b++)
            value += (int64_t)(bands[b] - 16384) * cosines[c * BANDS + b];
        values[c] = (int32_t)(value >> 14);
    }}"""

TEXT = """
/* The front end: windows, Fourier transform, mel bands, logarithm, in integers. */
enum {{ WINDOW = {window}, HOP = {hop}, HALF = {half}, BANDS = {bands} }}; /* HALF: complex points of the transform */

{hann}
{order}
{stages}
{splits}
{first}
{count}
{weights}
{logs}
{cosines}

static int32_t z[2 * HALF + 2];

/* Half of a product with a Q31 factor. */
static inline int32_t high(int32_t a, int32_t b)
{{
    return (int32_t)(((int64_t)a * b) >> 32);
}}

/* A stage of four points, `size` apart; turns: w, w squared, w cubed of each. */
static inline __attribute__((always_inline)) void four(const uint32_t size, const int32_t (*turns)[6])
{{
    int32_t *a = z;
    do {{
        const int32_t *w = turns[0];
        for (uint32_t k = size; k; k--, a += 2, w += 6) {{
            int32_t *b = a + 2 * size, *c = a + 4 * size, *d = a + 6 * size;
            int32_t cr = high(c[0], w[0]) - high(c[1], w[1]), ci = high(c[0], w[1]) + high(c[1], w[0]);
            int32_t dr = high(d[0], w[4]) - high(d[1], w[5]), di = high(d[0], w[5]) + high(d[1], w[4]);
            int32_t sr = (cr + dr) >> 1, si = (ci + di) >> 1, tr = (cr - dr) >> 1, ti = (ci - di) >> 1;
            int32_t br = high(b[0], w[2]) - high(b[1], w[3]), bi = high(b[0], w[3]) + high(b[1], w[2]);
            int32_t ar = a[0] >> 2, ai = a[1] >> 2;
            int32_t pr = ar + (br >> 1), pi = ai + (bi >> 1), qr = ar - (br >> 1), qi = ai - (bi >> 1);
            a[0] = pr + sr, a[1] = pi + si, c[0] = pr - sr, c[1] = pi - si;
            b[0] = qr + ti, b[1] = qi - tr, d[0] = qr - ti, d[1] = qi + tr;
        }}
        a += 6 * size;
    }} while (a < z + 2 * HALF);
}}

static void transform(uint32_t up)
{{
    for (uint32_t i = 0; i < 2 * HALF; i += 8) {{ /* two stages in one: no turn but by 90 degrees */
        int32_t v[8], pr, pi, qr, qi, sr, si, tr, ti;
        for (uint32_t j = 0; j < 8; j++)
            v[j] = (int32_t)((uint32_t)z[i + j] << up) >> 2;
        pr = v[0] + v[2], pi = v[1] + v[3], qr = v[0] - v[2], qi = v[1] - v[3];
        sr = v[4] + v[6], si = v[5] + v[7], tr = v[4] - v[6], ti = v[5] - v[7];
        z[i] = pr + sr, z[i + 1] = pi + si, z[i + 4] = pr - sr, z[i + 5] = pi - si;
        z[i + 2] = qr + ti, z[i + 3] = qi - tr, z[i + 6] = qr - ti, z[i + 7] = qi + tr;
    }}{two}
{fours}
}}

static int32_t power(int32_t re, int32_t im)
{{
    return (int32_t)((uint64_t)((int64_t)re * re + (int64_t)im * im) >> {shift});
}}

/* Powers of a real transform, that of bin k where the real part of k was. */
static void powers(void)
{{
    int32_t low = (z[0] >> 1) + (z[1] >> 1), top = (z[0] >> 1) - (z[1] >> 1);
    z[0] = power(low, 0);
    z[2 * HALF] = power(top, 0);
    for (uint32_t k = 1; k <= HALF / 2; k++) {{
        int32_t *a = z + 2 * k, *b = z + 2 * (HALF - k);
        const int32_t wr = splits[k][0], wi = splits[k][1];
        int32_t ar = a[0] >> 1, ai = a[1] >> 1, br = b[0] >> 1, bi = b[1] >> 1;
        int32_t er = (ar + br) >> 1, ei = (ai - bi) >> 1, dr = ar - br, di = ai + bi;
        int32_t tr = high(di, wr) + high(dr, wi), ti = high(di, wi) - high(dr, wr);
        a[0] = power(er + tr, ei + ti);
        b[0] = power(er - tr, ei - ti);
    }}
}}

/* The logarithm to base 2, in {octave}ths. */
static int32_t logarithm(uint64_t value)
{{
    uint32_t octave = 63u - (uint32_t)__builtin_clzll(value);
    uint32_t part = (uint32_t)(octave < 16 ? value << (16 - octave) : value >> (octave - 16)) & 0xFFFFu;
    uint32_t at = part >> 10, from = logs[at];
    return (int32_t)(octave * {octave}u + ((from + (((logs[at + 1] - from) * (part & 1023u)) >> 10)) >> 6));
}}

/* The values of one frame of WINDOW samples. */
static void frame(const int16_t *samples, int32_t *values)
{{
    int32_t bands[BANDS];
    uint32_t loudest = 0, up, at = 0;
    for (uint32_t n = 0; n < HALF; n++) {{
        int32_t *to = z + 2 * order[n];
        for (uint32_t part = 0, i = 2 * n; part < 2; part++, i++) {{
            to[part] = i < WINDOW ? samples[i] * hann[i] : 0;
            loudest |= (uint32_t)(to[part] ^ (to[part] >> 31));
        }}
    }}
    up = loudest ? (uint32_t)__builtin_clz((unsigned)loudest) - 2u : {softest}u; /* what is soft is made louder */
    up = up > {softest}u ? {softest}u : up;
    transform(up);
    powers();
    for (uint32_t b = 0; b < BANDS; b++) {{
        uint64_t total = (uint64_t){floor}u << (2 * up);
        const int32_t *p = z + 2 * first[b];
        for (uint32_t k = count[b]; k; k--, p += 2)
            total += (uint64_t)(uint32_t)*p * weights[at++];
        bands[b] = logarithm(total) - (int32_t)(2 * up * {octave}u);
    }}
{values}
}}

static void entered(const int16_t *samples, int8_t *row)
{{
    int32_t values[{P}_INPUT_WIDTH];
    frame(samples, values);
    for (uint32_t i = 0; i < {P}_INPUT_WIDTH; i++)
        row[i] = {p}_quantise((float)values[i], i);
}}

void {p}_feed(const int16_t *raw)
{{
    for (uint32_t f = 0; f < {P}_INPUT_HEIGHT; f++)
        entered(raw + f * HOP, {p}_input() + f * {P}_INPUT_WIDTH);
}}

/* While it listens: the samples of the next frame, and the frames of the last recording, the oldest at `row`. */
static int16_t heard[WINDOW];
static int8_t rows[{P}_INPUT_HEIGHT][{P}_INPUT_WIDTH];
static uint32_t held, skipped, row, full, fresh = {P}_RUN_EVERY;

void {p}_begin(void)
{{
    held = skipped = row = full = 0;
    fresh = {P}_RUN_EVERY;
}}

static void run(void)
{{
    int8_t *input = {p}_input();
    for (uint32_t f = 0, from = row; f < {P}_INPUT_HEIGHT; f++, from = from + 1 < {P}_INPUT_HEIGHT ? from + 1 : 0)
        for (uint32_t i = 0; i < {P}_INPUT_WIDTH; i++)
            *input++ = rows[from][i];
    {p}_run();
}}

int {p}_push(const int16_t *samples, uint32_t n)
{{
    int ran = 0;
    while (n--) {{
        const int16_t sample = *samples++;
        if (skipped) {{ /* between windows that lie apart */
            skipped--;
            continue;
        }}
        heard[held++] = sample;
        if (held < WINDOW)
            continue;
        entered(heard, rows[row]);
        row = row + 1 < {P}_INPUT_HEIGHT ? row + 1 : 0;
        for (held = 0; held < {kept}u; held++)
            heard[held] = heard[held + HOP];
        skipped = {silent}u;
        full += full < {P}_INPUT_HEIGHT;
        fresh++;
        if (full == {P}_INPUT_HEIGHT && fresh >= {P}_RUN_EVERY) {{
            fresh = 0;
            run();
            ran++;
        }}
    }}
    return ran;
}}
"""

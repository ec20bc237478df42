"""Spectral features of series in C: bit for bit as ``latent_nas.spectral``, a series at once or step by step."""

from latent_nas.firmware.audio import between, transform
from latent_nas.firmware.naming import real, wrapped
from latent_nas.spectral import EACH, MOST, PLACES, SpectralFrontEnd


def source(front: SpectralFrontEnd, prefix: str) -> str:
    """Return the C that stands behind ``<prefix>_quantise``."""
    silent, kept = between(front.window, front.hop)
    what = "mean, RMS, crossings, crest, Fourier transform, power of bands"
    series = SERIES.format(
        p=prefix,
        P=prefix.upper(),
        channels=front.channels,
        values=front.values,
        each=len(EACH),
        middle=wrapped([real(v) for v in front.shift], 8),
        scale=wrapped([real(v) for v in front.factor], 8),
        most=real(float(MOST)),
        frame=front.window,
        places=PLACES * front.window + front.window // 2,
        place=PLACES,
        steps=front.heard,
        silent=silent,
        kept=kept,
        both=BOTH.format(kept=kept) if kept else "",
    )
    return transform(front.tables, front.points, front.hop, prefix, what) + series  # zeros stand behind a frame


BOTH = """        for (held = 0; held < {kept}u; held++)
            heard[c][held] = heard[c][held + HOP];
"""

SERIES = """
/* Of a channel: {each} values of the steps themselves, then its bands. */
enum {{ CHANNELS = {channels}, VALUES = {values}, FRAME = {frame} }};

static const float middle[CHANNELS] = {{
    {middle}
}};
static const float scale[CHANNELS] = {{
    {scale}
}};

/* Steps of the next frame; those of one channel less their mean, zeros behind; rows of values, the oldest at `row`. */
static int16_t heard[CHANNELS][FRAME], rest[2 * HALF] __attribute__((aligned(4)));
static int8_t rows[{P}_INPUT_HEIGHT][{P}_INPUT_WIDTH];
static uint32_t held, skipped, row, full, fresh = {P}_RUN_EVERY;

/* A value as a whole number of 15 bits, to the nearest, half to even. */
static int16_t sampled(float raw, uint32_t c)
{{
    float steps = (raw - middle[c]) * scale[c], left;
    int32_t whole;
    if (!(steps > -{most})) /* what is not a number, too */
        steps = -{most};
    if (steps > {most})
        steps = {most};
    whole = (int32_t)steps;
    left = steps - (float)whole;
    if (left > 0.5f || (left >= 0.5f && (whole & 1)))
        whole++;
    else if (left < -0.5f || (left <= -0.5f && (whole & 1)))
        whole--;
    return (int16_t)whole;
}}

/* The values of one channel's frame. */
static void features(const int16_t *samples, int32_t *values)
{{
    int32_t sum = 0, mean, before;
    uint64_t energy = FRAME;
    uint32_t crossings = 0, peak = 0;
    for (uint32_t i = 0; i < FRAME; i++)
        sum += samples[i];
    mean = (int32_t)((uint32_t)(sum + {places}) / FRAME) - {place};
    before = samples[0] - mean;
    for (uint32_t i = 0; i < FRAME; i++) {{
        const int32_t d = samples[i] - mean;
        const uint32_t size = (uint32_t)(d < 0 ? -d : d);
        energy += size * size;
        crossings += (uint32_t)(d ^ before) >> 31;
        peak = size > peak ? size : peak;
        before = d;
        rest[i] = (int16_t)d;
    }}
    values[0] = mean;
    values[1] = logarithm(energy);
    values[2] = (int32_t)crossings;
    values[3] = logarithm((uint64_t)(peak * peak + 1)) - values[1];
    frame(rest, values + {each});
}}

/* Takes a step; 1 when it ends a frame, whose values then are the newest row. */
static int taken(const int16_t *step)
{{
    if (skipped) {{ /* between frames that lie apart */
        skipped--;
        return 0;
    }}
    for (uint32_t c = 0; c < CHANNELS; c++)
        heard[c][held] = step[c];
    if (++held < FRAME)
        return 0;
    for (uint32_t c = 0; c < CHANNELS; c++) {{
        int32_t values[VALUES];
        features(heard[c], values);
        for (uint32_t i = 0; i < VALUES; i++)
            rows[row][c * VALUES + i] = {p}_quantise((float)values[i], c * VALUES + i);
{both}    }}
    held = {kept}u;
    skipped = {silent}u;
    row = row + 1 < {P}_INPUT_HEIGHT ? row + 1 : 0;
    return 1;
}}

/* The last rows to the input. */
static void handed(void)
{{
    int8_t *input = {p}_input();
    for (uint32_t f = 0, from = row; f < {P}_INPUT_HEIGHT; f++, from = from + 1 < {P}_INPUT_HEIGHT ? from + 1 : 0)
        for (uint32_t i = 0; i < {P}_INPUT_WIDTH; i++)
            *input++ = rows[from][i];
}}

void {p}_begin(void)
{{
    held = skipped = row = full = 0;
    fresh = {P}_RUN_EVERY; /* the first series is as good as any */
}}

void {p}_feed(const float *raw)
{{
    {p}_begin();
    for (uint32_t s = 0; s < {steps}; s++, raw += CHANNELS) {{
        int16_t step[CHANNELS];
        for (uint32_t c = 0; c < CHANNELS; c++)
            step[c] = sampled(raw[c], c);
        (void)taken(step);
    }}
    handed();
    {p}_begin();
}}

void {p}_feed_int16(const int16_t *raw)
{{
    {p}_begin();
    for (uint32_t s = 0; s < {steps}; s++, raw += CHANNELS) {{
        int16_t step[CHANNELS];
        for (uint32_t c = 0; c < CHANNELS; c++)
            step[c] = sampled((float)raw[c], c);
        (void)taken(step);
    }}
    handed();
    {p}_begin();
}}

int {p}_push(const {p}_raw *raw)
{{
    int16_t step[CHANNELS];
    for (uint32_t c = 0; c < CHANNELS; c++)
        step[c] = sampled(raw[c], c);
    if (!taken(step))
        return 0;
    full += full < {P}_INPUT_HEIGHT;
    fresh++;
    if (full < {P}_INPUT_HEIGHT || fresh < {P}_RUN_EVERY)
        return 0;
    fresh = 0;
    handed();
    {p}_run();
    return 1;
}}
"""

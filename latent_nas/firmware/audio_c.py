"""The text of the audio front end in C, which ``audio`` fills in: plain loops, and calls of those in ``audio_dsp``.

``TRANSFORM`` is that of series as well; ``HEARD`` is what makes a recording's frames, at once or while it is heard.
"""

TWO = """
    for (uint32_t k = 0; k < 4; k++) {{ /* one stage of two points */
        for (int32_t *a = z + 2 * k; a < z + 2 * HALF; a += 16) {{
            const int32_t ar = a[0] >> 1, ai = a[1] >> 1;
            int32_t br, bi;
            turned(a[8], a[9], turns[k], &br, &bi);
            a[0] = ar + br, a[1] = ai + bi, a[8] = ar - br, a[9] = ai - bi;
        }}
    }}"""

PRODUCTS = """/* The sum and a product's upper half, rounded; and less a product's. */
static inline int32_t more(int32_t sum, int32_t a, int32_t b)
{{
#ifdef __ARM_ARCH_6M__ /* which multiplies to 32 bits only, and would call a routine of 64 times 64 bits */
    uint32_t low = (uint32_t)a & 0xffff, by = (uint32_t)b & 0xffff;
    int32_t high = a >> 16, by_high = b >> 16;
    int32_t middle = high * (int32_t)by + (int32_t)(low * by >> 16);
    int32_t rest = (middle & 0xffff) + (int32_t)low * by_high;
    return sum + high * by_high + (middle >> 16) + (((rest >> 15) + 1) >> 1);
#else
    return sum + (int32_t)(((int64_t)a * b + 0x80000000LL) >> 32);
#endif
}}

static inline int32_t less(int32_t sum, int32_t a, int32_t b)
{{
    return more(sum, -a, b);
}}"""

TURNED = """

static inline void turned(int32_t r, int32_t i, const int32_t *w, int32_t *to_r, int32_t *to_i)
{{
    *to_r = less(more(0, r, w[0]), i, w[1]);
    *to_i = more(more(0, r, w[1]), i, w[0]);
}}"""

RAISED = """\
/* raised: by how many bits samples can be raised, as what is soft is made louder. first_stages: samples raised, under
   the window, and two stages in one, which turn by 90 degrees only. */
"""

FIRST = """static uint32_t raised(const int16_t *samples)
{{
    uint32_t loudest = 0, up = 0;
    for (uint32_t i = 0; i < WINDOW; i++) {{
        const int32_t sample = samples[i];
        loudest |= (uint32_t)(sample ^ (sample >> 31));
    }}
    while (up < {softest} && !(loudest >> (14 - up)))
        up++;
    return up;
}}

static void first_stages(const int16_t *samples, uint32_t up)
{{
    const int16_t *h = hann;
    for (uint32_t n = 0; n < HALF / 4; n++) {{
        int32_t p[4], m[4], *to = z + 2 * order[n];
        for (uint32_t j = 0; j < 4; j++, h += 2) {{
            const uint32_t at = 2 * n + (j & 2) * (HALF / 4) + (j & 1);
            int32_t a = samples[at] * h[0], b = at + HALF < WINDOW ? samples[at + HALF] * h[1] : 0;
            p[j] = (int32_t)((uint32_t)(a + b) << up) >> 2, m[j] = (int32_t)((uint32_t)(a - b) << up) >> 2;
        }}
        to[0] = p[0] + p[2], to[1] = p[1] + p[3], to[4] = p[0] - p[2], to[5] = p[1] - p[3];
        to[2] = m[0] + m[3], to[3] = m[1] - m[2], to[6] = m[0] - m[3], to[7] = m[1] + m[2];
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

FOUR = """/* A stage of four points, `size` apart; `stage`: w, w cubed, w squared of each. */
#ifdef WITH_DSP
{four}
#else
static inline __attribute__((always_inline)) void four(const uint32_t size, const int32_t (*stage)[6])
{{
    int32_t *a = z;
    do {{
        const int32_t *w = stage[0];
        for (uint32_t k = size; k; k--, a += 2, w += 6) {{
            int32_t *b = a + 2 * size, *c = a + 4 * size, *d = a + 6 * size;
            int32_t br, bi, cr, ci, sr, si, tr, ti, pr, pi, qr, qi;
            turned(c[0], c[1], w, &cr, &ci);
            sr = less(more(cr, d[0], w[2]), d[1], w[3]), si = more(more(ci, d[0], w[3]), d[1], w[2]);
            tr = 2 * cr - sr, ti = 2 * ci - si;
            turned(b[0], b[1], w + 4, &br, &bi);
            pr = (a[0] >> 2) + br, pi = (a[1] >> 2) + bi, qr = (a[0] >> 2) - br, qi = (a[1] >> 2) - bi;
            a[0] = pr + sr, a[1] = pi + si, c[0] = pr - sr, c[1] = pi - si;
            b[0] = qr + ti, b[1] = qi - tr, d[0] = qr - ti, d[1] = qi + tr;
        }}
        a += 6 * size;
    }} while (a < z + 2 * HALF);
}}
#endif

"""

TRANSFORM = """
/* The front end: {what}, in integers. */
enum {{ WINDOW = {window}, HOP = {hop}, HALF = {half}, BANDS = {bands} }}; /* HALF: complex points of the transform */

{hann}
{order}
{stages}
{splits}
{first}
{pairs}
{weights}
{logs}
{cosines}

static int32_t z[2 * HALF + 2];

#if defined(__ARM_FEATURE_SIMD32) && !defined(NN_PLAIN)
#define WITH_DSP 1
#ifdef __cplusplus
#define ASSEMBLY extern "C"
#else
#define ASSEMBLY extern
#endif
#endif

{products}

{stage}{begins}
static void transform(void)
{{{two}
{fours}
}}

/* Of both ends of a real transform, which is halved. */
static int32_t power(int32_t half)
{{
    return (int32_t)((uint64_t)((int64_t)half * half) >> {shift});
}}

#ifdef WITH_DSP
{powers}
#endif

/* Powers of a real transform, that of bin k where the real part of k was. */
static void powers(void)
{{
    int32_t low = (z[0] >> 1) + (z[1] >> 1), top = (z[0] >> 1) - (z[1] >> 1);
    z[0] = power(low);
    z[2 * HALF] = power(top);
#ifdef WITH_DSP
    {p}_powers(z + 2, z + 2 * HALF, splits[1]);
#else
    for (uint32_t k = 1; k <= HALF / 2; k++) {{
        int32_t *a = z + 2 * k, *b = z + 2 * (HALF - k);
        const int32_t wr = splits[k][0], wi = splits[k][1];
        const int32_t er = a[0] + b[0], ei = a[1] - b[1], dr = 2 * (a[0] - b[0]), di = 2 * (a[1] + b[1]);
        const int32_t lr = more(more(er, dr, wi), di, wr), li = less(more(ei, di, wi), dr, wr);
        const int32_t hr = 2 * er - lr, hi = 2 * ei - li;
        a[0] = more(more(0, lr, lr), li, li);
        b[0] = more(more(0, hr, hr), hi, hi);
    }}
#endif
}}

/* A sum, and that of powers times weights. */
#ifdef WITH_DSP
{weighted}
#else
static uint64_t weighted(uint64_t sum, const int32_t *p, const uint16_t *weight, uint32_t n)
{{
    for (n *= 2; n; n--, p += 2) {{
        const uint32_t power = (uint32_t)*p, by = *weight++;
#ifdef __ARM_ARCH_6M__
        sum += (power & 0xffff) * by;
        sum += (uint64_t)((power >> 16) * by) << 16;
#else
        sum += (uint64_t)power * by;
#endif
    }}
    return sum;
}}
#endif

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
    const uint32_t up = raised(samples);
    const uint16_t *weight = weights;
    first_stages(samples, up);
    transform();
    powers();
    for (uint32_t b = 0; b < BANDS; b++) {{
        uint64_t total = (uint64_t){floor}u << (2 * up);
        const int32_t *p = z + 2 * first[b];
        total = weighted(total, p, weight, pairs[b]);
        weight += 2 * pairs[b];
        bands[b] = logarithm(total) - (int32_t)(2 * up * {octave}u);
    }}
{values}
}}
"""

BOTH = """        for (uint32_t i = 0; i < {kept}u; i++)
            heard[i] = heard[i + HOP];
"""

HEARD = """
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
static int16_t heard[WINDOW] __attribute__((aligned(4)));
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
{both}        held = {kept}u;
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

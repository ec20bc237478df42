"""The audio front end's transform for cores with the DSP extension, in assembly: the same bits as ``audio``'s plain C.

Compilers give what is loaded a register each and spill; here values are loaded in sequences (LDM) where they are used,
and a complex product takes four instructions, as SMMULR, SMMLAR and SMMLSR add to what is there. Samples are loaded two
at a time by LDR, which takes any address unless a program sets UNALIGN_TRP; all else lies at multiples of 4.
"""

MOST_POINTS = 2048  # of the first stages: beyond, samples lie further apart than a load reaches


def four(prefix: str) -> str:
    """Return a stage of four points; it stands before all else here."""
    inner = _lines(BUTTERFLY) * 4
    return _function(f"{prefix}_four", FOUR_BEGINS, inner, FOUR_ENDS) + FOUR.format(p=prefix)


def products() -> str:
    """Return a sum with a product's upper half, rounded, and less it, for loops in C."""
    return MORE


def first(prefix: str, half: int) -> str:
    """Return the first two stages and what finds the loudest sample; ``half``: complex points."""
    loudest = _function(
        f"{prefix}_loudest", "movs r2, #0", _lines(LOUDEST) * 4, "cmp r0, r1; blo 2b; mov r0, r2; bx lr"
    )
    stages = FIRST.format(b=2 * half, c=half - 4, d=3 * half - 4)
    begins = f"push {{r4-r11, lr}}; ldr lr, [sp, #36]; add r4, r3, #{half // 2}; push {{r4}}"
    ends = "ldr r4, [sp]; cmp r3, r4; bne 2b; add sp, #4; pop {r4-r11, pc}"
    return loudest + "\n\n" + _function(f"{prefix}_first", begins, _lines(stages), ends) + RAISED.format(p=prefix)


def powers(prefix: str) -> str:
    """Return what makes powers of a real transform of a complex one."""
    inner = _lines(POWERS) * 2
    ends = "cmp r0, r1; blo 2b; pop {r4-r11, pc}"
    return _function(f"{prefix}_powers", "push {r4-r11, lr}", inner, ends) + DECLARED.format(p=prefix)


def weighted(prefix: str) -> str:
    """Return what adds powers times weights to a sum, two pairs at a time; an odd number begins with the second."""
    begins = "push {r4-r6}; ldr r6, [sp, #12]; adds r6, #1; lsrs r6, r6, #1; bcc 3f"
    inner = [*_lines(WEIGHTED), "3:", *_lines(WEIGHTED)]
    ends = "subs r6, #1; bne 2b; pop {r4-r6}; bx lr"
    return _function(f"{prefix}_weighted", begins, inner, ends) + SUMS.format(p=prefix)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


def _function(name: str, begins: str, inner: list[str], ends: str) -> str:
    """Return a function in assembly: what stands before the loop, its lines, what stands behind it."""
    head = f'.syntax unified; .section .text.{name},\\"ax\\",%progbits; .p2align 2; .thumb; .thumb_func; .weak {name}'
    lines = [head, f".type {name}, %function; {name}:", begins, "2:", *inner, ends, f".size {name}, . - {name}; .text"]
    return "__asm(" + "\n      ".join(f'"{line}\\n"' for line in lines) + ");"


MORE = """#define PRODUCT(name, instruction)                                          \\
    static inline int32_t name(int32_t sum, int32_t a, int32_t b)           \\
    {                                                                       \\
        __asm(instruction " %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));  \\
        return sum;                                                         \\
    }
PRODUCT(more, "smmlar")
PRODUCT(less, "smmlsr")"""

# r0 to r3: a, b, c, d; r12: turns. On the stack: where b began, the first turn, the end.
FOUR_BEGINS = (
    "push {r2-r11, lr}; sub sp, #4; 1: ldr r12, [sp, #4]; add r4, r0, r1; str r4, [sp]; add r2, r4, r1; add r3, r2, r1;"
    " mov r1, r4"
)
FOUR_ENDS = (
    "ldr r9, [sp]; cmp r0, r9; bne 2b; subs r1, r3, r2; mov r0, r3; ldr r4, [sp, #8]; cmp r0, r4; bne 1b; add sp, #12;"
    " pop {r4-r11, pc}"
)

BUTTERFLY = """
    ldm r12!, {r4-r9}; ldm r2!, {r10, r11}
    smmulr lr, r10, r4; smmulr r10, r10, r5; smmlsr lr, r11, r5, lr; smmlar r10, r11, r4, r10
    ldm r3!, {r4, r5}
    smmlar r11, r4, r6, lr; smmlar r4, r4, r7, r10; smmlsr r11, r5, r7, r11; smmlar r4, r5, r6, r4
    rsb lr, r11, lr, lsl #1; rsb r10, r4, r10, lsl #1
    ldm r1!, {r5, r6}
    smmulr r7, r5, r8; smmulr r5, r5, r9; smmlsr r7, r6, r9, r7; smmlar r5, r6, r8, r5
    ldm r0!, {r8, r9}
    add r6, r7, r8, asr #2; rsb r7, r7, r8, asr #2; add r8, r5, r9, asr #2; rsb r5, r5, r9, asr #2
    add r9, r6, r11; str r9, [r0, #-8]; sub r6, r6, r11; str r6, [r2, #-8]
    add r9, r8, r4; str r9, [r0, #-4]; sub r8, r8, r4; str r8, [r2, #-4]
    add r9, r7, r10; str r9, [r1, #-8]; sub r7, r7, r10; str r7, [r3, #-8]
    sub r9, r5, lr; str r9, [r1, #-4]; add r5, r5, lr; str r5, [r3, #-4]
"""

FOUR = """
ASSEMBLY void {p}_four(int32_t *a, uint32_t bytes, const int32_t *turns, const int32_t *end);

static inline void four(const uint32_t size, const int32_t (*stage)[6])
{{
    {p}_four(z, 8 * size, stage[0], z + 2 * HALF);
}}"""

# The highest bit in which two neighbours differ, of two samples at once.
LOUDEST = """
    ldr r3, [r0], #4; eor r3, r3, r3, lsl #1; orrs r2, r3
    ldr r3, [r0], #4; eor r3, r3, r3, lsl #1; orrs r2, r3
"""

# r0: samples, two a word; r1: window; r2: bits by which to raise; r3: places; lr: z.
FIRST = """
    ldr r4, [r0, #{b}]; ldm r1!, {{r8-r11}}; ldr r5, [r0], #4
    pkhbt r6, r5, r4, lsl #16; pkhtb r12, r4, r5, asr #16
    ldr r4, [r0, #{c}]
    smuad r5, r6, r8; smusd r7, r6, r8; smuad r6, r12, r9; smusd r12, r12, r9
    ldr r9, [r0, #{d}]
    pkhbt r8, r4, r9, lsl #16; pkhtb r4, r9, r4, asr #16
    smuad r9, r4, r11; smusd r4, r4, r11; smusd r11, r8, r10; smuad r8, r8, r10
    lsls r5, r2; lsls r6, r2; lsls r7, r2; lsl r8, r8, r2
    lsl r9, r9, r2; lsl r10, r4, r2; lsl r11, r11, r2; lsl r12, r12, r2
    asrs r5, r5, #2; asrs r6, r6, #2; asrs r7, r7, #2; asr r12, r12, #2
    add r4, r5, r8, asr #2; sub r8, r5, r8, asr #2; add r5, r6, r9, asr #2; sub r9, r6, r9, asr #2
    add r6, r7, r10, asr #2; sub r10, r7, r10, asr #2; sub r7, r12, r11, asr #2; add r11, r12, r11, asr #2
    ldrh r12, [r3], #2; add r12, lr, r12, lsl #3; stm r12, {{r4-r11}}
"""

RAISED = """
ASSEMBLY uint32_t {p}_loudest(const int16_t *samples, const int16_t *end);
ASSEMBLY void {p}_first(const int16_t *samples, const int16_t *window, uint32_t up, const uint16_t *order, int32_t *to);

static uint32_t raised(const int16_t *samples)
{{
    uint32_t both = {p}_loudest(samples, samples + WINDOW);
    return (uint32_t)__builtin_clz((unsigned)(((both | both >> 16) & 0xFFFEu) | 2u)) - 16u;
}}

static inline void first_stages(const int16_t *samples, uint32_t up)
{{
    {p}_first(samples, hann, up, order, z);
}}"""

# r0: a, upwards; r1: b, downwards; r2: splits.
POWERS = """
    ldm r2!, {r4, r5}; ldm r0!, {r6, r7}; ldmdb r1!, {r8, r9}
    add r10, r6, r8; subs r6, r6, r8; sub r11, r7, r9; adds r7, r7, r9; lsls r6, r6, #1; lsls r7, r7, #1
    smmlar r8, r6, r5, r10; smmlar r9, r7, r5, r11; smmlar r8, r7, r4, r8; smmlsr r9, r6, r4, r9
    rsb r10, r8, r10, lsl #1; rsb r11, r9, r11, lsl #1
    smmulr r8, r8, r8; smmlar r8, r9, r9, r8; str r8, [r0, #-8]
    smmulr r10, r10, r10; smmlar r10, r11, r11, r10; str r10, [r1]
"""

DECLARED = """
ASSEMBLY void {p}_powers(int32_t *first, int32_t *end, const int32_t *splits);"""

# r0, r1: the sum; r2: powers; r3: weights, two a word.
WEIGHTED = """
    ldr r4, [r3], #4; uxth r5, r4; ldr r12, [r2], #16; umlal r0, r1, r12, r5
    ldr r12, [r2, #-8]; lsrs r4, r4, #16; umlal r0, r1, r12, r4
"""

SUMS = """
ASSEMBLY uint64_t {p}_weighted(uint64_t sum, const int32_t *p, const uint16_t *weight, uint32_t pairs);

static inline uint64_t weighted(uint64_t sum, const int32_t *p, const uint16_t *weight, uint32_t n)
{{
    return {p}_weighted(sum, p, weight, n);
}}"""

"""The README that lies beside a network's C: the lines to type, and the numbers behind them."""

from collections.abc import Sequence

from latent_nas.costs.memory import MemoryPlan
from latent_nas.devices import Device, Region
from latent_nas.firmware.component import Component
from latent_nas.firmware.frame import ram_bytes
from latent_nas.firmware.naming import comment
from latent_nas.firmware.preprocess import raw_type
from latent_nas.preprocessing import Preprocessing


def readme(component: Component, device: Device, plan: MemoryPlan, region: Region, demo: Sequence[str] = ()) -> str:
    """Return the README of a component; ``demo``: that it lies in a program of its own, whose lines come first."""
    p, core, y = component.prefix, device.core, component.network.quants[-1]
    rows = [*_input(component), f"| output | `{p}_output()`, int8, {component.network.graph.output_shape[-1]} |"]
    rows[-1] += f" real = {y.scale!r} * (q - ({y.zero_point})) |"
    rows += _answer(component)
    rows.append(f"| arena | `{p}_arena`, {plan.peak} B in `.bss`, no flash | in the demo region `{region.name}` |")
    rows += _figures(component)
    return README.format(
        p=p,
        P=p.upper(),
        device=device.name,
        demo=DEMO.format(p=p, device=device.name, drive=DRIVE if device.boot else "") if demo else "",
        core=f"{core.name}: {'; '.join(core.lacks()) or 'kernels with SMLAD'}",
        lines=_lines(component),
        test=TEST.format(p=p) if component.golden else "",
        rows="\n".join(rows),
        report=REPORT.format(p=p),
        seen=_seen(component.seen, component),
        lacks=f"\nTo run on {device.name}: {device.lacks}.\n" if device.lacks else "",
    )  # fmt: skip


def _lines(component: Component) -> str:
    """Return the C that a user types."""
    p, P, seen = component.prefix, component.prefix.upper(), component.seen
    if seen is None:
        return TOKEN.format(p=p)
    kind = component.about.kind
    answer = f"int c = {p}_argmax();"
    if component.about.classes and kind == "classify":
        answer += f" /* {p}_class_names[c] is its name */"
    if kind == "regress":
        answer = f"float value = {p}_value(0);"
    if kind == "anomaly":
        answer = f"if ({p}_is_anomaly())\n    alarm();"
    lines = f"{raw_type(seen)} raw[{P}_RAW_SIZE]; /* from your sensor */\n{p}_feed(raw);\n{p}_run();\n{answer}"
    if seen.front_end is not None and not component.series:
        lines += HEARD.format(p=p, answer=answer.replace("\n", "\n    "))
    if seen.window or component.series:
        size = f"{P}_STEP_VALUES" if component.series else f"{P}_INPUT_CHANNELS"
        lines += PUSHED.format(p=p, size=size, raw=raw_type(seen), answer=answer.replace("\n", "\n    "))
    return f'#include "{p}.h"\n\n{p}_init(); /* once */\n\n{lines}'


def _input(component: Component) -> list[str]:
    graph, x, p = component.network.graph, component.network.quants[0], component.prefix
    if component.seen is None:
        return [f"| input | `{p}_input()`, uint16, one token; `{p}_init()` begins a new text | 0 to"
                f" {graph.input.vocabulary - 1} |"]  # fmt: skip
    shape = " x ".join(map(str, graph.input_shape))
    raw = " x ".join(map(str, component.seen.raw_shape))
    rows = [f"| raw data | `{p}_feed(raw)`, {raw_type(component.seen)}, {raw} | {comment(component.seen.unit)} |"]
    if (folded := component.seen.folded(x)) is not None:
        rows.append(f"| | | raw = {folded.scale!r} * (q - ({folded.zero_point})) |")
    what = f"input = {x.scale!r} * (q - ({x.zero_point}))"
    return [*rows, f"| input | `{p}_input()`, int8, {shape} (height x width x channels) | {what} |"]


def _answer(component: Component) -> list[str]:
    p, about = component.prefix, component.about
    if about.kind == "regress":
        return [f"| value | `{p}_value(i)`, float: {', '.join(map(comment, about.targets))} | in the target's unit |"]
    if about.threshold is not None:
        return [f"| alarm | `{p}_is_anomaly()`, 0 or 1 | `{p}_score()` above {about.threshold} |"]
    names = ", ".join(f"{i} {comment(name)}" for i, name in enumerate(about.classes))
    rows = [f"| class | `{p}_argmax()`, `{p}_class_names[]` | {names} |"] if about.classes else []
    return rows + ([f"| meaning | as in the file it was read from | {about.left_out} |"] if about.left_out else [])


def _figures(component: Component) -> list[str]:
    """Return rows on what it takes, once that was measured."""
    given = component.figures
    if not given:
        return []
    rows = [
        f"| the demo takes | flash {given['DEMO_FLASH_BYTES']} B, RAM {given['DEMO_RAM_BYTES']} B | of the linker |"
    ]
    if "MEASURED_CYCLES" in given:
        rows.append(f"| an inference took | {given['MEASURED_CYCLES']} cycles | measured on a board |")
    if "EMULATED_CYCLES_LEAST" in given:
        span = f"{given['EMULATED_CYCLES_LEAST']} to {given['EMULATED_CYCLES_MOST']} cycles"
        rows.append(f"| an inference takes | {span} | instructions counted in emulation, times what a core needs |")
    if "FRAME_CYCLES_LEAST" in given:
        span = f"{given['FRAME_CYCLES_LEAST']} to {given['FRAME_CYCLES_MOST']} cycles"
        rows.append(f"| `{component.prefix}_feed_frame()` takes | {span} | the same |")
    if "PREPROCESS_CYCLES_LEAST" in given:
        span = f"{given['PREPROCESS_CYCLES_LEAST']} to {given['PREPROCESS_CYCLES_MOST']} cycles"
        rows.append(f"| `{component.prefix}_feed()` takes | {span} | the same |")
    return rows


def _seen(seen: Preprocessing | None, component: Component) -> str:
    """Return what was done to raw data, for people."""
    if seen is None:
        return ""
    p = component.prefix
    said = [f"`{p}_preprocess.c` does to raw data what training did, bit for bit as the Python reference."]
    if component.series:
        said.append(f"It makes {component.series.text()}. `{p}_feed()` forgets steps that were pushed.")
        if component.series.names:
            said.append(f"Order of the values of a step: {', '.join(map(comment, component.series.names))}.")
    each = f", one per {seen.varies}" if seen.varies else ""
    said.append(f"input = (raw - shift) * gain{each}; the numbers are in `metadata.json` of the run's network.")
    if seen.columns:
        of = " of the input" if component.series else ""
        said.append(f"Order of the {seen.varies or 'channel'}s{of}: {', '.join(map(comment, seen.columns))}.")
    if seen.resize and component.frame is None:
        said.append(
            f"Images of another size were resized for training ({seen.resize}); do that before, or have it done:"
            " `deploy --camera 320x240:rgb565`."
        )
    if component.frame is not None:
        shape = component.network.graph.input_shape
        said.append(
            f"`{p}_feed_frame()` takes a camera's frame of {component.frame}, `{p}_feed_row()` its rows one by one:"
            f" {component.frame.method}, {ram_bytes(component.frame, shape)} B of RAM beside the arena."
        )
    if seen.takes_colours:
        said.append(f"Colour pixels go to `{p}_feed_rgb()`, which makes them grey as Pillow does.")
    return "\n" + "\n".join(said) + "\n"


PUSHED = """

/* or, step by step; after a gap {p}_begin() forgets the steps before it: */
{raw} step[{size}];
if ({p}_push(step)) {{
    {answer}
}}"""

HEARD = """

/* or, as the samples come in, any number at a time; after a gap {p}_begin() forgets those before it: */
if ({p}_push(samples, n)) {{
    {answer}
}}"""

TOKEN = """#include "{p}.h"

{p}_init(); /* begins a text */
*(uint16_t *)(void *){p}_input() = token;
{p}_run();
int next = {p}_argmax();"""

TEST = """`{p}_self_test()` runs a sample of the validation data and returns 0 if every output is as it was in Python:
run it once on your board.
"""

REPORT = """
`{p}_report(write, ticks, ticks_hz)` says over a serial line of yours what the network gives and takes on your chip:
`latent-nas deploy RUN --out DIR --flash PORT` listens, compares bit by bit, and keeps the times. Call it again and
again, a second apart.
"""

DEMO = """`make` builds `firmware.elf` for {device} with arm-none-eabi-gcc. `main.c` runs the network for ever. Put your
own `exchange` in place of its weak one: it takes the last outputs and writes the next inputs. The linker refuses what
does not fit a region of the device. `startup.c` has the vector table; interrupts beyond the core's are yours to add.

For a program of your own take the folder `{p}/` and leave the rest.

`make clean && make NN=-DBENCH` builds a firmware that measures itself: cycles per operator (DWT->CYCCNT) as CSV over
semihosting, or over your UART if you define `bench_write` and `bench_end`. Save what it prints, and
`latent-nas calibrate --measurements cycles.csv --base native --runtime my_board --out DIR` reads it.

{drive}"""

DRIVE = """`boot.c` is what the chip's boot ROM wants to find before it starts a program. Hold BOOTSEL while you plug
the board in, and copy `firmware.uf2` to the drive that appears; after a change `picotool uf2 convert
firmware.elf firmware.uf2` makes it anew.

"""

README = """# `{p}`: an int8 network, for {device}

{demo}Add the component's `.c` files to your build and its headers' folder to the include paths. Nothing else is needed,
and C and C++ both do. Then:

```c
{lines}
```

{test}{report}
| what | where | numbers |
|---|---|---|
{rows}
{seen}
Outputs and inputs share the arena: read the outputs before you write the next inputs, and run the network in one
thread. With `-D{P}_OWN_ARENA` the arena is an array of yours, `int8_t {p}_arena[{P}_ARENA_BYTES]`, on a multiple of 8.
Several networks can live in one program, each with a prefix of its own (`latent-nas deploy --prefix`); kernels of one
name are one file, and compiled twice they do no harm, as their functions are weak.

Cores with the DSP extension use the kernels with SMLAD, all others plain C; both give the same bits. The core here is
{core}.
{lacks}
`LICENSE` (MIT) is that of the code of latent_nas in here; the network in `{p}.c` is yours.
"""

"""``<prefix>.h``: what goes in, what comes out, and every number that a program needs of a network."""

from math import prod

from latent_nas.firmware.component import Component
from latent_nas.firmware.declarations import declarations
from latent_nas.firmware.naming import comment, constants, real
from latent_nas.firmware.preprocess import raw_type
from latent_nas.preprocessing import Preprocessing
from latent_nas.spectral import SpectralFrontEnd
from latent_nas.training.metadata import network_sha256


def header(component: Component) -> str:
    """Return the text of ``<prefix>.h``."""
    body = [
        *_input(component),
        *_output(component),
        *_classes(component),
        *_alarm(component),
        *_figures(component),
        declarations(component),
    ]
    p, guard = component.prefix, f"{component.prefix.upper()}_H"
    return TEXT.format(p=p, guard=guard, body="\n".join(body))


def _define(component: Component, **values: object) -> list[str]:
    return [f"#define {component.prefix.upper()}_{name} {value}" for name, value in values.items()]


def _input(component: Component) -> list[str]:
    """Return what a sample is, in a comment, its sizes and the type of raw values; of text what a token is."""
    graph, seen, p = component.network.graph, component.seen, component.prefix
    if seen is None:
        size = _define(component, VOCABULARY=graph.input.vocabulary)
        return [f"/* Input: a token, uint16_t, written to {p}_input(). */", *size]
    shape, x = graph.input_shape, component.network.quants[0]
    height, width, channels = shape if len(shape) == 3 else (1, prod(shape), 1)
    return [
        *_sample(component, seen, f"{height} x {width} x {channels}"),
        *_define(component, INPUT_HEIGHT=height, INPUT_WIDTH=width, INPUT_CHANNELS=channels),
        *_define(component, INPUT_SIZE=prod(shape), INPUT_SCALE=real(x.scale), INPUT_ZERO=f"({x.zero_point})"),
        *_define(component, RAW_SIZE=prod(seen.raw_shape)),
        *_streamed(component, seen, component.series.every if component.series else height),
        f"typedef {raw_type(seen)} {p}_raw;",
        "",
    ]


def _sample(component: Component, seen: Preprocessing, shape: str) -> list[str]:
    """Return the comment on a sample of raw data: its shape and unit, and what was done to it before training."""
    what = f"{shape} (height x width x channels), the last axis changes fastest"
    lines = [f"/* Input: {what}.", f" * Raw values: {raw_type(seen)}, {comment(seen.unit)}."]
    if (series := component.series) is not None:
        order = ", ".join(map(comment, series.names)) or f"{series.channels} channels"
        lines[-1] = f"{lines[-1][:-1]}; {series.steps} steps, each {order}."
        lines += [" * The front end makes the columns of the input of them:"] * bool(seen.columns)
    lines += [f" *   {seen.varies or 'channel'} {i}: {comment(name)}" for i, name in enumerate(seen.columns)]
    if seen.resize:
        does = f": {component.prefix}_feed_frame() does" if component.frame else ""
        lines.append(f" * Images of another size were resized for training ({comment(seen.resize)}){does}.")
    if seen.grey:
        lines.append(f" * Colour images were made grey for training, as {component.prefix}_feed_rgb() does.")
    lines[-1] += " */"
    return lines


def _streamed(component: Component, seen: Preprocessing, every: int) -> list[str]:
    """Return the numbers of audio and series that are pushed as they come; ``every``: frames from run to run."""
    front, lines = seen.front_end, []
    if front is not None:
        lines += _define(component, RATE_HZ=f"{front.rate:g}") if front.rate else []
        lines += _define(component, STEP_VALUES=front.channels) if isinstance(front, SpectralFrontEnd) else []
        name = f"{component.prefix.upper()}_RUN_EVERY"
        lines += [f"#ifndef {name} /* frames from one run of {component.prefix}_push() to the next */"]
        lines += [f"#define {name} {every}", "#endif"]
    if seen.window:
        lines += _define(component, WINDOW=seen.window, HOP=seen.hop or seen.window)
    return lines


def _output(component: Component) -> list[str]:
    y, n = component.network.quants[-1], prod(component.network.graph.output_shape)
    sizes = _define(component, OUTPUTS=n, OUTPUT_SCALE=real(y.scale), OUTPUT_ZERO=f"({y.zero_point})")
    return [f"/* Output: int8, {n}; real = scale * (q - zero). */", *sizes, ""]


def _classes(component: Component) -> list[str]:
    names, p = component.about.classes, component.prefix
    if not names:
        return []
    lines = ["/* Classes, in the order of the outputs. */", *_define(component, CLASSES=len(names))]
    if component.about.kind == "classify":
        for i, (name, plain) in enumerate(zip(names, constants(names), strict=True)):
            lines += [f"{line} /* {comment(name)} */" for line in _define(component, **{f"CLASS_{plain}": i})]
    return [*lines, f"extern const char *const {p}_class_names[{p.upper()}_CLASSES];", ""]


def _alarm(component: Component) -> list[str]:
    if component.about.threshold is None:
        return []
    said = "/* An alarm: a score above it, as at most 5 % of the normal validation samples have. */"
    return [said, *_define(component, THRESHOLD=component.about.threshold), ""]


def _figures(component: Component) -> list[str]:
    """Return what the network takes, what it reached, and hashes of it and of its data."""
    about = component.about
    lines = ["/* What it takes, and what it is. */", *_define(component, ARENA_BYTES=component.arena_bytes)]
    lines += _define(component, **component.figures)
    lines += [f"/* {comment(name)} {value:.4f} */" for name, value in about.measured.items()]
    lines += _define(component, NETWORK_SHA256=f'"{network_sha256(component.network)}"')
    return [*lines, *(_define(component, DATA_SHA256=f'"{about.data_sha256}"') if about.data_sha256 else []), ""]


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

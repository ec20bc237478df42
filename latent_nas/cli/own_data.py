"""Options of commands that take one's own data; they become part of the task's name, so that a resumed run has them."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from latent_nas.cli import options


def named(
    task: str,
    input: options.Input = None,
    kind: options.Kind = None,
    normal: options.Normal = None,
    label: Annotated[
        str | None,
        typer.Option(
            "--label",
            help="Column of a table with the answers; default: label, target, class, activity, ...",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    window: Annotated[
        int | None,
        typer.Option(
            "--window", help="Steps of a window, to cut recordings into windows.", rich_help_panel=options.DATA
        ),
    ] = None,
    hop: Annotated[
        int | None,
        typer.Option(
            "--hop",
            help="Steps from one window to the next. Default: --window, no overlap.",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    length: Annotated[
        str | None,
        typer.Option(
            "--length",
            help="Series of several lengths: steps to pad or cut them to, or shortest or longest.",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            help="Column (subject, session, ...), or file or folder, whose samples stay in one part of the split."
            " Default: a column called so; none: draw every sample by itself.",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    missing: Annotated[
        str | None,
        typer.Option(
            "--missing",
            help="Missing numbers of a table: drop (the sample) or interpolate (in time).",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    front: Annotated[
        str | None,
        typer.Option(
            "--front",
            help="Front end. Recordings: log_mel (default), mfcc or raw. Series: raw (default) or spectral"
            " (mean, RMS, crossings, crest and power per band of every frame). auto: `search` trains three networks"
            " behind each of a few and takes the best on validation.",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    rate: Annotated[
        int | None,
        typer.Option(
            "--rate",
            help="Hz. Recordings: resample to it; default: that of most. Series: the sampling rate, for --bands in Hz.",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    frame: Annotated[
        int | None,
        typer.Option(
            "--frame", help="Spectral: steps of a frame. Default: half a sample.", rich_help_panel=options.DATA
        ),
    ] = None,
    frame_hop: Annotated[
        int | None,
        typer.Option(
            "--frame-hop",
            help="Spectral: steps from one frame to the next. Default: half a frame.",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    fft: Annotated[
        int | None,
        typer.Option(
            "--fft",
            help="Spectral: points of the Fourier transform. Default: the power of two that holds a frame.",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    bands: Annotated[
        str | None,
        typer.Option(
            "--bands",
            help="Spectral: how many bands, or their edges in Hz, as 0.5,3,8,20. Default: 8.",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    strict: options.Strict = False,
) -> str:
    """Return the name of a task with what is asked of your own data."""
    from latent_nas.tasks._names import with_options

    given = {"input": input, "kind": kind, "normal": normal, "window": window, "hop": hop, "length": length}
    columns = {"label": label, "group": group}
    given |= {key: v and v.replace("%", "%25").replace("&", "%26") for key, v in columns.items()}
    given |= {"front": front, "rate": rate, "frame": frame, "frame_hop": frame_hop, "fft": fft, "bands": bands}
    return with_options(task, **given, missing=missing, strict=strict)


def joined(first: Callable[..., str], second: Callable[..., str]) -> inspect.Signature:
    """Return the signature of a function that takes its own parameters and all but the first of another."""
    own = [p for p in inspect.signature(first).parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    return inspect.Signature([*own, *[*inspect.signature(second).parameters.values()][1:]])


def of_data(name: Callable[..., str], task: str = "task") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that gives a command the options of ``name``, which make its parameter ``task``.

    Args:
        name: takes the task and options, and returns the task's name in full.
    """

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command).parameters
        shared = {key: part for key, part in inspect.signature(name).parameters.items() if key not in own}

        @functools.wraps(command)
        def run(**given: Any) -> None:
            asked = {key: given.pop(key) for key in shared}
            first = next(iter(inspect.signature(name).parameters))
            source = asked.pop(first) if first in asked else given.pop(first)
            command(**{task: name(source, **asked), **given})

        parts: list[inspect.Parameter] = []
        for key, part in own.items():
            if key == task and key not in inspect.signature(name).parameters:
                parts += shared.values()
            else:
                parts += [part, *shared.values()] if key == task else [part]
        run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [part.replace(kind=inspect.Parameter.KEYWORD_ONLY) for part in parts]
        )
        run.__annotations__ = {part.name: part.annotation for part in parts}
        return run

    return decorated

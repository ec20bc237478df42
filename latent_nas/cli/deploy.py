"""``latent-nas deploy``: firmware of a run's final network, compiled, and run on the emulated device."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from latent_nas.cli import options

BOARD = "Your board"  # panel of the help


def deploy(
    source: Annotated[
        Path,
        typer.Argument(
            help="A run folder, the folder of an int8 network, or an .onnx or .tflite file (int8 or float)."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the C project.")],
    device: Annotated[
        str,
        typer.Option(help="A name of `latent-nas devices` or a .toml file. Default: the run's, else stm32f405."),
    ] = "",
    emulate: Annotated[bool, typer.Option("--emulate", help="Run it on the emulated device and compare.")] = False,
    inputs: Annotated[
        int, typer.Option(help="Number of validation inputs to run on the emulated device or the board.")
    ] = 10,
    plain: Annotated[bool, typer.Option("--plain", help="Use plain C kernels even where the core has SMLAD.")] = False,
    emulator: Annotated[
        str, typer.Option(help="Emulator: unicorn (extra mcu) or qemu (qemu-system-arm); with --emulate.")
    ] = "unicorn",
    toolchain: Annotated[str, typer.Option(help="Compiler: zig (extra mcu) or gcc (arm-none-eabi-gcc).")] = "zig",
    layout: Annotated[
        str,
        typer.Option(
            "--as", help="Layout: demo, library, cubeide, arduino, platformio, zephyr, esp-idf or cmsis-pack."
        ),
    ] = "demo",
    prefix: Annotated[
        str,
        typer.Option(
            help="Prefix of every name in C, so that one program can hold several networks. Default: the run's"
            " (`search --prefix`), else model."
        ),
    ] = "",
    camera: Annotated[
        str,
        typer.Option(
            metavar="WIDTHxHEIGHT[:PIXELS]",
            help="A camera's frame, 320x240:rgb565, that the C brings to the input as training did: crop, size, grey."
            " Pixels: rgb (default), rgb565 or grey.",
        ),
    ] = "",
    flash: Annotated[
        str,
        typer.Option(
            metavar="PORT|probe|gdb:HOST:PORT",
            help="Run it on your board and compare. probe programs the chip with pyocd, probe-rs or openocd (or name"
            " one of them, with :SERIAL of the probe), gdb:HOST:PORT through a GDB server, and measures time and stack;"
            " a serial port (/dev/ttyACM0) only listens to a program that you flashed and that calls the network's"
            " _report().",
            rich_help_panel=BOARD,
        ),
    ] = "",
    chip: Annotated[
        str,
        typer.Option(
            help="With --flash: the chip as the probe's program calls it. Default: that of the device's file.",
            rich_help_panel=BOARD,
        ),
    ] = "",
    baud: Annotated[int, typer.Option(help="With --flash PORT: its speed.", rich_help_panel=BOARD)] = 115200,
    timeout: Annotated[
        float, typer.Option(help="With --flash PORT: seconds to listen at most.", rich_help_panel=BOARD)
    ] = 30.0,
    rank: options.Rank = "1",
    calibration: options.Calibration = None,
    characters: Annotated[int, typer.Option(help="Characters to generate (language models, with --emulate).")] = 200,
    prompt: Annotated[
        str | None, typer.Option(help="Prompt of a language model. Default: a line end, else the first character.")
    ] = None,
    temperature: Annotated[float, typer.Option(help="Sampling temperature of a language model.")] = 0.8,
    seed: options.Seed = 0,
    as_json: options.Json = False,
) -> None:
    """Write a network's C project, compile it, and with --emulate prove that it gives the reference's outputs.

    A language model then generates text on the device, token by token: the same characters as the reference.

    Exit codes: 3 if the firmware faults, in emulation or on the board, with address and function; 1 if it exceeds the
    limits of its run or differs from the reference.

    Example: latent-nas deploy runs/my_run --out fw --emulate

    Example: latent-nas deploy runs/my_run --out kws --as library --prefix kws

    Example: latent-nas deploy runs/my_run --out fw --flash probe
    """
    from latent_nas import lock
    from latent_nas.cli.show import show
    from latent_nas.firmware import Fault
    from latent_nas.jobs import deploy as job
    from latent_nas.jobs import deployed
    from latent_nas.jobs.build import Build, Text
    from latent_nas.jobs.on_board import OnBoard
    from latent_nas.jobs.ranks import rank_of

    try:
        with lock.held(lock.beside(out), out), show(as_json) as view:
            board = OnBoard(flash, chip, baud, timeout) if flash else None
            how = Build(plain, toolchain, emulator if emulate else "", prefix, layout, board, camera)
            text = Text(characters, prompt, seed, temperature)
            number, said = rank_of(source, rank)
            if said:
                view.say(said)
            report = job.deploy(source, device, out, how, inputs, number, view.say, calibration, text)
    except Fault as fault:
        print(f"error: the firmware faults: {fault}", file=sys.stderr)
        raise typer.Exit(3) from None
    print(json.dumps(report) if as_json else deployed.summary(report, out))
    if not deployed.same(report) or not deployed.keeps_limits(report):
        raise typer.Exit(1)

"""``latent-nas deploy``: firmware of a run's final network, compiled, and run on the emulated device."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from latent_nas.cli import options


def deploy(
    source: Annotated[
        Path,
        typer.Argument(
            help="A run folder, the folder of an int8 network, or an .onnx or .tflite file (int8 or float)."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the C project.")],
    device: Annotated[
        str, typer.Option(help="Default: the run's device, else stm32f405. A file of latent_nas/devices, or yours.")
    ] = "",
    emulate: Annotated[bool, typer.Option("--emulate", help="Run it on the emulated device.")] = False,
    inputs: Annotated[int, typer.Option(help="Validation inputs to run there.")] = 10,
    plain: Annotated[bool, typer.Option("--plain", help="Plain C kernels even where the core has SMLAD.")] = False,
    emulator: Annotated[
        str, typer.Option(help="unicorn (from the extra mcu) or qemu (qemu-system-arm), with --emulate.")
    ] = "unicorn",
    toolchain: Annotated[str, typer.Option(help="zig (from the extra mcu) or gcc (arm-none-eabi-gcc).")] = "zig",
    layout: Annotated[
        str, typer.Option("--as", help="demo, library, cubeide, arduino, platformio, zephyr or esp-idf.")
    ] = "demo",
    prefix: Annotated[
        str, typer.Option(help="Begins every name in C, so that several networks fit a program.")
    ] = "model",
    rank: options.Rank = 1,
    calibration: options.Calibration = None,
    characters: Annotated[int, typer.Option(help="A network of text writes so many with --emulate.")] = 200,
    prompt: Annotated[
        str | None, typer.Option(help="What it reads first. Defaults to the end of a line, or the first character.")
    ] = None,
    temperature: Annotated[float, typer.Option(help="Below 1 likely tokens become likelier.")] = 0.8,
    seed: options.Seed = 0,
    as_json: options.Json = False,
) -> None:
    """Write a network's C project, compile it, and with --emulate prove that it gives the reference's outputs.

    A network of text then writes: token by token, the same characters as the reference.

    A firmware that faults: exit code 3, with address and function; one above the limits of its run, or that differs
    from the reference: 1.

    Example: latent-nas deploy runs/my_run --out fw --emulate

    Example: latent-nas deploy runs/my_run --out kws --as library --prefix kws
    """
    from latent_nas import lock
    from latent_nas.cli.show import show
    from latent_nas.firmware import Fault
    from latent_nas.jobs import deploy as job
    from latent_nas.jobs import deployed

    try:
        with lock.held(lock.beside(out), out), show(as_json) as view:
            how = job.Build(plain, toolchain, emulator if emulate else "", prefix, layout)
            text = job.Text(characters, prompt, seed, temperature)
            report = job.deploy(source, device, out, how, inputs, rank, view.say, calibration, text)
    except Fault as fault:
        print(f"error: the firmware faults: {fault}", file=sys.stderr)
        raise typer.Exit(3) from None
    print(json.dumps(report) if as_json else deployed.summary(report))
    if not deployed.same(report) or not deployed.keeps_limits(report):
        raise typer.Exit(1)

"""Options that several commands share: one type, one default, one help text each."""

from pathlib import Path
from typing import Annotated

import typer

Task = Annotated[str, typer.Option(help="What is to be learnt: a file of latent_nas/tasks.")]
Space = Annotated[str, typer.Option(help="Which networks there are: a file of latent_nas/spaces.")]
Device = Annotated[str, typer.Option(help="The microcontroller: a file of latent_nas/devices.")]
Runtime = Annotated[str, typer.Option(help="What runs the network there: a file of latent_nas/runtimes.")]
Limit = Annotated[
    list[str] | None,
    typer.Option(
        help="flash_kb=N, ram_kb=N or latency_ms=N (1 KB = 1024 B); may be repeated. Without any: flash_kb=32"
        " ram_kb=16 latency_ms=5. The device's own limits hold as well."
    ),
]
Seed = Annotated[int, typer.Option(help="Decides all randomness.")]
Workers = Annotated[int, typer.Option(help="Training processes; 0 is one per core. Changes no result.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output, nothing else.")]
Tensorboard = Annotated[
    bool, typer.Option("--tensorboard", help="Write logs for TensorBoard as well (extra tensorboard).")
]
CodecDir = Annotated[Path | None, typer.Option("--codec", help="Folder of a codec; default: the shipped one.")]

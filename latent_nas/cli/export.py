"""``latent-nas export``: a network as a file of another tool's."""

from pathlib import Path
from typing import Annotated

import typer

from latent_nas.cli import options


def export(
    source: Annotated[
        str,
        typer.Argument(
            help="A run folder, the folder of an int8 network, or an .onnx or .tflite file (int8 or float)."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The file to write: ends in .onnx or .tflite.")],
    format: Annotated[str | None, typer.Option(help="onnx or tflite; default: what --out ends in.")] = None,
    rank: options.Rank = "1",
    calibration: options.Calibration = None,
) -> None:
    """Write an int8 network, with the integers that the device holds, as ONNX (QDQ) or TensorFlow Lite.

    Each needs the extra of its name.

    Example: latent-nas export runs/mine/networks/1 --out best.tflite
    """
    from latent_nas.jobs import export as job
    from latent_nas.jobs.ranks import rank_of

    number, said = rank_of(Path(source), rank)
    print(*filter(None, [said, job.export(source, out, format, number, calibration)]), sep="\n")

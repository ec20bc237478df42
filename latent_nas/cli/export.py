"""``latent-nas export``: a network as a file of another tool's."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    network: Annotated[Path, typer.Argument(help="Folder of an int8 network: runs/<run>/networks/<rank>.")],
    out: Annotated[Path, typer.Option(help="The file to write: ends in .onnx or .tflite.")],
    format: Annotated[str | None, typer.Option(help="onnx or tflite; default: what --out ends in.")] = None,
) -> None:
    """Write an int8 network, with the integers that the device holds, as ONNX (QDQ) or TensorFlow Lite.

    Each needs the extra of its name.

    Example: latent-nas export runs/mine/networks/1 --out best.tflite
    """
    from latent_nas.jobs import export as job

    print(job.export(network, out, format))

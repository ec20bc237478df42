"""``latent-nas export``: a network as a file of another tool's."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    network: Annotated[Path, typer.Argument(help="Folder of an int8 network: runs/<run>/networks/<rank>.")],
    out: Annotated[Path, typer.Option(help="The .onnx file to write.")],
) -> None:
    """Write an int8 network as ONNX (QDQ), with the integers that the device holds; needs the extra "onnx".

    Example: latent-nas export runs/mine/networks/1 --out best.onnx
    """
    from latent_nas.interchange import need_onnx

    need_onnx()
    if out.suffix != ".onnx":
        raise ValueError(f"--out wants a file that ends in .onnx, got {out}")
    from latent_nas.pipeline import export as job

    job.onnx(network, out)
    print(f"{out}: input (n, channels, height, width) float, output float")

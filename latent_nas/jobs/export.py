"""A trained int8 network as a file of another tool's."""

import json
from pathlib import Path

from latent_nas.jobs.answers import about_of
from latent_nas.jobs.networks import open_source


def export(source: str | Path, out: Path, format: str | None, rank: int = 1, calibration: Path | None = None) -> str:
    """Write an int8 network to ``out``; return what was written, in a line.

    Args:
        source: a trained network, see ``networks.open_source``. rank: which of a run's final networks, from 1.
        calibration: the data (.npz) that a float ONNX file is quantised with.
        format: a file ``latent_nas/interchange/<format>_export.py``; None: the one that ``out`` ends in.

    Raises:
        ValueError: no such format, ``out`` does not end in it or is there already, no int8 network there or a damaged
            one, or the format's extra is not installed.
    """
    from latent_nas.interchange import exporter, formats

    endings = " or ".join(f".{name}" for name in ([format] if format else formats()))
    write = exporter(format or out.suffix[1:]) if out.suffix[1:] in formats() or format else None
    if write is None or (format and out.suffix != f".{format}"):
        raise ValueError(f"--out wants a file that ends in {endings}, got {out}")
    if out.exists():
        raise ValueError(f"{out} is there already; choose another --out")
    trained = open_source(source, rank)
    network, made = trained.quantised(calibration)
    about = about_of(trained, network, made)
    takes = write(network, out, json.dumps(about.to_json()) if about.kind or about.preprocessing else "")
    first, last = network.quants[0], network.quants[-1]
    return (
        f"{out}: {out.stat().st_size} B; {takes} (scale {first.scale:.6g}, zero point"
        f" {first.zero_point}), output {network.graph.output_shape} (scale {last.scale:.6g}, zero point"
        f" {last.zero_point})"
        + "; raw data become the input by 'preprocessing' of its metadata 'latent_nas'"
        * bool(about.preprocessing)
    )

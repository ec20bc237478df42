"""A trained int8 network as a file of another tool's."""

from pathlib import Path


def export(network: Path, out: Path, format: str | None) -> str:
    """Write the int8 network of a folder to ``out``; return what was written, in a line.

    Args:
        format: a file ``latent_nas/interchange/<format>_export.py``; None: the one that ``out`` ends in.

    Raises:
        ValueError: no such format, ``out`` does not end in it or is there already, the folder holds no int8 network or
            a damaged one, or the format's extra is not installed.
    """
    from latent_nas.interchange import exporter, formats

    endings = " or ".join(f".{name}" for name in ([format] if format else formats()))
    write = exporter(format or out.suffix[1:]) if out.suffix[1:] in formats() or format else None
    if write is None or (format and out.suffix != f".{format}"):
        raise ValueError(f"--out wants a file that ends in {endings}, got {out}")
    if out.exists():
        raise ValueError(f"{out} is there already; choose another --out")
    from latent_nas.training.quantise import QuantisedNetwork

    read = QuantisedNetwork.load(network)
    write(read, out)
    first, last = read.quants[0], read.quants[-1]
    return (
        f"{out}: {out.stat().st_size} B; input {read.graph.input_shape} (scale {first.scale:.6g}, zero point"
        f" {first.zero_point}), output {read.graph.output_shape} (scale {last.scale:.6g}, zero point {last.zero_point})"
    )

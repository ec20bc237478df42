"""A trained int8 network as a file of another tool's."""

from pathlib import Path


def onnx(network: Path, out: Path) -> None:
    """Write the int8 network of a folder as ONNX (QDQ).

    Raises:
        ValueError: the folder holds no int8 network or a damaged one, or the extra ``onnx`` is not installed.
    """
    from latent_nas.interchange.onnx_export import export_int8
    from latent_nas.training.quantise import QuantisedNetwork

    export_int8(QuantisedNetwork.load(network), out)

"""Networks in the files of others: ONNX out and in, TensorFlow Lite out.

``<format>_export.py`` files write the int8 network and are found by their place: each assigns
``Plugin = function(network, path)``. ``onnx_export`` writes QDQ (QuantizeLinear and DequantizeLinear around float
operators) and float, ``onnx_import`` reads either into a graph, ``onnx_network`` into an int8 network.
"""

from collections.abc import Callable

from latent_nas import plugins


def formats() -> list[str]:
    """Return the names of the formats that an int8 network can be written in; files end in them."""
    return [name.removesuffix("_export") for name in plugins.names("interchange") if name.endswith("_export")]


def exporter(name: str) -> Callable[..., None]:
    """Return what writes an int8 network to a file of a format.

    Raises:
        ValueError: there is no such format; the message names those there are.
    """
    if name not in formats():
        raise ValueError(f"no format {name!r}; there are: {', '.join(formats())}")
    write: Callable[..., None] = plugins.load("interchange", f"{name}_export")
    return write

"""Networks in the files of others: ONNX out and in, TensorFlow Lite out.

``<format>_export.py`` files write the int8 network and are found by their place: each assigns
``Plugin = function(network, path)``. ``onnx_export`` writes QDQ (QuantizeLinear and DequantizeLinear around float
operators) and float, ``onnx_import`` reads either into a graph, ``onnx_network`` into an int8 network.
"""

from collections.abc import Callable
from typing import Any

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


def need_onnx() -> Any:
    """Return the module ``onnx``.

    Raises:
        ValueError: it is not installed; the message names the extra.
    """
    try:
        import onnx
        import onnx.numpy_helper
    except ImportError:
        raise ValueError('ONNX files need the extra "onnx": pip install "latent_nas[onnx]"') from None
    return onnx


def need_tflite() -> Any:
    """Return the classes of TensorFlow Lite's schema.

    Raises:
        ValueError: they are not installed; the message names the extra.
    """
    try:
        import flatbuffers  # noqa: F401
        from ai_edge_litert import schema_py_generated
    except ImportError:
        raise ValueError('.tflite files need the extra "tflite": pip install "latent_nas[tflite]"') from None
    return schema_py_generated

"""Networks in the files of others: ONNX, out and in.

``onnx_export`` writes the float network or the int8 one (as QDQ: QuantizeLinear and DequantizeLinear around float
operators), ``onnx_import`` reads either into a graph. Both need the extra ``onnx``.
"""

from typing import Any


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

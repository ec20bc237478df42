"""What to do about operators that are not known here, of any format."""

from collections.abc import Iterable

LISTED = "docs/operators.md lists those that are"
HINTS: dict[str, tuple[str, ...]] = {  # by what to do: how names of operators begin, their domain left out
    "dynamic quantisation rounds every input anew: give the float model with --calibration, or quantise statically": (
        *("DynamicQuantize", "ConvInteger", "MatMulInteger"),
    ),
    "quantise with quant_format=QuantFormat.QDQ": ("QLinear", "QGemm"),
    "recurrent layers have no kernel here: train convolutions over the steps in their place": (
        *("LSTM", "GRU", "RNN", "UNIDIRECTIONAL_SEQUENCE", "BIDIRECTIONAL_SEQUENCE", "WHILE", "Loop", "Scan"),
    ),
    "trees and support vectors have no kernel here: train an MLP or a linear model": ("TreeEnsemble", "SVM"),
    "statistics of every input have no kernel here: train with batch norm, or with layer norm and export ONNX": (
        *("InstanceNormalization", "GroupNormalization", "SQUARED_DIFFERENCE"),
    ),
    "attention is known of this package's own networks only": ("BATCH_MATMUL", "Attention", "MultiHeadAttention"),
    "convert with supported_ops of TFLITE_BUILTINS alone": ("CUSTOM 'Flex",),
}


def advice(unknown: Iterable[str]) -> str:
    """Return in a line what to do about operators of these names."""
    names = [name.rpartition(".")[2] for name in unknown]
    return "; ".join([*(text for text, begins in HINTS.items() if any(n.startswith(begins) for n in names)), LISTED])

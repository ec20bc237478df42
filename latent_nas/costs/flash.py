"""Flash: weights, biases, quantisation constants; apart from them code and the rest of the model's file."""

from collections.abc import Sequence
from dataclasses import dataclass

from latent_nas.costs.layer import Layer
from latent_nas.runtimes import Runtime


@dataclass(frozen=True)
class Flash:
    """Bytes of flash by what they are for; ``layers``: weights, biases and constants of each."""

    weights: int
    bias: int
    quantisation: int
    code: int
    layers: tuple[int, ...]


def flash(layers: Sequence[Layer], runtime: Runtime) -> Flash:
    """Return the flash of a deployed graph's layers.

    Quantisation constants are one set per channel of an operator with weights, one per tensor, and tables. Code is the
    runtime's own, that of each kernel in use once, of those that they call, and what the model's file adds.

    Raises:
        ValueError: the runtime has no kernel for a layer.
    """
    usual, tensor = runtime.quantisation_bytes_per_channel, runtime.quantisation_bytes_per_tensor
    own = {layer.kernel: runtime.kernel(layer.kernel).channel_bytes for layer in layers if layer.work}
    channel = {kernel: usual if each is None else each for kernel, each in own.items()}
    tables = [runtime.kernel(layer.kernel).table_bytes + layer.table_bytes if layer.work else 0 for layer in layers]
    constants = [
        channel.get(x.kernel, usual) * runtime.scales(x.kernel, x.channels) + (0 if x.view else tensor) + t
        for x, t in zip(layers, tables, strict=True)
    ]
    runs = [layer.kernel for layer in layers if layer.work]
    linked = {name for kernel in runs for name in (kernel, runtime.kernel(kernel).calls) if name}
    scales = sum([runtime.scales(layer.kernel, layer.channels) for layer in layers])
    file = runtime.model_bytes + runtime.model_bytes_per_operator * len(runs) + runtime.model_bytes_per_channel * scales
    return Flash(
        weights=sum([layer.weights_bytes for layer in layers]),
        bias=sum([layer.bias_bytes for layer in layers]),
        quantisation=sum(constants),
        code=file + runtime.code_bytes + sum([runtime.kernel(kernel).code_bytes for kernel in linked]),
        layers=tuple(x.weights_bytes + x.bias_bytes + c for x, c in zip(layers, constants, strict=True)),
    )

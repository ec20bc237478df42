"""Functions of one value by name, and powers: each is a formula of x."""

from collections.abc import Callable
from math import prod

import numpy as np

from latent_nas.interchange.onnx_nodes.call import Call, Value
from latent_nas.operators.activation import Activation
from latent_nas.operators.gelu import Gelu
from latent_nas.operators.prelu import PRelu


def named(formula: str, **settings: float) -> Callable[[Call], Value]:
    """Return the reader of a function whose formula has names in braces for the node's attributes.

    Args:
        settings: what an attribute is where the node has none.
    """

    def read(call: Call) -> Value:
        given = {name: shortest(call.setting(name, value)) for name, value in settings.items()}
        return call.add(Activation(formula.format(**given)), call.value(0))

    return read


def shortest(number: float) -> str:
    """Return a number with as many digits as single precision has, as files hold it."""
    return repr(float(str(np.float32(number))))


def gelu(call: Call) -> Value:
    """Return a GELU, exact or by a hyperbolic tangent."""
    tangent = call.setting("approximate", "none") == "tanh"
    return call.add(Activation("tanh_gelu(x)") if tangent else Gelu(), call.value(0))


def power(call: Call) -> Value:
    """Return a tensor to a constant power, or a constant to the power of a tensor."""
    i = 0 if call.values[0] else 1
    constant = call.constant(1 - i)
    if constant.size != 1:
        raise call.refuse(f"a constant {constant.shape}; only one for all elements is known here")
    if i == 1 and constant.ravel()[0] < 0:
        raise call.refuse(f"{constant.ravel()[0]:g} to the power of a tensor, which is a number for whole numbers only")
    number = shortest(float(constant.ravel()[0]))
    return call.add(Activation(f"x ** {number}" if i == 0 else f"{number} ** x"), call.value(i))


def prelu(call: Call) -> Value:
    """Return a leaky ReLU of one slope, or of one per channel.

    Raises:
        Unreadable: slopes that differ within a channel.
    """
    slope, x = call.constant(1), call.value(0)
    if (slope == slope.ravel()[0]).all():
        return call.add(Activation(f"leaky_relu(x, {shortest(float(slope.ravel()[0]))})"), x)
    shape = call.draft.shape(x.node)
    slopes = np.full(prod(shape), np.nan)
    try:
        slopes[x.order.ravel()] = np.broadcast_to(slope, x.order.shape).ravel()
    except ValueError:
        raise call.refuse(f"slopes {slope.shape} of a tensor {x.order.shape}") from None
    rows = slopes.reshape(-1, shape[-1])
    if not (rows == rows[0]).all():
        raise call.refuse(f"slopes {slope.shape} of a tensor {x.order.shape} are not one per channel")
    scale = call.scales[1]
    one = None if scale is None or (scale != scale.ravel()[0]).any() else np.full(len(rows[0]), scale.ravel()[0])
    node = call.put(PRelu(), x.node)
    call.hold(node, rows[0], None, one)
    return Value(node, x.order)


READERS = {
    "LeakyRelu": named("leaky_relu(x, {alpha})", alpha=0.01),
    "Sigmoid": named("sigmoid(x)"),
    "Tanh": named("tanh(x)"),
    "HardSigmoid": named("hard_sigmoid(x, {alpha}, {beta})", alpha=0.2, beta=0.5),
    "Elu": named("elu(x, {alpha})", alpha=1.0),
    "Selu": named("selu(x, {alpha}, {gamma})", alpha=1.67326319217681884765625, gamma=1.05070102214813232421875),
    "Celu": named("celu(x, {alpha})", alpha=1.0),
    "ThresholdedRelu": named("threshold(x, {alpha}, 0)", alpha=1.0),
    "Shrink": named("shrink(x, {bias}, {lambd})", bias=0.0, lambd=0.5),
    "Softplus": named("softplus(x)"),
    "Softsign": named("softsign(x)"),
    "Mish": named("mish(x)"),
    "Swish": named("x * sigmoid({alpha} * x)", alpha=1.0),
    "Gelu": gelu,
    "Erf": named("erf(x)"),
    "Exp": named("exp(x)"),
    "Log": named("log(x)"),
    "Sqrt": named("sqrt(x)"),
    "Abs": named("abs(x)"),
    "Sign": named("sign(x)"),
    "Floor": named("floor(x)"),
    "Ceil": named("ceil(x)"),
    "Round": named("round(x)"),
    "Sin": named("sin(x)"),
    "Cos": named("cos(x)"),
    "Reciprocal": named("1 / x"),
    "Pow": power,
    "PRelu": prelu,
    "com.microsoft.Gelu": gelu,
    "com.microsoft.FastGelu": lambda call: call.add(Activation("tanh_gelu(x)"), call.value(0)),
    "com.microsoft.QuickGelu": named("x * sigmoid({alpha} * x)", alpha=1.702),
}

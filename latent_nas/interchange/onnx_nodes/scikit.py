"""Of what skl2onnx writes in the domain ai.onnx.ml: scalers, missing values, linear regressions."""

import numpy as np

from latent_nas.interchange.onnx_nodes.call import Call, Value
from latent_nas.interchange.onnx_nodes.layers import dense
from latent_nas.interchange.onnx_view import memory


def scaler(call: Call) -> Value:
    """Return (x - offset) * scale, as StandardScaler, MinMaxScaler and RobustScaler become it."""
    offset, scale = (np.asarray(call.setting(name, [d]), float) for name, d in (("offset", 0.0), ("scale", 1.0)))
    return call.affine(call.value(0), scale, -offset * scale)


def linear_regressor(call: Call) -> Value:
    """Return the sums of weighted features, one for each target."""
    if (after := call.setting("post_transform", "NONE")) != "NONE":
        raise call.refuse(f"post_transform {after}; only NONE is known here")
    targets = int(call.setting("targets", 1))
    weight = np.asarray(call.setting("coefficients", []), float)
    if not weight.size or weight.size % targets:
        raise call.refuse(f"{weight.size} coefficients for {targets} targets")
    bias = np.asarray(call.setting("intercepts", [0.0]), float)
    made = dense(call, call.value(0), weight.reshape(targets, -1), bias, None)
    return Value(made, memory((1, targets)))


def imputer(call: Call) -> Value:
    """Return the tensor itself: what is not a number has no int8, so there is nothing to be replaced.

    Raises:
        Unreadable: numbers are replaced.
    """
    if not np.isnan(replaced := float(call.setting("replaced_value_float", 0.0))):
        raise call.refuse(f"it replaces {replaced:g}; only what is not a number (NaN) is known here")
    call.draft.note(f"{call.what} is left out: no int8 stands for a missing value (NaN); fill these in before")
    return call.value(0, padded=True)


READERS = {"ai.onnx.ml.Imputer": imputer, "ai.onnx.ml.Scaler": scaler, "ai.onnx.ml.LinearRegressor": linear_regressor}

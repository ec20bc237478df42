"""Flash and RAM of whole images that others measured, beside weights and tensors: code, constants, a runtime's own RAM.

A model like that of latency (``published_model``): the bytes that ``cmsis_nn`` counts by kind, each kind times a factor
of its own, all drawn to one common factor. Dense layers have one scale for all units in the published files.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd
from published_model import BASE, WITHOUT_SOFTMAX, fit
from published_ram import planned

from latent_nas.costs.layer import Layer, layer
from latent_nas.graph.deploy import deploy
from latent_nas.runtimes import Runtime
from latent_nas.zoo import open_network

WINDOWS = ("conv2d", "pointwise", "depthwise")
FLASH = ("base", "windows", "others", "operators", "channels")
RAM = ("own", "operators", "channels")
LEAST = 4  # networks of a group, below which nothing is fitted
ONE_SCALE = frozenset({"dense"})


@dataclass(frozen=True)
class Counted:
    """What a named network has: weights and biases in bytes, and the bytes of ``cmsis_nn`` by ``FLASH`` and ``RAM``."""

    weights: int
    flash: tuple[float, ...]
    ram: tuple[float, ...]


@cache
def counted(network: str) -> Counted:
    """Return the bytes of a named network, a closing softmax counted as an operator."""
    graph = deploy(open_network(network)).graph
    runs = [one for node in graph.nodes if (one := layer(node.operator, graph.shapes_into(node))).work]
    kernels = {one.kernel for one in runs} & BASE.kernels.keys()
    channels = sum(one.channels for one in runs if one.kernel not in ONE_SCALE)
    operators = len(runs) + (network not in WITHOUT_SOFTMAX)
    code = {name: BASE.kernels[name].code_bytes for name in kernels}
    windows = sum(code[name] for name in kernels & {*WINDOWS})
    flash = (BASE.code_bytes, windows, sum(code.values()) - windows)
    flash += (BASE.model_bytes_per_operator * operators, BASE.quantisation_bytes_per_channel * channels)
    ram = (10 * BASE.ram_bytes, BASE.ram_bytes_per_operator * operators, BASE.ram_bytes_per_channel * channels)
    return Counted(sum(_weights(one) for one in runs), flash, ram)


def _weights(one: Layer) -> int:
    return one.weights_bytes + one.bias_bytes


def flash_rows(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return networks, bytes by ``FLASH`` (rows, kinds), the rest of the flash, and the weights, where stated."""
    rows = rows[rows.total_flash_bytes.notna()]
    found = [counted(name) for name in rows.network]
    weights = np.array([one.weights for one in found], float)
    x = np.array([one.flash for one in found], float).reshape(-1, len(FLASH))
    return rows.network.to_numpy(), x, rows.total_flash_bytes - weights, weights


def ram_rows(rows: pd.DataFrame, runtime: Runtime) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the same of RAM, where tensors and scratch stand for the weights."""
    rows = rows[rows.total_ram_bytes.notna()]
    tensors = np.array([planned(name, runtime) for name in rows.network], float)
    x = np.array([counted(name).ram for name in rows.network])
    return rows.network.to_numpy(), x, np.maximum(rows.total_ram_bytes - tensors, 1.0), tensors


def left_out(networks: np.ndarray, x: np.ndarray, y: np.ndarray, beside: np.ndarray) -> dict[str, float]:
    """Return the relative error of each network's total (y + beside) when it is left out of the fit."""
    y, errors = np.asarray(y, float), {}
    for name in sorted(set(networks)):
        out = networks == name
        errors[name] = float(np.median((x[out] @ fit(x[~out], y[~out]) + beside[out]) / (y[out] + beside[out]) - 1))
    return errors


def with_flash(runtime: Runtime, rows: pd.DataFrame) -> tuple[Runtime, dict[str, float]]:
    """Return a runtime with the code and constants of rows, and the errors of networks left out."""
    return _with(runtime, flash_rows(rows), _flash)


def with_ram(runtime: Runtime, rows: pd.DataFrame) -> tuple[Runtime, dict[str, float]]:
    """Return a runtime with the own RAM of rows, and the errors of networks left out."""
    return _with(runtime, ram_rows(rows, runtime), _ram)


def _with(
    runtime: Runtime,
    found: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    apply: Callable[[Runtime, list[float]], Runtime],
) -> tuple[Runtime, dict[str, float]]:
    networks, x, y, _ = found
    if len(set(networks)) < LEAST:
        return runtime, {}
    return apply(runtime, fit(x, np.asarray(y, float)).tolist()), left_out(*found)


def _flash(runtime: Runtime, factors: list[float]) -> Runtime:
    base, windows, others, operators, channels = factors
    kernels = {
        name: replace(kernel, code_bytes=round(kernel.code_bytes * (windows if name in WINDOWS else others)))
        for name, kernel in runtime.kernels.items()
    }
    return replace(
        runtime,
        kernels=kernels,
        code_bytes=round(base * BASE.code_bytes),
        model_bytes=0,
        model_bytes_per_operator=round(operators * BASE.model_bytes_per_operator),
        # of a compiler, constants are a part of the code
        quantisation_bytes_per_channel=0 if runtime.overlays else round(channels * BASE.quantisation_bytes_per_channel),
        model_bytes_per_channel=round(channels * BASE.quantisation_bytes_per_channel) if runtime.overlays else 0,
        quantisation_bytes_per_tensor=0,
    )


def _ram(runtime: Runtime, factors: list[float]) -> Runtime:
    own, operators, channels = factors
    return replace(
        runtime,
        ram_bytes=round(own * 10 * BASE.ram_bytes),
        ram_bytes_per_operator=round(operators * BASE.ram_bytes_per_operator),
        ram_bytes_per_channel=round(channels * BASE.ram_bytes_per_channel),
    )

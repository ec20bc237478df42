"""A runtime as the text of its TOML file, read back by ``runtimes.open_runtime``."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, fields

from latent_nas.runtimes import Runtime


def toml(runtime: Runtime) -> str:
    """Return the file of a runtime; cycles with 5 digits, errors with 4."""
    lines = []
    for field in fields(runtime):
        value = getattr(runtime, field.name)
        if field.name in ("name", "kernels", "cores", "ram"):
            continue
        if value == math.inf:
            continue
        lines.append(f"{field.name} = {_value(sorted(value) if isinstance(value, frozenset) else value)}")
    if runtime.ram.source:
        lines += ["", "[ram]", *(f"{k} = {_value(v)}" for k, v in asdict(runtime.ram).items())]
    for name, core in runtime.cores.items():
        lines += ["", f"[cores.{_key(name)}]", *(f"{k} = {_value(v)}" for k, v in asdict(core).items())]
    for name, kernel in runtime.kernels.items():
        lines += ["", f"[kernels.{_key(name)}]", f"source = {_value(kernel.source)}"]
        lines += [f"code_bytes = {kernel.code_bytes}", f"scratch_bytes = {_table(kernel.scratch_bytes, '.10g')}"]
        lines += [f"table_bytes = {kernel.table_bytes}"] if kernel.table_bytes else []
        lines += [f"calls = {_value(kernel.calls)}"] if kernel.calls else []
        lines += [f"slow = {kernel.slow:g}"] if kernel.slow != 1 else []
        for core_name, cycles in kernel.cycles.items():
            error = asdict(kernel.error[core_name])
            lines.append(f"cycles.{_key(core_name)} = {_table(cycles, '.5g')}")
            lines.append(f"error.{_key(core_name)} = {_table(error, '.4g')}")
    return "\n".join(lines) + "\n"


def _table(values: Mapping[str, float], digits: str) -> str:
    return "{ " + ", ".join(f"{_key(k)} = {_float(v, digits)}" for k, v in values.items()) + " }" if values else "{}"


def _float(value: float, digits: str) -> str:
    return format(value, digits).replace("e+", "e")


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else json.dumps(name)


def _value(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)  # strings, numbers, truth: TOML's are JSON's

"""The fields of a core's file, and what can't be true of a core."""

from typing import Any

from latent_nas.cores._cycles import CLASSES
from latent_nas.fields import ADDRESSES, FLAG, NUMBER, NUMBERS, TABLE, TEXT, TEXTS, check, tables

NEEDED = {"name": TEXT, "zig_target": TEXT, "zig_cpu": TEXT, "gcc_flags": TEXTS, "float_abi": TEXT, "unicorn": TEXT}
NEEDED |= {"description": TEXT, "source": TEXT, "dsp": FLAG, "mve": FLAG, "compiler_library": FLAG}
NEEDED |= {"cycles_per_instruction": TABLE, "front_end": NUMBERS}
MORE = {"near": TABLE, "cpuid_parts": ADDRESSES, "cycle_model": tables("{clock_mhz, error, source, cycles}")}
CYCLE_MODEL = {"clock_mhz": NUMBER, "error": NUMBER, "source": TEXT, "cycles": NUMBERS}
NEAR = {"core": TEXT, "scale": NUMBER, "error": NUMBER, "source": TEXT}
INSTRUCTIONS = {"low": NUMBER, "high": NUMBER, "why": TEXT}
FRONT_END = dict.fromkeys(("windowed", "fft", "split", "macs", "logs", "values", "error"), NUMBER)


def check_fields(table: dict[str, Any]) -> None:
    """Raise ValueError for a table of TOML that describes no core; the message names the first wrong field."""
    check(table, NEEDED, MORE)
    for name, needed in (("cycles_per_instruction", INSTRUCTIONS), ("front_end", FRONT_END), ("near", NEAR)):
        if name in table:
            try:
                check(table[name], needed, {})
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
    for model in table.get("cycle_model", ()):
        _check_model(model)
    _check_values(table)


def _check_model(model: dict[str, Any]) -> None:
    try:
        check(model, CYCLE_MODEL, {})
        check(model["cycles"], dict.fromkeys(CLASSES, NUMBER), {})
    except ValueError as error:
        raise ValueError(f"cycle_model: {error}") from None
    if model["clock_mhz"] <= 0 or not 0 <= model["error"] < 1:
        raise ValueError(f"cycle_model: wanted a clock_mhz above 0 and an error from 0 to 1, got {model}")


def _check_values(table: dict[str, Any]) -> None:
    abi, hard = table["float_abi"], table["zig_target"].endswith("hf")
    if abi not in ("soft", "hard"):
        raise ValueError(f'\'float_abi\' is "soft" or "hard", got {abi!r}')
    if (abi == "hard") != hard or f"-mfloat-abi={abi}" not in table["gcc_flags"]:
        raise ValueError(
            f"'float_abi' is {abi!r}, so 'zig_target' ends in {'eabihf' if abi == 'hard' else 'eabi'!r} and 'gcc_flags'"
            f' has "-mfloat-abi={abi}"; got {table["zig_target"]!r} and {table["gcc_flags"]}'
        )
    cycles = table["cycles_per_instruction"]
    if not 0 < cycles["low"] <= cycles["high"]:
        raise ValueError(f"cycles_per_instruction: wanted 0 < low <= high, got {cycles['low']} and {cycles['high']}")
    if "near" in table and (table["near"]["scale"] <= 0 or table["near"]["error"] < 0):
        raise ValueError("near: wanted a scale above 0 and an error from 0 on")

"""Cycles per operator from the device itself: what a ``-DBENCH`` build prints, as CSV for ``calibrate``."""

import json
from collections.abc import Sequence
from dataclasses import fields
from math import prod
from typing import Any

from latent_nas.devices import Device
from latent_nas.graph import Graph

FIRST = ("board", "core", "operator", "input")
OUTPUT = "# output "  # begins the last line: the output in hex


def source(graph: Graph, device: Device, operators: Sequence[tuple[int, str]]) -> str:
    """Return the C of the table that ``bench.c`` measures: operators in their order, and their columns of CSV.

    Args:
        operators: (node id, name of its function).
    """
    columns, rows = _table(graph, device, operators)
    pairs = zip(operators, rows, strict=True)
    return "\n".join(
        [
            "#ifdef BENCH",
            '#include "bench.h"',
            f"const char bench_header[] = {_text(','.join([*columns, 'cycles']))};",
            "const bench_operator bench_table[] = {",
            *[f"    {{{name}, {json.dumps(row)}}}," for (_, name), row in pairs],
            "};",
            f"const uint32_t bench_operators = {len(rows)}, bench_outputs = {prod(graph.output_shape)};",
            f"uint32_t bench_cycles[{len(rows)}];",
            "#endif",
            "",
        ]
    )


def csv(graph: Graph, device: Device, operators: Sequence[tuple[int, str]], cycles: Sequence[int]) -> str:
    """Return what ``bench.c`` would have printed of measured cycles, of the operators in their order."""
    columns, rows = _table(graph, device, operators)
    return "".join(
        [",".join([*columns, "cycles"]) + "\n", *(f"{row}{took}\n" for row, took in zip(rows, cycles, strict=True))]
    )


def split(text: str) -> tuple[str, list[int]]:
    """Return the CSV of what a ``-DBENCH`` build printed, and its int8 output.

    Raises:
        ValueError: it was cut off before its last line.
    """
    table, mark, last = text.partition(OUTPUT)
    if not mark or not last.endswith("\n"):
        raise ValueError(f"the firmware stopped before its last line; it printed {text[-200:]!r}")
    return table, [byte - 256 if byte > 127 else byte for byte in bytes.fromhex(last.strip())]


def _table(graph: Graph, device: Device, operators: Sequence[tuple[int, str]]) -> tuple[list[str], list[str]]:
    """Return the columns of CSV but the cycles, and the rows up to those."""
    cells = [_cells(graph, device, node) for node, _ in operators]
    columns = [*FIRST, *dict.fromkeys(name for row in cells for name in row if name not in FIRST)]
    return columns, [",".join(row.get(name, "") for name in columns) + "," for row in cells]


def _cells(graph: Graph, device: Device, node: int) -> dict[str, str]:
    one = graph.nodes[node]
    shapes = "+".join("x".join(map(str, shape)) for shape in graph.shapes_into(one))
    row = {"board": device.name, "core": device.core.name, "operator": one.operator.kind, "input": shapes}
    return row | {field.name: _cell(getattr(one.operator, field.name)) for field in fields(one.operator)}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _text(line: str) -> str:
    return json.dumps(line + "\n")

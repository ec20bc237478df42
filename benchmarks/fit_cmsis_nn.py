"""Fit the cycles of CMSIS-NN's kernels to a table of single layers measured on boards; print them as TOML.

    python benchmarks/fit_cmsis_nn.py --measurements cmsis_nn_layer_cycles.csv.gz [--out fitted.toml] [--csv layers.csv]

The table (MicroNAS look-up tables, github.com/tk-king/MicroNas, no licence stated, so not kept here) has one
row per measurement: board, layer, input_shape, output_shape, filters, kernel, strides, padding,
tensor_arena_used_B, cycles_op. The fit is that of ``latent-nas calibrate``, here per board; the errors are those of
layers left out, five folds by layer shape. ``--csv`` writes the table as that command reads it.
"""

import argparse
from math import ceil, prod
from pathlib import Path

import numpy as np
import pandas as pd

from latent_nas.calibration.fit import counts, fit, left_out, plain_counts
from latent_nas.costs.layer import layer
from latent_nas.operators import Operator, Shape
from latent_nas.operators.add import Add
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.runtimes import Runtime, open_runtime

BOARD, CORE = "lookUp/NUCLEOF446RE", "cortex-m4"  # whose coefficients are printed, and as which core's


def read(path: Path, runtime: Runtime) -> pd.DataFrame:
    """Return the measurements of known layers, with columns ``figures``, ``kind``, ``shape``, ``arena``."""
    table = pd.read_csv(path)
    table = table[table.layer.isin({"conv2d", "add", "global_average_pooling2d"})].reset_index(drop=True)
    placed = [place(row._asdict()) for row in table.itertuples()]
    table["placed"] = placed
    table["figures"] = [layer(*one) for one in placed]
    table["kind"] = [figures.kernel for figures in table.figures]
    table["shape"] = [f"{operator} of {inputs}" for operator, inputs in placed]
    table["arena"] = [arena(*one, runtime) for one in placed]
    return table


def place(row: dict) -> tuple[Operator, tuple[Shape, ...]]:
    """Return a row's operator and the shapes that it reads.

    Raises:
        ValueError: the output's shape is not the operator's.
    """
    if row["layer"] == "add":  # "[1, 16, 5, 8]x[1, 16, 5, 8]"
        texts = [part.strip("[]").split(",") for part in row["input_shape"].split("]x[")]
    else:
        texts = [row["input_shape"].split("x")]
    inputs = tuple(tuple(int(n) for n in numbers[1:]) for numbers in texts)
    if row["layer"] == "conv2d":
        rows, columns = (int(n) for n in row["kernel"].split("x"))
        down, right = (int(n) for n in row["strides"].split("x"))
        operator: Operator = Conv2d(int(row["filters"]), (rows, columns), (down, right), row["padding"])
    else:
        operator = Add() if row["layer"] == "add" else GlobalPool()
    made = tuple(int(n) for n in row["output_shape"].split("x")[1:])
    if operator.shape(*inputs) != made:
        raise ValueError(f"{operator} of {inputs} makes {operator.shape(*inputs)}, the table says {made}")
    return operator, inputs


def arena(operator: Operator, inputs: tuple[Shape, ...], runtime: Runtime) -> int:
    """Return the bytes that a network of one layer should have: tensors, scratch, and the runtime's own."""
    figures = layer(operator, inputs)
    scratch = figures.total(runtime.kernel(figures.kernel).scratch_bytes)
    parts = [figures.output_bytes, scratch, *(prod(shape) for shape in inputs)]
    tensors = sum(ceil(part / runtime.alignment) * runtime.alignment for part in parts)
    own = runtime.ram_bytes + runtime.ram_bytes_per_operator
    return tensors + own + runtime.ram_bytes_per_channel * figures.channels


def plain(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table as `latent-nas calibrate` reads it."""
    rows = []
    for row in table.itertuples():
        operator, inputs = row.placed
        cells = {"board": row.board, "core": CORE, "operator": operator.kind, "cycles": row.cycles_op}
        cells["input"] = "+".join("x".join(map(str, shape)) for shape in inputs)
        if operator.kind == "conv2d":
            cells |= {"filters": operator.filters, "padding": operator.padding}
            cells["kernel_size"], cells["stride"] = (
                "x".join(map(str, p)) for p in (operator.kernel_size, operator.stride)
            )
        rows.append(cells)
    return pd.DataFrame(rows)


def main() -> None:
    """Print the errors per board and kernel, how boards and arenas compare, and the TOML of ``BOARD``."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--measurements", type=Path, required=True, help="the table, CSV, may be gzipped")
    parser.add_argument("--out", type=Path, help="write the TOML of the fitted kernels here")
    parser.add_argument("--csv", type=Path, help="write the table for `latent-nas calibrate` here")
    arguments = parser.parse_args()
    table, lines = read(arguments.measurements, open_runtime("cmsis_nn")), []
    print(f"{'board':22}{'kernel':12}{'layers':>7}{'median':>9}{'p90':>8}{'worst':>8}   MACs alone: median, p90")
    for (board, kind), rows in table.groupby(["board", "kind"]):
        cycles, figures = rows.cycles_op.to_numpy(float), list(rows.figures)
        terms, counted = counts(figures)
        errors, trivial = (left_out(x, cycles, list(rows["shape"])) for x in (counted, plain_counts(figures)))
        median, p90 = np.median(errors), np.quantile(errors, 0.9)
        print(f"{board:22}{kind:12}{len(rows):7}{median:9.2%}{p90:8.2%}{errors.max():8.2%}", end="   ")
        print(f"{np.median(trivial):.1%}, {np.quantile(trivial, 0.9):.1%}")
        if board == BOARD:
            each = ", ".join(f"{t} = {v:.4g}" for t, v in zip(terms, fit(counted, cycles), strict=True) if v)
            lines += [f"[kernels.{kind}]", f"cycles.{CORE} = {{ {each} }}"]
            lines += [f"error.{CORE} = {{ median = {median:.4f}, p90 = {p90:.4f} }}", ""]
    wide = table.pivot_table(index=["kind", "shape"], columns="board", values="cycles_op")
    for board in wide.columns.drop(BOARD):
        low, middle, high = (wide[board] / wide[BOARD]).quantile([0.1, 0.5, 0.9])
        print(f"cycles of {board} / {BOARD}: {low:.2f}, {middle:.2f}, {high:.2f} (10, 50, 90 %)")
    off = (table.tensor_arena_used_B - table.arena).groupby(table.kind)
    for kind, (low, high) in off.agg(["min", "max"]).iterrows():
        print(f"measured - computed arena of {kind}: {low} to {high} B")
    text = "\n".join(lines)
    print("\n" + text)
    if arguments.csv:
        plain(table).to_csv(arguments.csv, index=False)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

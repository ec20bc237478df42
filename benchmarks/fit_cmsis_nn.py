"""Fit the cycles of CMSIS-NN's kernels to a table of single layers measured on boards, and print them as TOML.

    python benchmarks/fit_cmsis_nn.py --measurements cmsis_nn_layer_cycles.csv.gz [--out fitted.toml]

The table (MicroNAS look-up tables, github.com/tk-king/MicroNas, no licence stated, so not kept here) has one row per
measurement: board, layer, input_shape, output_shape, filters, kernel, strides, padding, tensor_arena_used_B, flash_B,
cycles_op. The fit is linear in the counts of ``Operator.work``, non-negative, and least squares of relative errors;
errors are of layers left out, five folds by layer shape.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from latent_nas.costs.layer import Layer, layer
from latent_nas.operators import Operator, Shape
from latent_nas.operators.add import Add
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.runtimes import Runtime, open_runtime

BOARDS = {"lookUp/NUCLEOF446RE": "cortex-m4"}  # whose coefficients are written, as which core's
TERMS = {
    "conv2d": ("call", "macs", "tail4_macs", "outputs", "pixels", "gathers", "gathered", "gathered_tail4"),
    "pointwise": ("call", "macs", "tail16_macs", "outputs", "weights"),
    "add": ("call", "outputs"),
    "global_pool": ("call", "patch"),
}
FOLDS = 5


def read(path: Path) -> pd.DataFrame:
    """Return the measurements of layers known here, with columns ``figures`` (``Layer``), ``kind`` and ``shape``."""
    table = pd.read_csv(path)
    table = table[table.layer.isin({"conv2d", "add", "global_average_pooling2d"})].copy()
    pairs = [placed(row) for row in table.itertuples()]
    table["figures"] = [layer(operator, inputs) for operator, inputs in pairs]
    table["kind"] = [figures.kernel for figures in table.figures]
    table["shape"] = [f"{operator} {inputs}" for operator, inputs in pairs]
    table["input_bytes"] = [sum(int(np.prod(shape)) for shape in inputs) for _, inputs in pairs]
    return table.reset_index(drop=True)


def placed(row: object) -> tuple[Operator, tuple[Shape, ...]]:
    """Return a row's operator and the shapes that it reads.

    Raises:
        ValueError: the output's shape is not the operator's.
    """
    layer_kind, text = row.layer, row.input_shape  # type: ignore[attr-defined]
    if layer_kind == "add":  # "[1, 16, 5, 8]x[1, 16, 5, 8]"
        inputs = tuple(tuple(int(n) for n in part.strip("[]").split(",")[1:]) for part in text.split("]x["))
        operator: Operator = Add()
    else:
        inputs = (tuple(int(n) for n in text.split("x")[1:]),)
        operator = GlobalPool()
    if layer_kind == "conv2d":
        window, stride = (tuple(int(n) for n in v.split("x")) for v in (row.kernel, row.strides))  # type: ignore[attr-defined]
        operator = Conv2d(int(row.filters), window, stride, row.padding)  # type: ignore[arg-type, attr-defined]
    made = tuple(int(n) for n in row.output_shape.split("x")[1:])  # type: ignore[attr-defined]
    if operator.shape(*inputs) != made:
        raise ValueError(f"{operator} of {inputs} makes {operator.shape(*inputs)}, the table says {made}")
    return operator, inputs


def fit(counts: np.ndarray, cycles: np.ndarray) -> np.ndarray:
    """Return cycles per count (terms,) of counts (layers, terms) and measured cycles (layers,)."""
    return nnls(counts / cycles[:, None], np.ones(len(cycles)), maxiter=1000)[0]


def left_out(counts: np.ndarray, cycles: np.ndarray, shapes: pd.Series) -> np.ndarray:
    """Return the relative errors (layers,) of layers predicted by a fit without any layer of their shape."""
    names = np.array(sorted(shapes.unique()))
    np.random.default_rng(0).shuffle(names)
    fold = shapes.map({name: i % FOLDS for i, name in enumerate(names)}).to_numpy()
    errors = np.zeros(len(cycles))
    for i in range(FOLDS):
        out = fold == i
        if out.any() and not out.all():
            errors[out] = counts[out] @ fit(counts[~out], cycles[~out]) / cycles[out] - 1
    return np.abs(errors)


def arena(row: pd.Series, runtime: Runtime) -> int:
    """Return the bytes that a one-layer network's arena should measure: tensors, scratch, and the runtime's own."""
    figures: Layer = row.figures
    parts = [figures.bytes, figures.total(runtime.kernel(figures.kernel).scratch_bytes)]
    each = row.input_bytes // 2 if row.kind == "add" else row.input_bytes
    parts += [each] * (2 if row.kind == "add" else 1)
    tensors = sum(int(np.ceil(p / runtime.alignment)) * runtime.alignment for p in parts)
    return tensors + runtime.ram_bytes + runtime.ram_bytes_per_operator + runtime.ram_bytes_per_channel * figures.channels


def main() -> None:
    """Print the errors per board and kernel, how boards differ, and the TOML of ``BOARDS``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measurements", type=Path, required=True, help="the table, CSV, may be gzipped")
    parser.add_argument("--out", type=Path, help="write the TOML of the fitted kernels here")
    arguments = parser.parse_args()
    table, lines = read(arguments.measurements), []
    print(f"{'board':22}{'kernel':12}{'layers':>7}{'median':>9}{'p90':>8}{'worst':>8}   MACs x constant: median, p90")
    for (board, kind), rows in table.groupby(["board", "kind"]):
        terms = TERMS[kind]
        counts = np.array([[f.work[t] for t in terms] for f in rows.figures])
        cycles = rows.cycles_op.to_numpy(float)
        errors = left_out(counts, cycles, rows["shape"])
        plain = np.array([[max(f.macs, f.work["outputs"])] for f in rows.figures], float)
        trivial = left_out(plain, cycles, rows["shape"])
        median, p90 = np.median(errors), np.quantile(errors, 0.9)
        print(
            f"{board:22}{kind:12}{len(rows):7}{median:9.2%}{p90:8.2%}{errors.max():8.2%}"
            f"   {np.median(trivial):.1%}, {np.quantile(trivial, 0.9):.1%}"
        )
        if board in BOARDS:
            values = zip(terms, fit(counts, cycles), strict=True)
            each = ", ".join(f"{t} = {v:.4g}" for t, v in values if v > 0)
            lines += [f"[kernels.{kind}]", f"cycles.{BOARDS[board]} = {{ {each} }}"]
            lines += [f"error.{BOARDS[board]} = {{ median = {median:.4f}, p90 = {p90:.4f} }}", ""]
    wide = table.pivot_table(index=["kind", "shape"], columns="board", values="cycles_op")
    for board in wide.columns:
        ratio = (wide[board] / wide[next(iter(BOARDS))]).dropna()
        print(f"cycles of {board} / {next(iter(BOARDS))}: {ratio.quantile([0.1, 0.5, 0.9]).round(2).tolist()} (10, 50, 90 %)")
    off = table.tensor_arena_used_B - table.apply(arena, axis=1, runtime=open_runtime("cmsis_nn"))
    print(f"measured arena - computed (tensors, scratch, runtime): {dict(off.groupby(table.kind).agg(list).map(spread))} B")
    text = "\n".join(lines)
    print("\n" + text)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")


def spread(values: list[int]) -> str:
    """Return the least and the largest of them."""
    return f"{min(values)} to {max(values)}"


if __name__ == "__main__":
    main()

"""Fit cycles per class of instruction to layers measured on boards; print them as TOML for a core's file.

    python benchmarks/fit_cycles.py --mix cmsis_nn_instruction_mix.csv.gz [--out fitted.toml]

Each row of the table is a layer that CMSIS-NN ran: its cycles as measured on a board, and its instructions by class as
counted in emulation. Boards of one clock have one fit, as the flash's wait states are in it: least squares of relative
errors, the cycles of every class drawn to those of the core's manual, by how far the manual may be off (``SPREAD``).
Layers of few shapes can't tell all classes apart; drawn to the manual, what they can't tell stays what an instruction
takes. Errors are of layers left out: five folds, and all layers of one kernel size left out at once, which is what the
error bar is: other code has another mix too.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import lsq_linear

from latent_nas.calibration.fit import FOLDS
from latent_nas.cores import CLASSES

MANUAL = {  # Arm 100166, section 3.3: cycles without wait states; LDM and STM take one more than their words
    "alu": 1.0,
    "multiply": 1.0,
    "divide": 7.0,
    "load": 2.0,
    "load_next": 1.0,
    "load_double": 3.0,
    "load_words": 1.0,
    "store": 1.0,
    "store_double": 2.0,
    "store_words": 1.0,
    "sequences": 1.0,
    "branch_taken": 3.0,
    "branch_passed": 1.0,
    "it": 1.0,
    "wide": 0.0,
}
SPREAD = {  # by how many cycles wait states and neighbours may move them
    "alu": 0.15,
    "multiply": 0.15,
    "divide": 2.0,
    "load": 0.4,
    "load_next": 0.4,
    "load_double": 0.6,
    "load_words": 0.2,
    "store": 0.4,
    "store_double": 0.6,
    "store_words": 0.2,
    "sequences": 0.3,
    "branch_taken": 1.0,
    "branch_passed": 0.4,
    "it": 0.4,
    "wide": 0.3,
}
COLUMNS = {  # of the table
    "alu": "n_alu",
    "multiply": "n_mul",
    "divide": "n_div",
    "load": "n_ldr",
    "load_next": "n_ldr_next",
    "load_double": "n_ldrd",
    "load_words": "n_ldm_words",
    "store": "n_str",
    "store_double": "n_strd",
    "store_words": "n_stm_words",
    "sequences": "n_sequences",
    "branch_taken": "n_branch_taken",
    "branch_passed": "n_branch_not",
    "it": "n_it",
    "wide": "n_wide",
}
CLOCKS_MHZ = {"NUCLEOF446RE": 180, "NUCLEO": 80, "NUCLEO_old": 80}  # boards of one clock are fitted together
PULL = 0.08  # relative error of a layer for which a class may move by its spread: the strongest with folds within 7 %


def fit(counts: np.ndarray, cycles: np.ndarray, pull: float) -> np.ndarray:
    """Return cycles per instruction (classes,) of counts (layers, classes) and measured cycles (layers,)."""
    manual = np.array([MANUAL[name] for name in CLASSES])
    size = pull / np.array([SPREAD[name] for name in CLASSES])
    left = np.vstack([counts / cycles[:, None], np.diag(size)])
    right = np.concatenate([np.ones(len(cycles)), size * manual])
    found: np.ndarray = lsq_linear(left, right, bounds=(0, np.inf)).x
    return found


def left_out(counts: np.ndarray, cycles: np.ndarray, group: np.ndarray, pull: float) -> np.ndarray:
    """Return relative errors (layers,) of layers computed by a fit without any of their group (layers,)."""
    errors = np.empty(len(cycles))
    for one in np.unique(group):
        out = group == one
        errors[out] = counts[out] @ fit(counts[~out], cycles[~out], pull) / cycles[out] - 1
    return np.abs(errors)


def folds(n: int) -> np.ndarray:
    """Return a fold of ``FOLDS`` for every layer (n,)."""
    return np.random.default_rng(0).permutation(np.arange(n) % FOLDS)


def counted(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return instructions by class (layers, classes), cycles (layers,) and kernel sizes (layers,)."""
    kernels = rows.kernel_h.astype(str) + "x" + rows.kernel_w.astype(str)
    return rows[[COLUMNS[c] for c in CLASSES]].to_numpy(float), rows.measured_cycles.to_numpy(float), kernels.to_numpy()


def bar(errors: np.ndarray, kernels: np.ndarray) -> float:
    """Return the error bar: the 90th percentile of the kernel size that fares worst when it is left out."""
    return max(float(np.quantile(errors[kernels == one], 0.9)) for one in np.unique(kernels) if sum(kernels == one) > 5)


def main() -> None:
    """Print errors per board, and the TOML of the fits."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--mix", type=Path, required=True, help="the table, CSV, may be gzipped")
    parser.add_argument("--pull", type=float, default=PULL, help="towards the manual")
    parser.add_argument("--out", type=Path, help="write the TOML here")
    arguments = parser.parse_args()
    table, pull = pd.read_csv(arguments.mix), arguments.pull
    single = set(COLUMNS.values()) - {"n_ldm_words", "n_stm_words", "n_sequences", "n_wide"}
    table["n_sequences"] = table.n_total - table[sorted(single)].sum(axis=1)  # LDM and STM, whose words are counted
    table["clock_mhz"] = table.board.map(CLOCKS_MHZ)
    manual = np.array([MANUAL[name] for name in CLASSES])
    print(
        f"{'board':14}{'layers':>7}{'median':>9}{'p90':>8}{'worst':>8}"
        "   p90 of instructions alone, of the manual's cycles"
    )
    for board, rows in table.groupby("board"):
        x, y, _ = counted(rows)
        errors, plain = left_out(x, y, folds(len(y)), pull), rows.n_total.to_numpy(float)
        print(
            f"{board:14}{len(y):7}{np.median(errors):9.2%}{np.quantile(errors, 0.9):8.2%}{errors.max():8.2%}", end="   "
        )
        off = (plain * np.median(y / plain) / y - 1, x @ manual / y - 1)
        print(", ".join(f"{np.quantile(np.abs(one), 0.9):.1%}" for one in off))
    lines = []
    for clock, rows in table.groupby("clock_mhz"):
        x, y, kernels = counted(rows)
        apart = left_out(x, y, kernels, pull)
        print(
            f"{clock} MHz, one kernel size left out: median {np.median(apart):.2%}, p90 {np.quantile(apart, 0.9):.2%}",
            end="",
        )
        print(f", of the worst size {bar(apart, kernels):.2%}")
        each = ", ".join(f"{c} = {v:.3g}" for c, v in zip(CLASSES, fit(x, y, pull), strict=True))
        boards = " and ".join(sorted(set(rows.board)))
        lines += ["[[cycle_model]]", f"clock_mhz = {clock}", f"error = {bar(apart, kernels):.2f}"]
        lines += [f'source = "{len(y)} layers of CMSIS-NN on {boards} (benchmarks/fit_cycles.py)"']
        lines += [f"cycles = {{ {each} }}", ""]
    print("\n".join(["", *lines]))
    if arguments.out:
        arguments.out.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()

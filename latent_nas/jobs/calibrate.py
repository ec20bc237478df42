"""A runtime from measurements: read, fit, write its file, report the errors."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from latent_nas import artifacts
from latent_nas.calibration.calibrated import Quality
from latent_nas.calibration.calibrated import calibrate as fit_all
from latent_nas.calibration.measurements import read
from latent_nas.calibration.text import toml
from latent_nas.runtimes import open_runtime


def calibrate(measurements: Path, name: str, base: str, board: str | None, out: Path) -> dict[str, Any]:
    """Write the runtime ``name`` to ``out/<name>.toml``; return the path and the errors per board and kernel.

    Args:
        board: whose measurements count; None: all, and boards with one core share its coefficients.

    Raises:
        ValueError: a name that is none, a wrong table (line and column are named), an unknown base or board.
    """
    check_name(name)
    rows = read(measurements)
    boards = sorted({row.board for row in rows})
    if board is not None and board not in boards:
        raise ValueError(f"{measurements} has no board {board!r}; there are: {', '.join(boards)}")
    rows = [row for row in rows if board in (None, row.board)]
    made, quality = fit_all(name, open_runtime(base), rows, f"calibrated from {measurements.name}, on {base}")
    path = out / f"{name}.toml"
    artifacts.write(path, toml(made))
    return {
        "runtime": str(path),
        "measurements": len(rows),
        "kernels": [{k: None if v != v else v for k, v in asdict(one).items()} for one in quality],
        "not_measured": sorted(set(made.kernels) - {one.kernel for one in quality}),
    }


def check_name(name: str) -> None:
    """Raise ValueError for what can't be a runtime's name."""
    if not name.replace("_", "").isalnum() or not name.isascii():
        raise ValueError(f"a runtime's name has letters, digits and _ only, got {name!r}")


def table(found: dict[str, Any]) -> str:
    """Return what ``calibrate`` found as text for a person."""
    lines = [f"{'board':22}{'kernel':12}{'layers':>7}{'median':>9}{'p90':>8}{'worst':>8}   MACs alone: median, p90"]
    for one in (Quality(**kernel) for kernel in found["kernels"]):
        plain = "-" if one.trivial_median is None else f"{one.trivial_median:.1%}, {one.trivial_p90:.1%}"
        how = "" if one.fitted else "   (too few for a fit: scaled)"
        lines.append(
            f"{one.board:22}{one.kernel:12}{one.layers:7}{one.median:9.2%}{one.p90:8.2%}{one.worst:8.2%}   {plain}{how}"
        )
    if len({kernel["board"] for kernel in found["kernels"]}) > 1:
        lines.append("Boards with one core share its coefficients; --board makes a runtime of one board.")
    if found["not_measured"]:
        lines.append(f"Not measured, scaled as the others are: {', '.join(found['not_measured'])}")
    lines.append("Errors of fitted kernels are of layers left out of the fit, five folds by layer shape.")
    return "\n".join([*lines, f"Runtime: {found['runtime']}; use it with --runtime {found['runtime']}"])

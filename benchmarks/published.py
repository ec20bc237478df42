"""Whole networks that others measured: latency with each model left out, weights in flash, activation RAM.

    python benchmarks/published.py --measurements published_measurements.csv [--out published.json]

``published_rows`` holds the rules of selection, ``published_model`` the model of latency, fitted to the other models
of the same runtime, version and core, and drawn to what other versions and cores take. Beside it stands the trivial
predictor, MACs times one constant. The weights in flash are the costs of the runtime ``x_cube_ai``, where nothing is
fitted. Activation RAM is judged on networks left out of its range (``published_ram``), whole images on networks left
out of their fit (``published_bytes``).
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
import published_bytes
import published_ram
import published_rows
from fit_published import MADE
from published_model import covered, group_of, groups_of, left_out

from latent_nas import plugins
from latent_nas.costs import costs
from latent_nas.devices import open_device
from latent_nas.runtimes import open_runtime
from latent_nas.zoo import open_network

LEAST = 3  # networks of a group in which one can be left out of the bar as well


def latency(rows: pd.DataFrame) -> list[dict]:
    """Return, per runtime, version and core, the relative errors of each model when it is left out."""
    found, groups = [], groups_of(rows)
    for (runtime, version, core), group in rows.groupby(["runtime", "runtime_version", "core"]):
        errors, trivial = left_out(group_of(str(runtime), group), groups)
        row = {"runtime": runtime, "version": version, "core": core, "models": len(errors), "errors": errors}
        off, plain = (np.abs(list(one.values())) for one in (errors, trivial))
        row |= {"median": float(np.median(off)), "p90": float(np.quantile(off, 0.9)), "worst": float(off.max())}
        found.append(row | {"trivial_median": float(np.median(plain))})
    return found


def coverage(table: pd.DataFrame) -> list[dict]:
    """Return, per core, in how many of all groups' networks the error bar of the others holds what was measured."""
    rows = published_rows.timed(table, least=LEAST)
    held: dict[str, list[bool]] = {}
    groups = groups_of(rows)
    for (runtime, _, core), group in rows.groupby(["runtime", "runtime_version", "core"]):
        held.setdefault(str(core), []).extend(covered(group_of(str(runtime), group), groups).values())
    return [{"core": core, "networks": len(one), "covered": float(np.mean(one))} for core, one in sorted(held.items())]


def sizes(table: pd.DataFrame) -> dict[str, list[dict]]:
    """Return computed and published weights (flash) of the X-CUBE-AI rows."""
    found: dict[str, list[dict]] = {"weights_flash_bytes": []}
    for row in table[table.runtime == "x_cube_ai"].itertuples():
        cost = costs(open_network(row.network), open_device("stm32h743"), open_runtime("x_cube_ai"))
        computed = {"weights_flash_bytes": cost.flash_bytes}
        for what, value in computed.items():
            published = getattr(row, what)
            if published == published:
                one = {"network": row.network, "version": row.runtime_version, "published": published}
                found[what].append(one | {"computed": value, "error": value / published - 1})
    return found


def activations(table: pd.DataFrame) -> pd.DataFrame:
    """Return, per row with activation RAM, what is computed with its network left out of the range."""
    rows = table[table.activation_ram_bytes.notna()]
    layouts = {id(one.base): one.base for one in MADE.values() if one.runtime == "x_cube_ai"}
    groups = [
        (pd.concat([one.of(rows) for one in MADE.values() if one.base is base]), base) for base in layouts.values()
    ]
    return pd.concat([published_ram.left_out(group, base) for group, base in groups])


def images(table: pd.DataFrame) -> list[dict]:
    """Return, per runtime with totals of four networks or more, the errors of flash and RAM of networks left out."""
    found = []
    for name, one in MADE.items():
        for what, with_ in (("flash", published_bytes.with_flash), ("RAM", published_bytes.with_ram)):
            if what == "RAM" and one.runtime == "x_cube_ai":
                continue  # stated apart from the activations
            _, errors = with_(one.base, one.of(table))
            if errors:
                found.append({"runtime": name, "what": what, "errors": errors})
    return found


def energy(table: pd.DataFrame) -> pd.DataFrame:
    """Return, per board and network, the error of its energy: its own time at the power of the other networks."""
    rows = table[table.energy_uj.notna() & table.latency_ms.notna()]
    power, found = rows.energy_uj / rows.latency_ms, []
    for board, group in power.groupby(rows.board):
        for network in sorted(set(rows.network[group.index])):
            out = rows.network[group.index] == network
            if not out.all():
                error = np.median(np.abs(np.median(group[~out]) / group[out] - 1))
                found.append({"board": board, "network": network, "rows": int(out.sum()), "error": float(error)})
    return pd.DataFrame(found)


def main() -> None:
    """Print latency per group, then flash and RAM."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--measurements", type=Path, required=True, help="published_measurements.csv")
    parser.add_argument("--out", type=Path, help="write everything as JSON here")
    arguments = parser.parse_args()
    table = published_rows.read(arguments.measurements, plugins.names("zoo"))
    groups, bytes_, held = latency(published_rows.timed(table)), sizes(table), coverage(table)
    print(f"{'runtime, version':62}{'core':12}{'models':>7}{'median':>8}{'p90':>8}{'worst':>8}{'MACs alone':>12}")
    for group in groups:
        name = f"{group['runtime']}, {group['version']}"
        print(f"{name:62}{group['core']:12}{group['models']:7}{group['median']:8.1%}{group['p90']:8.1%}", end="")
        print(f"{group['worst']:8.1%}", end="")
        print(f"{group['trivial_median']:12.1%}")
    off = np.abs([error for group in groups for error in group["errors"].values()])
    print(f"all of these: median {np.median(off):.1%}, 90th percentile {np.quantile(off, 0.9):.1%}")
    for one in held:
        print(f"{one['core']}: the error bar of the other networks holds {one['covered']:.1%} of {one['networks']}")
    for what, rows in bytes_.items():
        off = np.abs([row["error"] for row in rows])
        print(f"{what}: {len(rows)} rows of X-CUBE-AI, median error {np.median(off):.2%}, worst {off.max():.2%}")
        versions = pd.DataFrame(rows).groupby("version").error
        for version, errors in versions:
            print(
                f"  {version:26}{len(errors):4} rows, median {errors.abs().median():.2%}, bias {errors.median():+.2%}"
            )
    ram, whole = activations(table), images(table)
    print(
        f"activation RAM: {len(ram)} rows of X-CUBE-AI, networks left out: median error {ram.error.abs().median():.1%}"
    )
    above = ram[ram.above]
    print(f"  published above the upper end: {len(above)} of {len(ram)} rows ({', '.join(sorted(set(above.network)))})")
    for one in whole:
        off = np.abs(list(one["errors"].values()))
        print(
            f"image's {one['what']}, {one['runtime']}: {len(off)} networks left out, median {np.median(off):.1%}",
            end="",
        )
        print(f", 90th percentile {np.quantile(off, 0.9):.1%}")
    for board, errors in energy(table).groupby("board").error:
        print(f"energy of {board}, its networks left out, time known: median {errors.median():.1%}, {errors.max():.1%}")
    if arguments.out:
        found = {"latency": groups, "coverage": held, **bytes_}
        found |= {"activation_ram": ram.to_dict("records"), "images": whole}
        arguments.out.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()

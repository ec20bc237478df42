"""`calibrate --network`: how far the others are off once one network of a board has been measured.

    python benchmarks/one_network.py --measurements published_measurements.csv --nrf5340 nrf5340_nb201.csv.gz

Every board of X-CUBE-AI is left out of its runtime's fit with all its networks; then each of these in turn scales
what the other boards say, and the rest are judged. The same for ``cmsis_nn`` and 90 networks on an nRF5340, which it
has never seen.
"""

import argparse
from itertools import permutations
from pathlib import Path

import fit_nrf5340
import numpy as np
import published_rows
from fit_published import MADE, timed
from published_model import fitted, group_of, groups_of, parts

from latent_nas import plugins
from latent_nas.cores import open_core
from latent_nas.runtimes import open_runtime


def show(what: str, ratios: np.ndarray) -> None:
    """Print the median errors of networks, and of each once any other has scaled it; ratios: computed / measured."""
    before = np.abs(ratios - 1)
    after = [abs(ratios[j] / ratios[i] - 1) for i, j in permutations(range(len(ratios)), 2)]
    print(f"{what:52}{len(ratios):4} networks: {np.median(before):.1%} -> {np.median(after):.1%}", flush=True)


def counted(networks: list[str]) -> np.ndarray:
    """Return the cycles by kind (networks, kinds)."""
    return np.array([parts(name)[0] for name in networks])


def main() -> None:
    """Print a line per board."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--measurements", type=Path, required=True, help="published_measurements.csv")
    parser.add_argument("--nrf5340", type=Path, required=True, help="nrf5340_nb201.csv.gz")
    arguments = parser.parse_args()
    table = published_rows.read(arguments.measurements, plugins.names("zoo"))
    everything = published_rows.timed(table)
    for name, made in MADE.items():
        if made.runtime != "x_cube_ai":
            continue
        for core, rows in timed(made.of(table)).groupby("core"):
            for board in sorted(set(rows.board)):
                other, own = rows[rows.board != board], rows[rows.board == board].groupby("network").cycles.median()
                if len(own) > 1 and other.network.nunique() > 1:
                    rest = groups_of(everything[everything.board != board])
                    factors = fitted(group_of(made.runtime, other), rest)
                    show(f"{name}, {core}, {board}", counted(list(own.index)) @ factors / own.to_numpy())
    nrf = fit_nrf5340.read(arguments.nrf5340)
    factor = open_runtime("cmsis_nn").row(open_core(fit_nrf5340.LIKE)).factor
    show("cmsis_nn, nRF5340", factor * nrf.cycles.sum(axis=1) / nrf.measured_cycles)


if __name__ == "__main__":
    main()

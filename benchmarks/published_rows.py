"""Which rows of a table of published measurements count, and which named network each is of.

The rules were fixed before anything was fitted to the rows. Left out are: float32 (another kernel library);
networks that can't be built here (recurrent ones); rows without a clock (cycles are what is compared); rows with a
coprocessor; visual wake words under compilers that remove dead weights, of which its published file has 83 %:
X-CUBE-AI from 8.1 on (and its successor ST Edge AI), Plumerai, and ONNC, which probably does. A group is one runtime,
version and core; groups of fewer than five models do not test leaving one model out.
"""

import re
from pathlib import Path

import pandas as pd

NETWORKS = {
    "mlperf_ic_resnet8": "mlperf_resnet8",
    "mlperf_kws_dscnn": "mlperf_ds_cnn",
    "mlperf_ad_autoencoder": "mlperf_autoencoder",
    "mlperf_vww_mobilenet_v1_025_96": "mlperf_mobilenet_v1_025_96",
}  # the others have their own names, or are not there
LEAST_MODELS = 5
SKIPS_ZEROS = {"plumerai", "onnc"}


def read(path: Path, names: list[str]) -> pd.DataFrame:
    """Return the int8 rows of networks that are in the zoo (``names``), with a column ``network``."""
    table = pd.read_csv(path)
    table["network"] = table.model_key.map(lambda key: NETWORKS.get(key, key))
    known = table.network.isin(names) & (table.format == "int8")
    table = table[known & ~table.core.str.contains("coprocessor", na=False)]
    return table[[not removes_weights(row) for row in table.itertuples()]].reset_index(drop=True)


def removes_weights(row) -> bool:
    """Return whether the row is of the network with dead weights, under a compiler that removes them."""
    if row.network != "mlperf_mobilenet_v1_025_96":
        return False
    version = re.search(r"(\d+)\.(\d+)", str(row.runtime_version))
    cube = row.runtime == "x_cube_ai"
    return row.runtime in SKIPS_ZEROS or (
        cube and (not version or "Edge" in row.runtime_version or tuple(map(int, version.groups())) >= (8, 1))
    )


def timed(table: pd.DataFrame, least: int = LEAST_MODELS) -> pd.DataFrame:
    """Return the rows with latency and clock, in groups of ``least`` models or more, with a column ``cycles``."""
    table = table[table.latency_ms.notna() & table.clock_mhz.notna()].copy()
    table["cycles"] = table.latency_ms * table.clock_mhz * 1e3
    models = table.groupby(["runtime", "runtime_version", "core"]).network.transform("nunique")
    return table[models >= least]

"""NAS-Bench-Graph (Qin et al. 2022): 26,206 graph networks on nine data sets, from the authors' Python package.

A network has four nodes; ``gene.links`` says which earlier node each reads (0 is the input), ``gene.op_0`` to ``op_3``
what they do. The authors number a network by its links, then by one digit for each operator.
"""

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from latent_nas.tables.sources import Done, Row, Source
from latent_nas.tables.sources._plain_pickle import plain

PACKAGE, SHA256 = "nas-bench-graph==1.4.0", "f6ea43836262f1ee8d60c35bbbd20aa2536ee1f8492025e3b0b90096f5afc6ad"
DATA = ("cora", "citeseer", "pubmed", "cs", "physics", "photo", "computers", "arxiv", "proteins")
LINKS = ("0000", "0001", "0011", "0012", "0013", "0111", "0112", "0122", "0123")
OPERATORS = ("gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", "skip")
OF_PROTEINS = ("gcn", "sage", "arma", "fc", "skip")


def fetched(folder: Path) -> Path:
    """Return the authors' package, downloaded by pip from the package index that the user has set, not installed.

    Raises:
        ValueError: it can't be had.
    """
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--quiet"]
    got = subprocess.run([*command, "--dest", str(folder), PACKAGE], capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if got.returncode or not wheels:
        said = (got.stderr.strip().splitlines() or ["no wheel came"])[-1]
        raise ValueError(
            f"pip can't download {PACKAGE} ({said}); download its wheel elsewhere, and add --from FILE.whl"
        )
    return wheels[0]


def rows(wheel: Path, part: str, done: Done) -> Iterator[Row]:
    """Yield the networks of a data set as the authors list them; accuracies are means of three seeds, of 1.

    Raises:
        ValueError: another file, or a damaged one.
    """
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != SHA256:
        raise ValueError(
            f"{wheel} has sha256 {found[:12]}..., the wheel of {PACKAGE} {SHA256[:12]}...; another version?"
        )
    with zipfile.ZipFile(wheel) as parts:
        bench = plain(parts.read(f"nas_bench_graph/light/{part}.bench"), f"{part}.bench of {wheel.name}")
    operators = OF_PROTEINS if part == "proteins" else OPERATORS
    base = len(operators) + 1
    for i, (number, measured) in enumerate(bench.items()):
        if i % 5000 == 0 or i == len(bench) - 1:
            done("networks", i + 1, len(bench))
        digits = [number // base**place % base for place in (3, 2, 1, 0)]
        yield {
            "id": number,
            "gene.links": LINKS[number // base**4],
            **{f"gene.op_{place}": operators[digit] for place, digit in enumerate(digits)},
            "metric.valid_accuracy": round(measured["valid_perf"], 6),
            "metric.test_accuracy": round(measured["perf"], 6),
            "cost.params_m": round(measured["para"], 6),
            "cost.latency_ms": round(measured["latency"] * 1000, 4),
        }


SOURCE = Source(
    name="nas_bench_graph",
    parts=dict.fromkeys(DATA, "metric.valid_accuracy"),
    licence="Apache-2.0",
    cite='Qin et al. 2022, "NAS-Bench-Graph: Benchmarking Graph Neural Architecture Search"',
    file=f"the wheel of {PACKAGE}",
    fetched=fetched,
    rows=rows,
)

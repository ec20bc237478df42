"""NAS-Bench-201, the topology part of NATS-Bench (Dong et al. 2021): 15,625 cells on three data sets.

Read from the authors' archive of one pickled, compressed file per cell. Accuracies are means over the seeds that the
authors trained, in percent; "metric.valid_accuracy_12_epochs" is of their training of 12 epochs, 6 % of the full one.
"""

import bz2
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from latent_nas.tables.sources import Done, Row, Source
from latent_nas.tables.sources._plain_pickle import plain

EDGES = ("edge_01", "edge_02", "edge_12", "edge_03", "edge_13", "edge_23")
TRAINED = {"cifar10": "cifar10-valid", "cifar100": "cifar100", "imagenet16_120": "ImageNet16-120"}
TESTED = {"cifar10": "ori-test", "cifar100": "x-test", "imagenet16_120": "x-test"}
END = ".pickle.pbz2"
FULL, SHORT = "200", "12"  # epochs


def rows(archive: Path, part: str, done: Done) -> Iterator[Row]:
    """Yield the cells in the order of the authors' numbers.

    Args:
        archive: the .tar, or the folder of it.

    Raises:
        ValueError: it holds no such files, or lacks a training.
    """
    cells = 0
    for number, count, results in _cells(archive):
        if cells % 100 == 0:
            done("cells", cells, count)
        cells += 1
        full, short = results.get(FULL), results.get(SHORT)
        if full is None or short is None:
            raise ValueError(f"{archive}: cell {number} lacks the training of {FULL} or of {SHORT} epochs")
        genes = operators(full["arch_str"])
        own = [full["all_results"][TRAINED[part], seed] for seed in full["dataset_seed"][TRAINED[part]]]
        yield {
            "id": number,
            **{f"gene.{edge}": operator for edge, operator in zip(EDGES, genes, strict=True)},
            "group": topology(genes),
            "metric.valid_accuracy": _accuracy(full, TRAINED[part], "x-valid"),
            "metric.test_accuracy": _accuracy(full, TRAINED[part], TESTED[part]),
            "metric.valid_accuracy_12_epochs": _accuracy(short, TRAINED[part], "x-valid"),
            "cost.params_m": round(own[-1]["params"], 6),
            "cost.macs_m": round(own[-1]["flop"], 6),
        }
    done("cells", cells, cells)
    if not cells:
        raise ValueError(f"{archive} holds no file NNNNNN{END}; wanted {SOURCE.file}")


def operators(cell: str) -> list[str]:
    """Return the operator of each of ``EDGES`` of a cell such as "|a~0|+|b~0|c~1|+|d~0|e~1|f~2|"."""
    return [edge.partition("~")[0] for node in cell.split("+") for edge in node.strip("|").split("|")]


def topology(genes: list[str]) -> str:
    """Return a text that the cells of one topology share, as the paper counts them: a node is the sum of its edges.

    A skip is what it reads; nothing, and what reads a node of one edge of nothing, is "#", which stays in sums.
    """
    nodes = ["0"]
    edges = iter(genes)
    for node in range(1, 4):
        terms = []
        for before, operator in zip(nodes[:node], edges, strict=False):
            if operator == "none" or before == "#":
                terms.append("#")
            else:
                terms.append(before if operator == "skip_connect" else f"({before}){operator}")
        nodes.append("+".join(sorted(terms)))
    return nodes[-1]


def _accuracy(results: Mapping[str, Any], trained: str, judged: str) -> float:
    """Return the accuracy in percent after the last epoch, the mean over seeds."""
    found = [results["all_results"][trained, seed] for seed in results["dataset_seed"][trained]]
    return round(sum(r["eval_acc1es"][f"{judged}@{r['epochs'] - 1}"] for r in found) / len(found), 4)


def _cells(archive: Path) -> Iterator[tuple[int, int, Mapping[str, Any]]]:
    """Yield number, how many there are, and the results by epochs, in the order of the numbers."""
    if archive.is_dir():
        files = sorted(p for p in archive.iterdir() if p.name.endswith(END) and p.name[: -len(END)].isdigit())
        for file in files:
            yield int(file.name[: -len(END)]), len(files), _opened(file.read_bytes(), file.name)
        return
    if not tarfile.is_tarfile(archive):
        raise ValueError(f"{archive} is neither a .tar file nor a folder; wanted {SOURCE.file}")
    with tarfile.open(archive) as whole:
        members = [m for m in whole.getmembers() if m.isfile() and m.name.endswith(END)]
        numbers = {int(n): m for m in members if (n := Path(m.name).name[: -len(END)]).isdigit()}
        for number in sorted(numbers):
            member = whole.extractfile(numbers[number])
            yield number, len(numbers), _opened(member.read() if member else b"", numbers[number].name)


def _opened(raw: bytes, name: str) -> Mapping[str, Any]:
    try:
        raw = bz2.decompress(raw)
    except (OSError, ValueError):
        raise ValueError(f"{name} is damaged: it can't be decompressed") from None
    results: Mapping[str, Any] = plain(raw, name)
    return results


SOURCE = Source(
    name="nats_bench",
    parts=dict.fromkeys(TRAINED, "metric.valid_accuracy"),
    licence="MIT",
    cite='Dong et al. 2021, "NATS-Bench: Benchmarking NAS Algorithms for Architecture Topology and Size"',
    file="NATS-tss-v1_0-3ffb9-simple.tar (named in the README of github.com/D-X-Y/NATS-Bench)",
    fetched=None,
    rows=rows,
    space="nasbench201",
)

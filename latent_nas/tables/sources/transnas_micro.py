"""TransNAS-Bench-101, micro space (Duan et al. 2021): 4,096 cells on seven tasks, from the authors' file.

Metrics are those after the last epoch under the authors' names, more is better; "_5_epochs" are of the same training's
fifth. ``gene.edge_ij`` says what is between nodes i and j.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from latent_nas.tables.sources import Done, Row, Source

TASKS = {
    "class_object": "top1",
    "class_scene": "top1",
    "jigsaw": "top1",
    "room_layout": "neg_loss",
    "segmentsemantic": "mIoU",
    "normal": "ssim",
    "autoencoder": "ssim",
}
OPERATORS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3")
CELL = re.compile(r"([0-3])_([0-3])([0-3])_([0-3])([0-3])([0-3])")
EDGES = ("edge_01", "edge_02", "edge_12", "edge_03", "edge_13", "edge_23")
EARLY = 5  # epochs


def rows(path: Path, part: str, done: Done) -> Iterator[Row]:
    """Yield the cells in the order of the file.

    Raises:
        ValueError: another file, or one that holds more than numbers and text.
    """
    import torch

    try:
        database = torch.load(path, map_location="cpu", weights_only=True)
        cells = database["data"]["micro"]
    except Exception as error:  # noqa: BLE001 -- what a damaged file raises is not foreseeable
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"{path} is not read as {SOURCE.file} ({said}); nothing of it was run") from None
    metric = TASKS[part]
    for i, (name, tasks) in enumerate(cells.items()):
        if i % 500 == 0 or i == len(cells) - 1:
            done("cells", i + 1, len(cells))
        cell = CELL.fullmatch(name.rpartition("-")[2])
        if not cell or part not in tasks:
            raise ValueError(f"{path}: {name!r} is not a cell of the micro space with a training on {part}")
        metrics, info = tasks[part]["metrics"], tasks[part]["model_info"]
        valid, test = metrics[f"valid_{metric}"], metrics[f"test_{metric}"]
        yield {
            "id": i,
            **{f"gene.{edge}": OPERATORS[int(digit)] for edge, digit in zip(EDGES, cell.groups(), strict=True)},
            f"metric.valid_{metric}": float(valid[-1]),
            f"metric.test_{metric}": float(test[-1]),
            f"metric.valid_{metric}_{EARLY}_epochs": float(valid[min(EARLY, len(valid)) - 1]),
            "cost.params_m": float(info["encoder_params"]) / 1e6,
            "cost.macs_m": float(info["encoder_FLOPs"]) / 1e6,
        }


SOURCE = Source(
    name="transnas_micro",
    parts={task: f"metric.valid_{metric}" for task, metric in TASKS.items()},
    licence="MIT",
    cite='Duan et al. 2021, "TransNAS-Bench-101"',
    file="transnas-bench_v10141024.pth (named in the README of github.com/yawen-d/TransNASBench)",
    fetched=None,
    rows=rows,
)

"""Options that several commands share: one type, one default, one help text each."""

from pathlib import Path
from typing import Annotated

import typer


def _task(name: str) -> str:
    """Return a task's name, or its data's absolute path."""
    from latent_nas.tasks import full_name

    return full_name(name)


def given(context: typer.Context) -> list[str]:
    """Return the names of the options that the user has given, on the command line or in ``--config``'s file."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return [name for name, source in sources.items() if source is not None and source.name != "DEFAULT"]


TASK_HELP = (
    "See `latent-nas tasks`; or your own data: a table, arrays, a folder of images, recordings or tables by class."
)
Task = Annotated[str, typer.Option(help=TASK_HELP, callback=_task)]
Input = Annotated[
    str | None, typer.Option("--input", help="HEIGHTxWIDTHxCHANNELS of your own images or arrays, e.g. 48x48x1.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at any sample of your own data that can't be used.")]
Kind = Annotated[
    str | None,
    typer.Option(
        "--kind",
        help="What your own data is for: classify, regress (a numeric target) or anomaly (training on normal samples"
        " only). Default: regress for float targets, anomaly where training has class 'normal' only, else classify.",
    ),
]
Normal = Annotated[
    str | None, typer.Option("--normal", help="Class of normal samples, with --kind anomaly. Default: 'normal'.")
]
Space = Annotated[
    str,
    typer.Option(
        help="Which networks there are: a file of latent_nas/spaces. Default: mcu_cnn1d for series, features and audio,"
        " mcu_cnn for images."
    ),
]
Device = Annotated[str, typer.Option(help="The microcontroller: a file of latent_nas/devices, or one of yours.")]
Runtime = Annotated[str, typer.Option(help="What runs it there: a file of latent_nas/runtimes, or one of yours.")]
Limit = Annotated[
    list[str] | None,
    typer.Option(
        help="flash_kb=N, ram_kb=N or latency_ms=N (1 KB = 1024 B); may be repeated. Without any: the task's"
        " own, of digits flash_kb=32 ram_kb=16 latency_ms=5. The device's own limits hold as well."
    ),
]
Seed = Annotated[int, typer.Option(help="Decides all randomness.")]
Workers = Annotated[int, typer.Option(help="Training processes; 0 is one per core. Changes no result.")]
Ray = Annotated[
    str | None,
    typer.Option(help='Train on a Ray cluster: host:port of its head, or "local" (extra ray).'),
]
Measure = Annotated[
    str,
    typer.Option(
        help="What is made and measured of a network: training; emulate, which runs every trained network on the"
        " emulated device as well and corrects the predicted costs by it (extra mcu); or analog."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output, nothing else.")]
Tensorboard = Annotated[
    bool, typer.Option("--tensorboard", help="Write logs for TensorBoard as well (extra tensorboard).")
]
CodecDir = Annotated[Path | None, typer.Option("--codec", help="Folder of a codec; default: the shipped one.")]
SurrogatesDir = Annotated[
    Path | None, typer.Option("--surrogates", help="Folder of surrogates; default: the shipped ones.")
]
FinalSeeds = Annotated[int, typer.Option(help="Seeds of each final training.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="A setting of the strategy, as reinforce.entropy=0.01; may be repeated."),
]
Rank = Annotated[int, typer.Option(help="Which of the run's final networks, 1 is the best.")]
Calibration = Annotated[
    Path | None,
    typer.Option(help="Inputs (.npz, as the model reads them) to quantise a float .onnx or .tflite file with."),
]
Network = Annotated[
    str,
    typer.Argument(
        help="A name of `latent-nas zoo`, a JSON file (best_architecture.json, candidates of `query`, your own space"
        " and genes, a graph), a run folder, the folder of an int8 network, or an .onnx or .tflite file."
    ),
]
Entry = Annotated[int, typer.Option(help="Which candidate of a JSON of `query`, or final network of a run, from 1.")]

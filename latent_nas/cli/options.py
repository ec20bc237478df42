"""Options that several commands share: one type, one default, one help text each."""

from pathlib import Path
from typing import Annotated

import typer

DATA = "Data"  # panels of a command's help
BOARD = "Device and limits"
SEARCH = "Search"
FINAL = "Final networks"
RUN = "Run folder and output"
MACHINES = "Processes and machines"


def full_task(name: str) -> str:
    """Return a task's name, or its data's absolute path."""
    from latent_nas.tasks._names import full_name

    return full_name(name)


def given(context: typer.Context) -> list[str]:
    """Return the names of the options that the user has given, on the command line or in ``--config``'s file."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return [name for name, source in sources.items() if source is not None and source.name != "DEFAULT"]


TASK_HELP = (
    "A name of `latent-nas tasks`, or your own data: a table, arrays, or a folder of images, recordings or tables by"
    " class."
)
Task = Annotated[str, typer.Option(help=TASK_HELP, callback=full_task, rich_help_panel=DATA)]
Input = Annotated[
    str | None,
    typer.Option(
        "--input", help="HEIGHTxWIDTHxCHANNELS of your own images or arrays, e.g. 48x48x1.", rich_help_panel=DATA
    ),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Stop at any sample of your own data that can't be used.", rich_help_panel=DATA)
]
Kind = Annotated[
    str | None,
    typer.Option(
        "--kind",
        help="What your own data is for: classify, regress (a numeric target) or anomaly (training on normal samples"
        " only). Default: regress for float targets, anomaly where training has class 'normal' only, else classify.",
        rich_help_panel=DATA,
    ),
]
Normal = Annotated[
    str | None,
    typer.Option(
        "--normal", help="Class of normal samples, with --kind anomaly. Default: 'normal'.", rich_help_panel=DATA
    ),
]
Space = Annotated[
    str,
    typer.Option(
        help="Search space, a name of `latent-nas spaces`. Default: mcu_cnn1d for series, features and audio, mcu_cnn"
        " for images.",
        rich_help_panel=SEARCH,
    ),
]
Device = Annotated[
    str,
    typer.Option(
        help="Microcontroller, a name of `latent-nas devices` or a .toml file of yours.", rich_help_panel=BOARD
    ),
]
Runtime = Annotated[
    str,
    typer.Option(
        help="Inference runtime, a name of `latent-nas runtimes` or a .toml file of yours.", rich_help_panel=BOARD
    ),
]
Limit = Annotated[
    list[str] | None,
    typer.Option(
        help="flash_kb=N, ram_kb=N or latency_ms=N (1 KB = 1024 B); may be repeated. Defaults to the task's limits"
        " (digits: flash_kb=32 ram_kb=16 latency_ms=5). The device's own limits always hold.",
        rich_help_panel=BOARD,
    ),
]
Seed = Annotated[int, typer.Option(help="Seed of all randomness.", rich_help_panel=SEARCH)]
Workers = Annotated[
    int, typer.Option(help="Training processes; 0 is one per core. Does not change results.", rich_help_panel=MACHINES)
]
Accelerator = Annotated[
    str,
    typer.Option(
        help="Where networks are trained: auto (a GPU if torch sees one, else the CPU), cpu, cuda or mps. Kept by a run"
        " that goes on.",
        rich_help_panel=MACHINES,
    ),
]
Ray = Annotated[
    str | None,
    typer.Option(
        help='Train on a Ray cluster: host:port of its head, or "local" (extra ray).', rich_help_panel=MACHINES
    ),
]
Measure = Annotated[
    str,
    typer.Option(
        help="How a network is measured: training; emulate, which also runs every trained network on the emulated"
        " device and corrects the predicted costs (extra mcu); or analog, which simulates analog memory.",
        rich_help_panel=SEARCH,
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON on standard output, nothing else.", rich_help_panel=RUN)
]
Tensorboard = Annotated[
    bool,
    typer.Option("--tensorboard", help="Write logs for TensorBoard as well (extra tensorboard).", rich_help_panel=RUN),
]
CodecDir = Annotated[
    Path | None, typer.Option("--codec", help="Folder of a codec; default: the shipped one.", rich_help_panel=SEARCH)
]
SurrogatesDir = Annotated[
    Path | None, typer.Option("--surrogates", help="Folder of surrogates; default: the shipped ones.")
]
Qat = Annotated[
    str,
    typer.Option(
        help="Quantisation-aware training after a full one: auto (where int8 loses more than 0.3 points on validation),"
        " always or never.",
        rich_help_panel=FINAL,
    ),
]
Recipe = Annotated[
    list[str] | None,
    typer.Option(
        help="Change the recipe of the final trainings, as epochs=80 or augmentation=shift=2,cutout; a wrong name"
        " prints all; may be repeated.",
        rich_help_panel=FINAL,
    ),
]
WeightBits = Annotated[
    int,
    typer.Option(
        help="Bits of the weights of final networks: 8, or 4 (two a byte, fine-tuned unless --qat never, native runtime"
        " only). Limits and costs count them.",
        rich_help_panel=FINAL,
    ),
]
FinalSeeds = Annotated[int, typer.Option(help="Seeds of each final training.", rich_help_panel=FINAL)]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help="A setting of the strategy, as reinforce.entropy=0.01; may be repeated.", rich_help_panel=SEARCH
    ),
]
Rank = Annotated[
    str,
    typer.Option(
        help="Which of the run's final networks: a number, 1 is the best; or small, medium or large, of those that no"
        " smaller one beats."
    ),
]
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
FrontEndApart = Annotated[
    bool,
    typer.Option(
        "--front-end-apart",
        help="Limits count the network alone. Default: the front end (audio, spectral features) and the network.",
        rich_help_panel=BOARD,
    ),
]
Entry = Annotated[int, typer.Option(help="Which candidate of a JSON of `query`, or final network of a run, from 1.")]

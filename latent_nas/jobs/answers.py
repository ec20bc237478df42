"""What a deployed network's outputs mean for its task, and how the emulated device and the float network agree."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import artifacts
from latent_nas.firmware.emulate import Emulator
from latent_nas.jobs.networks import Source
from latent_nas.tasks import open_task
from latent_nas.tasks.kinds import Kind
from latent_nas.tasks.kinds.anomaly import Anomaly
from latent_nas.tasks.kinds.classify import Classification
from latent_nas.training import FLOAT
from latent_nas.training.metadata import Metadata, metadata_of
from latent_nas.training.quantise import QuantisedNetwork

AGREEMENTS = {
    "argmax": "the float network's class in {:.1%}",
    "difference": "{:.4g} from the float network's value in the mean, in the target's unit",
    "rank_correlation": "scores' rank correlation with the float network's {:.4f}",
}  # of ``Kind.agreement``, for people


def about_of(source: Source, network: QuantisedNetwork, made: dict[str, Any]) -> Metadata:
    """Return what travels with a network: what lies beside it, else what its task says, else what its file left out."""
    beside = Metadata.read(source.folder) if source.folder is not None else None
    if beside is not None:
        return beside
    if "task" not in made:
        return _told(source, network, made.get("left_out", ""))
    return metadata_of(open_task(made["task"]), network)


def _told(source: Source, network: QuantisedNetwork, left_out: str) -> Metadata:
    """Return what a file that this project has exported tells of its network; of any other file what it left out."""
    text = source.told()
    if not text:
        return Metadata(left_out=left_out)
    try:
        found = Metadata.from_json(text)
    except ValueError as error:
        raise ValueError(
            f"{source.given}: its metadata latent_nas is damaged ({error}); export the network again"
        ) from None
    if found.preprocessing and tuple(found.preprocessing.shape) != network.graph.input_shape:
        raise ValueError(
            f"{source.given}: its metadata latent_nas is of an input {tuple(found.preprocessing.shape)}, the network"
            f" takes {network.graph.input_shape}; take the metadata out, or export the network again"
        )
    return replace(found, left_out=left_out)


def alarms(network: QuantisedNetwork, threshold: int, emulator: Emulator, x: np.ndarray) -> dict[str, Any]:
    """Return how many of the int8 inputs (n, ...) the device flags, and whether all is as in the reference."""
    told = [emulator.answered(one, i % 2) for i, one in enumerate(x)]
    scores = Anomaly().scores(network.from_integers(x), network.quants[-1].zero_point)
    same = told == list(zip((scores > threshold).astype(int).tolist(), scores.tolist(), strict=True))
    flagged = sum(flag for flag, _ in told)
    return {"inputs": len(x), "threshold": threshold, "flagged": flagged, "same_as_reference": same}


def agreement(
    network: QuantisedNetwork, made: dict[str, Any], folder: Path | None, x: np.ndarray, outputs: np.ndarray
) -> dict[str, Any]:
    """Return how int8 outputs (n, outputs) agree with the float network's; None where that one was not kept.

    The task's kind says in what; of texts x is (texts, tokens), and there is a row of outputs per token.
    """
    if folder is None or not (folder / FLOAT / artifacts.MANIFEST).exists():
        return {"float_argmax_agreement": None, "float_agreement": {}}
    from latent_nas.training.network import Network

    kind: Kind = open_task(made["task"]).kind if "task" in made else Classification()
    floats = Network.load(folder / FLOAT).outputs(x).reshape(-1, outputs.shape[-1])
    found = kind.agreement(network.quants[-1].dequantise(outputs).reshape(floats.shape), floats)
    return {"float_argmax_agreement": found.get("argmax"), "float_agreement": found}


def texts(report: dict[str, Any]) -> tuple[str, list[str]]:
    """Return of a report with "emulated" how it agrees with the float network, and lines on alarms."""
    agreed = "".join(f"; {AGREEMENTS[k].format(v)}" for k, v in report["emulated"]["float_agreement"].items())
    if "alarms" not in report:
        return agreed, []
    a = report["alarms"]
    equal = "the same as" if a["same_as_reference"] else "NOT the same as"
    flagged = f"{a['flagged']} of {a['inputs']} flagged as anomalies (score above {a['threshold']})"
    return agreed, [f"{flagged}, {equal} the reference's"]

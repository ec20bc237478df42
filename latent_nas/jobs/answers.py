"""What a deployed network's outputs mean for its task, and how the emulated device and the float network agree."""

from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import artifacts
from latent_nas.firmware.answer import Answer, answer
from latent_nas.firmware.emulate import Emulator
from latent_nas.tasks import open_task
from latent_nas.tasks.kinds import Kind
from latent_nas.tasks.kinds.classify import Classification
from latent_nas.training import FLOAT
from latent_nas.training.quantise import QuantisedNetwork

AGREEMENTS = {
    "argmax": "the float network's class in {:.1%}",
    "difference": "{:.4g} from the float network's value in the mean, in the target's unit",
    "rank_correlation": "scores' rank correlation with the float network's {:.4f}",
}  # of ``Kind.agreement``, for people


def answer_of(network: QuantisedNetwork, made: dict[str, Any]) -> Answer:
    """Return what a network's outputs mean, given what made it.

    Where its task is not known, that is what its file did with them that was left out, or nothing.
    """
    if "task" not in made:
        left_out = made.get("left_out", "")
        return Answer(about=f"| meaning | as in the file it was read from | {left_out} |\n" if left_out else "")
    task = open_task(made["task"])
    return answer(task.kind, network, lambda: task.data_of(network.graph).valid)


def alarms(network: QuantisedNetwork, meaning: Answer, emulator: Emulator, x: np.ndarray) -> dict[str, Any]:
    """Return how many of the inputs (n, ...) the device flags, and whether flags and scores are the reference's."""
    told = [emulator.answered(one, i % 2) for i, one in enumerate(network.quants[0].quantise(x))]
    flags, scores = meaning.alarms(network.integers(x))
    same = told == list(zip(flags.astype(int).tolist(), scores.tolist(), strict=True))
    flagged = sum(flag for flag, _ in told)
    return {"inputs": len(x), "threshold": meaning.threshold, "flagged": flagged, "same_as_reference": same}


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

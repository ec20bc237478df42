"""True training, and every trained network as firmware on the emulated device: the microcontroller in the loop."""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from latent_nas import whole
from latent_nas.evaluators import Evaluator, Job
from latent_nas.evaluators.training import Training
from latent_nas.evaluators.work import trained
from latent_nas.firmware import Fault, Overflow
from latent_nas.firmware.check import emulate, sizes
from latent_nas.firmware.compile import build
from latent_nas.firmware.export import RUNTIME, project
from latent_nas.firmware.machine import check_tools
from latent_nas.records import Record, reason_of
from latent_nas.target import Target, open_target

if TYPE_CHECKING:
    from latent_nas.training.quantise import QuantisedNetwork

LEFT_S = 600.0  # age of folders of workers that died which are removed
INPUTS = 2  # instructions hardly depend on the input; more of them would check the same bits again


class Emulation(Evaluator):
    """Trains as ``training`` does, in as many processes; each then compiles its network and runs it."""

    accelerated: ClassVar[bool] = True
    pauses: ClassVar[bool] = True

    def __init__(self, target: Target, workers: int = 0, ray: str = "") -> None:
        self._training = Training(target, workers, ray, emulated_record)

    @classmethod
    def check(cls, target: Target) -> None:
        """Return if there are a compiler and an emulator, and kernels of the runtime that is asked for.

        Raises:
            ValueError: what is missing, and the next step.
        """
        setup = open_target(target)
        if target.weight_bits < 8:
            raise ValueError(
                "what --measure emulate runs are a search's own networks, whose weights have 8 bits; leave"
                " --weight-bits out, or measure by training: final networks are run on the emulated device all the same"
            )
        check_tools(setup.device.core)
        if not setup.runtime.counts_image:  # native, or calibrated from it
            raise ValueError(
                f"what is emulated are this project's kernels, not those of {target.runtime!r}: --runtime {RUNTIME}"
            )

    def evaluate(self, jobs: Iterable[Job]) -> Iterator[Record]:
        """Yield records as they finish."""
        self._training.say = self.say
        return self._training.evaluate(jobs)

    def close(self) -> None:
        """Stop the processes."""
        self._training.close()


def emulated_record(target: Target, job: Job) -> Record:
    """Return the record of a job with what its firmware took.

    It is failed where the device could not run it bit-exactly, lost where no firmware could be made here, as of a full
    disk.
    """
    record, network = trained(target, job)
    if network is None:
        return record
    try:
        return replace(record, **_emulated(target, network))
    except (Fault, Overflow) as error:
        return replace(record, status="failed", reason=reason_of(f"firmware: {error}"))
    except (ValueError, OSError) as error:
        return replace(record, status="lost", reason=reason_of(f"no firmware could be made: {error}"))


def _emulated(target: Target, network: "QuantisedNetwork") -> dict[str, Any]:
    setup = open_target(target)
    made = project(network, setup.device)
    place = Path(tempfile.gettempdir())
    whole.sweep(place, age_s=LEFT_S)
    with whole.scratch(place) as folder:
        made.write(folder)
        elf = build(folder, setup.device.core)
        size = sizes(elf)
        found = emulate(made, elf, setup.task.data().valid.x[:INPUTS])[1]
    if not found["bit_exact"]:
        raise Fault(f"{1 - found['equal_outputs']:.2%} of its outputs are not those of the integer reference")
    return {
        "emulated_flash_bytes": size["flash_bytes"],
        "emulated_ram_bytes": size["ram_bytes"],
        "emulated_instructions": found["instructions"],
        "emulated_latency_ms": sum(found["emulated_ms"]) / 2,
    }


Plugin = Emulation

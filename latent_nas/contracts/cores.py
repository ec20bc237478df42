"""What every core keeps."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from latent_nas import plugins
from latent_nas.contracts import demand
from latent_nas.contracts.devices import network
from latent_nas.cores import Core, open_core
from latent_nas.devices import open_device
from latent_nas.firmware.check import emulate
from latent_nas.firmware.compile import build
from latent_nas.firmware.draw import drawn
from latent_nas.firmware.export import project
from latent_nas.runtimes import open_runtime

BOARD = "stm32f405"  # its memory; the core is the one in question
INPUTS = 2


def subjects(plugin: Any) -> list[Core]:
    """Return the core."""
    return [open_core(plugin)]


def a_runtime_has_cycles_for_it(subject: Core) -> None:
    """A runtime has measured it, or the core that is named as near it."""
    refused, known = [], 0
    for name in plugins.names("runtimes"):
        runtime = open_runtime(name)
        try:
            for kernel in runtime.kernels:
                runtime.cycles(kernel, subject)
            known += 1
        except ValueError as error:
            refused.append(str(error))
    demand(known, f"no runtime has cycles for all of its kernels: {refused[0] if refused else ''}")


def firmware_is_bit_exact(subject: Core) -> None:
    """A small network, compiled for it, gives the integer reference's outputs on its emulated model."""
    made, x = drawn(network(), 0)
    firmware = project(made, replace(open_device(BOARD), core=subject))
    with tempfile.TemporaryDirectory() as folder:
        firmware.write(Path(folder))
        found = emulate(firmware, build(Path(folder), subject), x[:INPUTS])[1]
    demand(found["bit_exact"], f"{1 - found['equal_outputs']:.1%} of outputs are not those of the integer reference")


CONTRACTS = (a_runtime_has_cycles_for_it, firmware_is_bit_exact)

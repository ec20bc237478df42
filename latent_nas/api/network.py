"""A final network from Python: its figures, its files, its firmware."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from latent_nas.jobs import deploy, export
from latent_nas.jobs.build import Build
from latent_nas.jobs.on_board import BAUD, TIMEOUT_S, OnBoard
from latent_nas.jobs.summary import FITS
from latent_nas.runs.schema import FinalNetwork


@dataclass(frozen=True, repr=False)
class Network:
    """A final network: trained in full with several seeds, measured on the test part.

    Attributes:
        genes: its place in the space. architecture: the same for people. folder: of the int8 network,
            ``networks/<rank>`` of its run.
        measured_exported_int8: the task's metrics by name, of the network in ``folder`` itself, its first one with what
            the test samples tell of it, ``measured_exported_interval`` (95 %).
        measured_int8, measured_float, measured_beside: the task's metrics by name, means over ``seeds`` seeds;
            ``measured_int8_std``: their spread. Empty where all trainings failed.
        flash_bytes, ram_bytes, latency_ms: computed. emulated_limited: what its firmware took of all three, by name,
            where limits count that; else empty. fits: whether it keeps all limits.
        details: everything that ``result.json`` says of it.
    """

    genes: tuple[int, ...]
    architecture: Any
    measured_exported_int8: Mapping[str, float]
    measured_exported_interval: tuple[float, ...]
    measured_int8: Mapping[str, float]
    measured_int8_std: Mapping[str, float]
    measured_float: Mapping[str, float]
    measured_beside: Mapping[str, float]
    seeds: int
    flash_bytes: int
    ram_bytes: int
    latency_ms: float
    emulated_limited: Mapping[str, float]
    fits: bool | None
    folder: Path
    details: dict[str, Any]

    @staticmethod
    def of(final: FinalNetwork, folder: Path) -> "Network":
        """Return a network of ``result.json``."""
        taken = {f.name: getattr(final, f.name) for f in fields(Network) if hasattr(final, f.name)}
        return Network(**{**taken, "ram_bytes": final.arena[1]}, folder=folder, details=asdict(final))

    def __repr__(self) -> str:
        measured = ", ".join(f"{name} {value:.4f}" for name, value in self.measured_exported_int8.items())
        emulated = f", {self.emulated_limited['latency_ms']:.2f} ms emulated" if self.emulated_limited else ""
        return (
            f"Network(int8 {measured or 'not measured'}; flash {self.flash_bytes / 1024:.1f} KB,"
            f" RAM {self.ram_bytes / 1024:.1f} KB, {self.latency_ms:.2f} ms computed{emulated}; {FITS[self.fits]};"
            f" {self.folder})"
        )

    def export(self, file: str | Path) -> Path:
        """Write the int8 network as what the file ends in, .onnx (QDQ) or .tflite, and return the file.

        Raises:
            ValueError: no int8 network there, the file is there already, or the extra of that name is not installed.
        """
        export.export(self.folder, Path(file), None)
        return Path(file)

    def deploy(
        self,
        out: str | Path,
        device: str = "",
        emulate: bool = False,
        inputs: int = 10,
        camera: str = "",
        flash: str = "",
        chip: str = "",
        baud: int = BAUD,
        timeout_s: float = TIMEOUT_S,
    ) -> dict[str, Any]:
        """Write the C project, compile it, run it on the emulated device or a board if wanted, and return the report.

        Needs the extra ``mcu``. ``device``: "" is that of the run. ``inputs``: of the validation part, to run there.
        ``camera``: whose frames the C takes, "320x240:rgb565"; "" for none.
        ``flash``, ``chip``, ``baud``, ``timeout_s``: your board, as of `latent-nas deploy --flash`; "" for none. The
        run keeps the figures, and its report shows them once ``Result.report`` has written it anew.

        Raises:
            ValueError: no compiler, emulator or board, or it does not fit.
            latent_nas.firmware.Fault: the firmware did what the device can't.
        """
        board = OnBoard(flash, chip, baud, timeout_s) if flash else None
        how = Build(emulator="unicorn" if emulate else "", board=board, camera=camera)
        run, rank = self.folder.parent.parent, int(self.folder.name)
        return deploy.deploy(run, device, Path(out), how, inputs, rank, lambda line: None)

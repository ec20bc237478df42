"""The same firmware under QEMU, where qemu-system-arm is installed: a second emulator, written by others.

A ``-DBENCH`` build runs on the machine that the device's file names, its input put into RAM before the start. QEMU has
no cycle counter, but counts time in instructions (``-icount shift=0``), and a timer of the machine shows that time.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from latent_nas import plugins
from latent_nas.devices import Device, Qemu, open_device
from latent_nas.firmware import Fault
from latent_nas.firmware.boot import image
from latent_nas.firmware.elf import Elf

PROGRAM = "qemu-system-arm"
MOST_SECONDS = 60


def machine(device: Device) -> Qemu:
    """Return QEMU's machine for a device.

    Raises:
        ValueError: QEMU is not installed, or the device's file names no machine.
    """
    if not shutil.which(PROGRAM):
        raise ValueError(f"{PROGRAM} is not installed; leave --emulator qemu out, and unicorn emulates")
    if device.qemu is None:
        there = ", ".join(name for name in plugins.names("devices") if open_device(name).qemu)
        raise ValueError(
            f"the file of device {device.name!r} names no machine of QEMU, those of {there} do; leave"
            " --emulator qemu out"
        )
    return device.qemu


def defines(device: Device) -> tuple[str, ...]:
    """Return what a firmware is built with that runs there."""
    return "BENCH", f"BENCH_COUNTER={machine(device).counter:#010x}u"


def bench(elf: Elf, device: Device, x: np.ndarray, input_address: int) -> str:
    """Return what a build with ``defines`` prints when it starts with an int8 input in RAM.

    Raises:
        Fault: it was not done in time, or QEMU stopped it.
    """
    with tempfile.TemporaryDirectory() as folder:
        data, flash = Path(folder) / "input.bin", Path(folder) / "flash.bin"
        data.write_bytes(x.astype(np.int8).tobytes())
        flash.write_bytes(image(elf, device))  # of an ELF file QEMU would fill the RAM as well, and refuse the input
        command = [PROGRAM, "-M", machine(device).machine, "-display", "none", "-monitor", "none", "-serial", "none"]
        command += ["-semihosting-config", "enable=on,target=native", "-icount", "shift=0", "-kernel", str(flash)]
        command += ["-device", f"loader,file={data},addr={input_address:#x},force-raw=on"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=MOST_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise Fault(f"not done after {MOST_SECONDS} s under {PROGRAM}") from None
    if done.returncode:
        raise Fault(f"{PROGRAM} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout + done.stderr

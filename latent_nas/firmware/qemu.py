"""The same firmware under QEMU, where qemu-system-arm is installed: a second emulator, written by others.

A ``-DBENCH`` build runs on QEMU's own STM32F405 (``netduinoplus2``), its input put into RAM before the start. QEMU has
no cycle counter, but counts time in instructions (``-icount shift=0``), and its timer TIM2 shows that time.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from latent_nas.devices import Device
from latent_nas.firmware import Fault
from latent_nas.firmware.elf import Elf

PROGRAM, MACHINE = "qemu-system-arm", "netduinoplus2"
DEVICE = "stm32f405"
DEFINES = ("BENCH", "BENCH_COUNTER=0x40000024u")  # TIM2->CNT
MOST_SECONDS = 60


def check(device: Device) -> None:
    """Return if QEMU is installed and has the device.

    Raises:
        ValueError: it is not, or it has not.
    """
    if not shutil.which(PROGRAM):
        raise ValueError(f"{PROGRAM} is not installed; leave --emulator qemu out, and unicorn emulates")
    if device.name != DEVICE:
        raise ValueError(f"QEMU is asked for {DEVICE} only, not for {device.name!r}; leave --emulator qemu out")


def bench(elf: Elf, x: np.ndarray, input_address: int) -> str:
    """Return what a build with ``DEFINES`` prints when it starts with an int8 input in RAM.

    Raises:
        Fault: it was not done in time, or QEMU stopped it.
    """
    with tempfile.TemporaryDirectory() as folder:
        data, flash = Path(folder) / "input.bin", Path(folder) / "flash.bin"
        data.write_bytes(x.astype(np.int8).tobytes())
        flash.write_bytes(_flash(elf))  # of an ELF file QEMU would fill the RAM as well, and refuse the input
        command = [PROGRAM, "-M", MACHINE, "-display", "none", "-monitor", "none", "-serial", "none"]
        command += ["-semihosting-config", "enable=on,target=native", "-icount", "shift=0", "-kernel", str(flash)]
        command += ["-device", f"loader,file={data},addr={input_address:#x},force-raw=on"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=MOST_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise Fault(f"not done after {MOST_SECONDS} s under {PROGRAM}") from None
    if done.returncode:
        raise Fault(f"{PROGRAM} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout + done.stderr


def _flash(elf: Elf) -> bytes:
    """Return the flash's content from its first byte on."""
    first = min(at for at, _ in elf.segments)
    image = bytearray(max(at + len(content) for at, content in elf.segments) - first)
    for at, content in elf.segments:
        image[at - first : at - first + len(content)] = content
    return bytes(image)

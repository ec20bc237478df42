"""What it takes to bring a camera's frame to a network's input in C: bits, instructions, cycles, RAM and flash.

    python benchmarks/camera_frame.py --frames 10

Random frames on the emulated STM32F405, against the reference in Python. Flash is that of an image that takes frames
less that of one that takes raw pixels, with the same network.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from latent_nas import seeds
from latent_nas.devices import open_device
from latent_nas.firmware import elf
from latent_nas.firmware.draw import drawn
from latent_nas.firmware.export import Project, project
from latent_nas.firmware.frame import ram_bytes
from latent_nas.firmware.raw import FromRaw, run
from latent_nas.graph import Builder
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.preprocessing import PIXEL, Preprocessing
from latent_nas.resampling import Frame
from latent_nas.training.metadata import Metadata
from latent_nas.units import with_error

DEVICE = open_device("stm32f405")
CASES = (
    (Frame(320, 240, "rgb565"), (48, 48, 1)),
    (Frame(320, 240, "rgb565", "nearest"), (48, 48, 1)),
    (Frame(320, 240, "grey"), (96, 96, 1)),
    (Frame(320, 240, "rgb"), (48, 48, 3)),
    (Frame(160, 120, "rgb565"), (96, 96, 3)),
)


def taking(shape: tuple[int, int, int], camera: Frame | None) -> Project:
    """Return a small network's project."""
    b = Builder(shape)
    b.add(Dense(3), b.add(GlobalPool(), b.add(Conv2d(4), 0)))
    seen = Preprocessing(shape, PIXEL, gain=(1 / 255,), grey=shape[-1] == 1)
    return project(drawn(b.build(), 0, 2)[0], DEVICE, about=Metadata(preprocessing=seen), camera=camera)


def ran(one: Project, raw: np.ndarray) -> tuple[FromRaw, int]:
    """Return what came of raw data on the emulated device, and the image's flash in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        return run(one, Path(folder), raw, False, "zig"), elf.read(Path(folder) / "firmware.elf").flash_bytes


def main() -> None:
    """Print a row for each frame."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=10)
    frames = parser.parse_args().frames
    print("| frame | input | resizing | equal | instructions | at 168 MHz | RAM beside the arena | flash |")
    print("|---|---|---|---|---|---|---|---|")
    for camera, shape in CASES:
        given = seeds.rng(0, "frames").integers(0, 256, (frames, camera.height * camera.row_bytes), np.uint8)
        proof, flash = ran(taking(shape, camera), given)
        without = ran(taking(shape, None), np.zeros((1, *shape), np.uint8))[1]
        took = with_error([cycles * 1e3 / DEVICE.clock_hz for cycles in proof.preprocess_cycles])
        size = "x".join(map(str, shape))
        equal = f"{proof.equal_inputs} of {proof.inputs}"
        print(
            f"| {camera} | {size} | {camera.method} | {equal} | {proof.preprocess_instructions:,} | {took}"
            f" | {ram_bytes(camera, shape):,} B | {flash - without:,} B |"
        )


if __name__ == "__main__":
    main()

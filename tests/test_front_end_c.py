"""The audio front end in C on emulated boards: the bits of the reference for the loudest, softest and oddest sounds."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ziglang")
pytest.importorskip("unicorn")

from constants_in_c import constant_bytes

from latent_nas.devices import open_device
from latent_nas.firmware import raw as from_raw
from latent_nas.firmware.draw import drawn
from latent_nas.firmware.export import project
from latent_nas.front_end import FLOOR, FrontEnd
from latent_nas.graph import Builder
from latent_nas.operators.dense import Dense
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.preprocessing import SOUND, Preprocessing
from latent_nas.training.metadata import Metadata


def sounds(samples):
    """Return int16 recordings (n, samples): waves that fill 16 bits, a click, silence, noise down to one bit."""
    n, rng = np.arange(samples), np.random.default_rng(0)
    square = [np.where(n // half % 2, 32767, -32768) for half in (1, 2, 3, 50)]
    click = np.where(n == samples // 2, -32768, 0)
    noise = [np.rint(10.0**power * rng.normal(0, 0.3, samples)) for power in (5, 4, 2, 0.5)]
    rows = [*square, np.full(samples, -32768), np.full(samples, 32767), np.zeros(samples), click, *noise]
    return np.clip(np.stack(rows), -32768, 32767).astype(np.int16)


def behind(ear, device):
    """Return the project of a network behind a front end."""
    values = ear.shape[1]
    seen = Preprocessing(ear.shape, SOUND, shift=(-3.0,) * values, gain=(1.0,) * values, front_end=ear)
    b = Builder(ear.shape)
    b.add(Dense(3), b.add(GlobalPool(), 0))
    return project(drawn(b.build(), 0, 4)[0], open_device(device), about=Metadata(preprocessing=seen), prefix="kws")


def heard_on(device, ear, raw, place):
    """Return how many of raw recordings give the reference's bits on an emulated board."""
    proof = from_raw.run(behind(ear, device), place, raw, plain=False, toolchain="zig")
    return min(proof.equal_inputs, proof.equal_outputs)


# Transforms whose stages are all of four points (4000, 16000 Hz) and not, and a window that is no power of two.
@pytest.mark.parametrize(("rate", "kind"), [(4000, "log_mel"), (8000, "mfcc"), (2750, "log_mel"), (16000, "log_mel")])
@pytest.mark.parametrize("device", ["stm32f405", "rp2040", "stm32f103"])
def test_extremes_are_heard_as_in_python(tmp_path: Path, rate: int, kind: str, device: str) -> None:
    ear = FrontEnd.of(rate, rate // 10, kind)
    raw = sounds(ear.samples)
    assert heard_on(device, ear, raw, tmp_path) == len(raw)


@pytest.mark.parametrize("rate", [2750, 4000, 8000, 16000, 44100])
@pytest.mark.parametrize("kind", ["log_mel", "mfcc"])
def test_what_its_tables_cost_is_what_the_file_holds(rate: int, kind: str) -> None:
    ear = FrontEnd.of(rate, rate // 10, kind)
    assert constant_bytes(behind(ear, "stm32f405").files["kws/kws_preprocess.c"]) == ear.table_bytes()


@pytest.mark.parametrize("device", ["stm32f405", "rp2040"])
def test_frames_may_begin_at_any_sample(tmp_path: Path, device: str) -> None:
    """Of every second frame the samples are not at a multiple of 4 bytes, where they are loaded two at a time."""
    ear = FrontEnd(8000, 256 + 3 * 81, 256, 81)
    raw = sounds(ear.samples)
    assert heard_on(device, ear, raw, tmp_path) == len(raw)


@pytest.mark.parametrize("rate", [2000, 4000, 8000, 16000])
def test_no_wave_at_full_scale_leaves_32_bits(tmp_path: Path, rate: int) -> None:
    """The reference has 64 bits: what left 32 in C would differ, and floats say that the reference is right."""
    ear = FrontEnd.of(rate, FrontEnd.of(rate, rate).window)
    n, k = np.arange(ear.window), np.arange(1, ear.points // 2)[:, None]
    angle = 2 * np.pi * k * n / ear.points
    waves = np.concatenate([np.sign(np.cos(angle + phase) + 1e-9) for phase in (0, np.pi / 4, np.pi / 2)])
    raw = np.clip(waves * 32768, -32768, 32767).astype(np.int16)
    assert heard_on("stm32f405", ear, raw, tmp_path) == len(raw)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * (n + 0.5) / ear.window)
    power = np.abs(np.fft.rfft(raw / 32768 * hann, ear.points)) ** 2 / ear.window
    wanted = np.log10(power @ ear.filters + FLOOR)
    loud = wanted > wanted.max() - 4
    found = ear.integers(raw)[:, 0, :, 0] * ear.step + ear.offset
    assert np.abs(found - wanted)[loud].max() < 5 * ear.step

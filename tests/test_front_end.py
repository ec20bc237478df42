"""The front end for audio: what it hears, and what it costs."""

import numpy as np
import pytest

from latent_nas import plugins
from latent_nas.costs.front_end import front_end_cost
from latent_nas.devices import open_device
from latent_nas.front_end import FLOOR, FrontEnd

EAR = FrontEnd.of(8000, 8000)


def tone(hertz, ear=EAR):
    return np.sin(2 * np.pi * hertz * np.arange(ear.samples) / ear.rate)[None].astype(np.float32)


def test_a_second_at_8_khz_is_49_frames_of_20_bands():
    assert EAR.shape == (49, 20, 1)
    assert (EAR.window, EAR.hop, EAR.points) == (256, 160, 256)
    assert FrontEnd.of(16000, 16000).shape == (49, 20, 1)


@pytest.mark.parametrize("hertz", [200, 500, 1000, 2000, 3500])
def test_a_tone_is_loudest_in_the_band_around_it(hertz):
    mel = 2595 * np.log10(1 + hertz / 700)
    peaks = np.linspace(0, 2595 * np.log10(1 + 4000 / 700), EAR.bins + 2)[1:-1]
    heard = EAR(tone(hertz))[0, :, :, 0].mean(axis=0).argmax()
    assert abs(heard - np.abs(peaks - mel).argmin()) <= 1


def test_silence_is_the_floor_and_louder_is_more():
    silence = EAR(np.zeros((1, 8000), np.float32))
    assert silence == pytest.approx(np.log10(FLOOR), abs=EAR.step)
    soft, loud = EAR(0.1 * tone(1000)), EAR(tone(1000))
    assert (loud - soft).max() == pytest.approx(2, abs=0.05)  # ten times the amplitude is a hundred times the power


@pytest.mark.parametrize("kind", ["log_mel", "mfcc"])
@pytest.mark.parametrize("rate", [2000, 8000, 11025, 44100])
def test_its_integers_are_what_floats_would_give(rate, kind):
    ear, rng = FrontEnd.of(rate, rate, kind), np.random.default_rng(0)
    noise = rng.normal(0, 0.3, (5, rate)) + 0.5 * np.sin(np.arange(rate) * 0.3)
    audio = ear.heard(np.clip(10.0 ** -np.arange(5)[:, None] * noise, -1, 1))
    at = np.arange(ear.shape[0])[:, None] * ear.hop + np.arange(ear.window)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(ear.window) + 0.5) / ear.window)
    power = np.abs(np.fft.rfft(audio[:, at] / 32768 * hann, ear.points)) ** 2 / ear.window
    bands = np.log10(power @ ear.filters + FLOOR)
    wanted = bands if kind == "log_mel" else bands @ ear.cosines
    assert np.abs(ear(audio / 32768)[..., 0] - wanted).max() < 5 * ear.step


def test_every_band_hears_something_at_every_rate():
    for rate in (4000, 8000, 11025, 16000, 44100):
        assert (FrontEnd.of(rate, rate).filters.max(axis=0) > 0).all()


def test_mfcc_is_the_orthonormal_cosine_transform_of_log_mel():
    ear = FrontEnd.of(8000, 8000, "mfcc")
    assert ear.cosines.T @ ear.cosines == pytest.approx(np.eye(10), abs=1e-12)
    bands = EAR(tone(700))[0, :, :, 0]
    assert ear(tone(700))[0, :, :, 0] == pytest.approx(bands @ ear.cosines, abs=1e-3)


def test_counts_are_those_worked_out_by_hand():
    work = EAR.work()
    assert work["windowed"] == 49 * 256
    assert work["fft"] == 49 * 128 * 7  # a complex transform of half as many points
    assert work["logs"] == 49 * 20
    assert work["macs"] == 49 * np.count_nonzero(EAR.filters)
    assert EAR.buffer_bytes() == 4 * (256 + 2) + 2 * 256 + 49 * 20


def test_twice_the_recording_costs_twice_the_frames_and_no_flash():
    device = open_device("stm32f405")
    one, two = (front_end_cost(FrontEnd.of(8000, n), device) for n in (8000, 16000))
    frames = FrontEnd.of(8000, 16000).shape[0] / EAR.shape[0]
    assert two.cycles == pytest.approx(frames * one.cycles)
    assert two.flash_bytes == one.flash_bytes
    assert two.ram_bytes - one.ram_bytes == (FrontEnd.of(8000, 16000).shape[0] - 49) * 20  # rows of int8 values
    assert one.latency_ms == pytest.approx(one.cycles / 168e3)


@pytest.mark.parametrize("name", plugins.names("devices"))
def test_every_device_has_a_cost_with_an_error(name):
    cost = front_end_cost(EAR, open_device(name))
    assert 0 < cost.latency_error_ms < cost.latency_ms
    assert set(cost.to_json()) >= {"computed_cycles", "computed_flash_bytes", "computed_ram_bytes"}


@pytest.mark.parametrize(("rate", "samples", "kind"), [(8000, 100, "log_mel"), (8000, 8000, "plp")])
def test_what_cannot_be_is_said(rate, samples, kind):
    with pytest.raises(ValueError, match=r"less than one window|there are: log_mel"):
        FrontEnd.of(rate, samples, kind)
    with pytest.raises(ValueError, match="expected"):
        EAR(np.zeros((1, 7)))

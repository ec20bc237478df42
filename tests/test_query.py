"""A query names what it predicts after what the surrogates were fitted to."""

import shutil
from dataclasses import replace

import pytest

from latent_nas import artifacts
from latent_nas.jobs import query
from latent_nas.jobs.models import pretrained
from latent_nas.target import MAIN_LIMITS, MAIN_TARGET, Setup

KIND = "accuracy surrogates"


def asked(folder):
    (found,) = query.candidates(Setup(MAIN_TARGET), MAIN_LIMITS, 1, 200, None, folder, None, 0)["candidates"]
    return found


def test_predictions_have_the_name_and_the_sign_of_the_objective(tmp_path):
    shipped = pretrained(Setup(MAIN_TARGET), ".")
    shutil.copytree(shipped / "costs-stm32f405-native", tmp_path / "costs-stm32f405-native")
    known = artifacts.load(shipped / "accuracy", KIND)
    made = {**known.made, "objective": "bits_per_character", "sign": -1.0}
    artifacts.save(tmp_path / "accuracy", replace(known, made=made))
    plain, lost = asked(None), asked(tmp_path)
    assert lost["genes"] == plain["genes"]
    assert lost["predicted_bits_per_character"] == -plain["predicted_int8_accuracy"]
    assert "predicted_int8_accuracy" not in lost
    low, high = plain["predicted_interval_90"]
    assert lost["predicted_interval_90"] == pytest.approx([-high, -low])

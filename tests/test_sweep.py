"""The sweep over the codec's hyperparameters: kept, continued, and judged by what codecs fail in."""

import json

import pytest

from latent_nas.codec import Codec
from latent_nas.jobs import models
from latent_nas.jobs.make.sweep import sweep, worth
from latent_nas.target import Setup, Target

SETUP = Setup(Target("resnet_analog:first=8,12;stages=1-2;repeats=1-2;branches=1-2", "digits", "stm32h743", "cmsis_nn"))
GOOD = {"exact": 1.0, "perplexity": 16.0, "distinct": 10_000}


def nothing(*_):
    pass


def test_collapsed_codecs_are_worth_little():
    """The known traps: codes that nobody uses, and many codes that decode to a handful of networks."""
    assert worth(GOOD, 32) == 1.0
    assert worth({**GOOD, "distinct": 8}, 32) < 0.001
    assert worth({**GOOD, "perplexity": 1.6}, 32) == pytest.approx(0.1)
    assert worth({**GOOD, "exact": 0.5}, 32) == 0.5


def test_a_sweep_keeps_the_best_and_goes_on_as_one_never_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(models.sampled_costs, "__defaults__", (60,))
    whole, cut = tmp_path / "whole" / "codec", tmp_path / "cut" / "codec"
    result = sweep(SETUP, 2, None, 20, 0, whole, nothing, nothing)
    trials = json.loads((tmp_path / "whole" / "codec-sweep" / "sweep.json").read_text())["trials"]
    assert len(trials) == 2
    assert result["best"]["worth"] == max(t["worth"] for t in trials)
    kept = Codec.load(whole, SETUP.space)
    assert {k: v for k, v in vars(kept.settings).items() if k in trials[0]["params"]} == result["best"]["params"]
    sweep(SETUP, 1, None, 20, 0, cut, nothing, nothing)
    sweep(SETUP, 2, None, 20, 0, cut, nothing, nothing)
    assert json.loads((tmp_path / "cut" / "codec-sweep" / "sweep.json").read_text())["trials"] == trials
    with pytest.raises(ValueError, match="another sweep"):
        sweep(SETUP, 2, None, 20, 1, cut, nothing, nothing)
    page = (tmp_path / "whole" / "codec-sweep" / "sweep.html").read_text()
    assert "learning_rate" in page


def test_no_trial_is_said(tmp_path):
    with pytest.raises(ValueError, match="1 or more"):
        sweep(SETUP, -1, None, 20, 0, tmp_path / "codec", nothing, nothing)
    assert not list(tmp_path.iterdir())

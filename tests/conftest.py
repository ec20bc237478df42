"""What tests of several files are given."""

import codecs_of_tests as codecs
import pytest
import torch

from latent_nas.strategies.gp import Gp
from latent_nas.strategies.latent_rl import LatentRL


@pytest.fixture(scope="module")
def toy_codec():
    return codecs.toy_codec()


@pytest.fixture(scope="module")
def mcu_codec():
    return codecs.mcu_codec()


@pytest.fixture(scope="module", params=["toy", "mcu", "uneven"])
def codec(request):
    return getattr(codecs, f"{request.param}_codec")()


@pytest.fixture
def quick_strategies(monkeypatch):
    """Settings of strategies with which a toy takes no time."""
    torch.set_num_threads(1)
    monkeypatch.setattr(LatentRL, "steps", 2048)
    monkeypatch.setattr(LatentRL, "envs", 64)
    monkeypatch.setattr(LatentRL, "queries", 256)
    monkeypatch.setattr(Gp, "tries", 1)

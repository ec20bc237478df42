"""What tests of several files are given."""

import pytest

# Imports stand in the fixtures: on a Python without torch the tests that need none of these run all the same.


@pytest.fixture(scope="module", autouse=True)
def forgotten():
    """Forget what plugins of one's own a module of tests has brought: the next one counts those that ship."""
    yield
    from latent_nas import plugins

    plugins.forget()


@pytest.fixture(scope="module")
def toy_codec():
    import codecs_of_tests as codecs

    return codecs.toy_codec()


@pytest.fixture(scope="module")
def mcu_codec():
    import codecs_of_tests as codecs

    return codecs.mcu_codec()


@pytest.fixture(scope="module", params=["toy", "mcu", "uneven"])
def codec(request):
    import codecs_of_tests as codecs

    return getattr(codecs, f"{request.param}_codec")()


@pytest.fixture
def quick_strategies(monkeypatch):
    """Settings of strategies with which a toy takes no time."""
    import torch

    from latent_nas.strategies.gp import Gp
    from latent_nas.strategies.latent_rl import LatentRL

    torch.set_num_threads(1)
    monkeypatch.setattr(LatentRL, "steps", 2048)
    monkeypatch.setattr(LatentRL, "envs", 64)
    monkeypatch.setattr(LatentRL, "queries", 256)
    monkeypatch.setattr(Gp, "tries", 1)

"""What tests of several files are given."""

import gc
import shutil
import subprocess
from collections.abc import Iterator

import pytest

# What takes longest, each far more than the rest: begun first, so that no process is left alone with one at the end.
LONGEST = ("test_stranger.py", "test_pages.py", "test_ray.py", "test_package.py", "test_cli.py", "test_contracts.py")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for no garbage while tests are collected, a quarter of that time, nor later in what is there by then."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order files by how long they take, as far as that is known; within a file nothing changes."""
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.name, len(ranks)))


# Imports stand in the fixtures: on a Python without torch the tests that need none of these run all the same.


@pytest.fixture(scope="module", autouse=True)
def forgotten():
    """Forget what plugins of your own a module of tests has brought: the next one counts those that ship."""
    yield
    from latent_nas import plugins

    plugins.forget()


@pytest.fixture
def command(monkeypatch, capsys):
    """A command run in this process, as most of a new one would be its imports: its exit code and what it printed."""
    from latent_nas import cli

    def run(*arguments, cwd):
        monkeypatch.chdir(cwd)
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main(list(map(str, arguments)))
        return subprocess.CompletedProcess(arguments, end.value.code, *capsys.readouterr())

    return run


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
    monkeypatch.setattr(LatentRL, "edits", 1024)
    monkeypatch.setattr(LatentRL, "mutations", 96)
    monkeypatch.setattr(LatentRL, "first_updates", 40)
    monkeypatch.setattr(LatentRL, "updates", 10)
    monkeypatch.setattr(LatentRL, "steps", 2048)
    monkeypatch.setattr(LatentRL, "envs", 64)
    monkeypatch.setattr(LatentRL, "queries", 256)
    monkeypatch.setattr(Gp, "tries", 1)


@pytest.fixture(scope="module")
def browser():
    """A headless chromium."""
    from playwright.sync_api import sync_playwright

    place = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert place, "no chromium on this machine; install it (Debian: apt-get install chromium)"
    with sync_playwright() as play:
        driven = play.chromium.launch(executable_path=place, args=["--no-sandbox"], timeout=300_000)
        yield driven
        driven.close()

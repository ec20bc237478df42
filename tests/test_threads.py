"""Arithmetic takes one thread, whatever the machine has: more would round otherwise, and other networks be found."""

import gc
import subprocess
import sys

import pytest
import sklearn.datasets  # noqa: F401 - a library of linear algebra that is opened later takes what the environment says
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from latent_nas import cli, threads
from latent_nas.jobs.search import run
from latent_nas.jobs.search.begin import begin
from latent_nas.jobs.search.config import SearchConfig
from latent_nas.target import Target

TARGET = Target("mcu_cnn", "digits", "stm32f405", "cmsis_nn", search_epochs=1)


def taken():
    """How many threads torch and every library of linear algebra may take."""
    pools = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    return {torch.get_num_threads(), *pools}


def test_a_search_computes_with_one_thread_and_gives_back_what_the_process_had(tmp_path):
    before, during = torch.get_num_threads(), set()
    torch.set_num_threads(2)
    try:
        with threadpool_limits(limits=2):
            config = SearchConfig(TARGET, "random", trainings=1, batch=1, top=0)
            run.search(*begin(config, tmp_path / "run"), lambda line: None, lambda *done: during.update(taken()))
            assert during == {1}
            assert taken() == {2}
    finally:
        torch.set_num_threads(before)


def test_the_command_line_asks_for_one_thread_before_numpy_is_there(monkeypatch):
    text = "import os, sys; from latent_nas import cli, threads; threads.default(); assert 'numpy' not in sys.modules"
    shown = [sys.executable, "-c", f"{text}; print(os.environ['{threads.VARIABLE}'])"]
    monkeypatch.delenv(threads.VARIABLE, raising=False)
    assert subprocess.run(shown, capture_output=True, text=True, check=True).stdout == "1\n"
    monkeypatch.setenv(threads.VARIABLE, "3")
    assert subprocess.run(shown, capture_output=True, text=True, check=True).stdout == "3\n"


def test_the_command_line_seldom_looks_for_garbage_in_what_stays():
    """By Python's own settings it does six times until a search has begun, each time through all of torch."""
    before = gc.get_threshold()
    try:
        gc.set_threshold(*before[:2], cli.OLD_GARBAGE // 10)
        with pytest.raises(SystemExit):
            cli.main(["--version"])
        assert gc.get_threshold() == (*before[:2], cli.OLD_GARBAGE)
    finally:
        gc.set_threshold(*before)

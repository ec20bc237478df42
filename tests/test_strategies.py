"""The folder of strategies; the contracts of every one are in latent_nas/contracts/strategies.py."""

import subprocess
import sys

import pytest

from latent_nas.contracts.toy import fits, toy_problem
from latent_nas.jobs.search.config import SearchConfig, pinned
from latent_nas.limits import Limits
from latent_nas.strategies import Problem, open_strategy

LIMITS = Limits(flash_bytes=2200)


pytestmark = pytest.mark.usefixtures("quick_strategies")


def opened(name, seed=0, limits=LIMITS):
    return open_strategy(name, toy_problem(limits), seed)


def test_unknown_strategy_is_named():
    with pytest.raises(ValueError, match=r"no strategy 'nope'; there are: .*evolution, .*latent_rl, "):
        opened("nope")


def test_rl_is_short_for_latent_rl():
    assert pinned(SearchConfig(strategy="rl")) == pinned(SearchConfig(strategy="latent_rl"))


def test_the_folder_is_light():
    heavy = "{'torch', 'stable_baselines3', 'gymnasium'}"
    code = f"import sys, latent_nas.strategies; print(*{heavy} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout.strip() == b""


def test_one_random_network_is_checked_when_one_is_wanted():
    problem, checked = toy_problem(), []

    def counted(genes):
        checked.extend(genes.tolist())
        return fits(Limits(), genes)

    strategy = open_strategy("random", Problem(problem.space, problem.codec, Limits(), counted), 0)
    assert strategy.ask(1, None) == [tuple(checked[0])]
    assert len(checked) == 1

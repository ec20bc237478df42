"""Gain per second: what trainings cost is reckoned, and a network whose training costs less may promise less."""

import numpy as np
import pytest

from latent_nas.evaluators.training import Training
from latent_nas.jobs.search.assemble import assemble
from latent_nas.jobs.search.config import new_config
from latent_nas.jobs.search.prepare import prepare
from latent_nas.judge.price import FIXED_S, LAYER_S, MAC_S, VALUE_S, Price
from latent_nas.judge.promotion import gain, keener
from latent_nas.judge.scorer import Scorer
from latent_nas.limits import Limits
from latent_nas.records import Record
from latent_nas.runs.folder import RunFolder
from latent_nas.spaces import open_space
from latent_nas.target import Target

PRICED = ("latent_rl.priced=true",)


@pytest.fixture(scope="module")
def space():
    return open_space("mcu_cnn", (8, 8, 1), 10)


@pytest.fixture(scope="module")
def networks(space):
    return space.sample(np.random.default_rng(1), 300)


def records(space, networks):
    values = 0.9 + 0.05 * np.random.default_rng(2).random(len(networks))
    return [
        Record(tuple(g), space.name, "digits", 0, measured_int8={"accuracy": v})
        for g, v in zip(networks.tolist(), values.tolist(), strict=True)
    ]


def test_the_work_of_a_graph_has_its_price(space, networks):
    for genes, price in zip(networks[:20].tolist(), Price(space, 100, 6000)(networks[:20]), strict=True):
        graph = space.graph(tuple(genes))
        layers = [node for node in graph.nodes if node.operator.kind == "conv2d"]
        least = FIXED_S + 100 * LAYER_S * len(layers) + 6000 * (MAC_S * graph.macs)
        values = sum(np.prod(node.shape) for node in graph.nodes)  # norms and activations fuse as it is deployed
        assert least < price < least + 6000 * VALUE_S * values


def test_what_more_data_cost_follows_from_steps_and_samples(space, networks):
    one, ten = Price(space, 100, 6000)(networks), Price(space, 1000, 60_000)(networks)
    np.testing.assert_allclose(ten - FIXED_S, 10 * (one - FIXED_S))


def test_a_space_that_does_not_tell_work_is_refused():
    with pytest.raises(ValueError, match=r"no feature tensor\.sum;"):
        Price(open_space("nasbench201", (32, 32, 3), 10), 1, 1)


def test_as_much_is_expected_of_a_second_whatever_the_price():
    costs = np.array([0.2, 1.0, 5.0])
    stds = keener(1.0, costs)
    np.testing.assert_allclose(gain(stds) / costs, gain(np.array(1.0)), rtol=1e-6)
    assert stds[1] == pytest.approx(1.0)
    assert stds[0] > 1 > stds[2]


def test_cheap_networks_may_promise_less(space, networks):
    price = Price(space, 100, 6000)
    plain, priced = Scorer(space, Limits(), None), Scorer(space, Limits(), None, price=price)
    for scorer in (plain, priced):
        scorer.refit(records(space, networks[:40]))
    for ask in ("__call__", "rerank"):
        before, after = getattr(plain, ask)(networks), getattr(priced, ask)(networks)
        np.testing.assert_array_equal(before.pessimistic, after.pessimistic)
        raised, cheap = after.acquisition > before.acquisition, price(networks) < priced._usual
        np.testing.assert_array_equal(raised, cheap)
    some = networks[40:]
    spent = [price(some[scorer.batch(some, 20)]).sum() for scorer in (plain, priced)]
    assert spent[1] < spent[0]


def test_a_search_is_told_by_a_setting(tmp_path, space):
    asked = {}
    for name, settings in (("plain", ()), ("priced", PRICED)):
        config = new_config(Target("", "digits", "stm32f405", ""), settings=settings)
        folder = RunFolder.create(tmp_path / name, config.to_json())
        study = assemble(prepare(config), folder, Training(config.target, 1), print, print)
        asked[name] = study.strategy.ask(4, study.scorer)
        study.store.close()
    price = study.scorer.price
    assert price == study.strategy.problem.price
    assert (price.steps, price.samples) == (797 * 8 / 48, 797 * 8)
    usual = study.scorer._usual
    assert price(np.array(asked["priced"])).max() < 1.2 * usual < price(np.array(asked["plain"])).max()

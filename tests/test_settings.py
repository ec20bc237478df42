"""Settings of strategies, presets, and what the settings of ``reinforce`` do."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from latent_nas import Study, cli, plugins, seeds
from latent_nas.agent.controller import Controller
from latent_nas.contracts.toy import ToySpace, fits, record, true_accuracy, true_costs
from latent_nas.jobs.bench.config import BenchConfig
from latent_nas.jobs.search import presets
from latent_nas.jobs.search.config import SearchConfig
from latent_nas.limits import Limits
from latent_nas.spaces import open_space
from latent_nas.strategies import Problem
from latent_nas.strategies.settings import configured, settings
from latent_nas.target import Target
from latent_nas.tasks import open_task

LIMITS = Limits(flash_bytes=4000, latency_ms=8.0)


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def reinforce(*texts, limits=LIMITS, seed=0):
    kind = configured("reinforce", texts)
    return kind(Problem(ToySpace(), None, limits, lambda genes: fits(limits, genes)), seed)


def told(strategy, rounds=1):
    for _ in range(rounds):
        strategy.tell([record(genes) for genes in strategy.ask(10, None)])
    return strategy


class TestSettings:
    @pytest.mark.parametrize("name", plugins.names("strategies"))
    def test_every_strategy_has_some_and_takes_them(self, name):
        kind = plugins.load("strategies", name)
        there = settings(kind)
        assert {"draws", "round_size"} <= set(there)
        assert not {"name", "judged"} & set(there)
        made = configured(name, [f"{name}.draws=1_000"])
        assert (made.draws, made.name, kind.draws) == (1000, name, there["draws"])
        assert configured(name, []) is kind

    def test_values_have_the_type_of_the_default(self):
        made = configured("reinforce", ["reinforce.entropy=1e-4", "reinforce.hidden=64", "reinforce.standardise=no"])
        assert (made.entropy, made.hidden, made.standardise) == (1e-4, 64, False)
        assert type(made.hidden) is int

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("reinforce.entropi=1", "no setting 'entropi'; did you mean 'entropy'"),
            ("reinforce.foo=1", "no setting 'foo'; there are: "),
            ("reinforce.name=x", "no setting 'name'"),
            ("reinforce.hidden=2.5", "hidden is a whole number, at least 1; got '2.5'"),
            ("reinforce.hidden=0", "at least 1; got '0'"),
            ("reinforce.entropy=-1", "entropy is a number, at least 0; got '-1'"),
            ("reinforce.entropy=nan", "got 'nan'"),
            ("reinforce.decay=2", "decay is a number, 0 to 1"),
            ("reinforce.standardise=maybe", "true or false"),
            ("entropy=1", "STRATEGY.SETTING=VALUE"),
            ("reinforce.entropy", "STRATEGY.SETTING=VALUE"),
            ("reinforze.entropy=1", "reinforce"),
            ("evolution.sample=3", "of strategy 'evolution', which is not used"),
        ],
    )
    def test_what_is_wrong_is_said(self, text, words):
        with pytest.raises(ValueError, match=words):
            configured("reinforce", [text])

    @pytest.mark.parametrize("name", ["latent_rl", "argmax"])
    def test_a_text_is_one_of_those_there_are(self, name):
        """Said when it is given, not when the strategy is made, behind a run folder that can't be resumed."""
        with pytest.raises(ValueError, match=rf"^{name}\.agent is one of q, ppo, a2c; got 'foo'$"):
            configured(name, [f"{name}.agent=foo"])
        assert configured(name, [f"{name}.agent=ppo"]).agent == "ppo"

    def test_twice_is_once_too_often(self):
        with pytest.raises(ValueError, match=r"gives reinforce\.l2 twice"):
            configured("reinforce", ["reinforce.l2=1", "reinforce.l2=2"])

    def test_a_search_keeps_them_and_older_ones_had_none(self):
        config = SearchConfig(strategy="reinforce", settings=("reinforce.l2=0.1",))
        saved = json.loads(json.dumps(config.to_json()))
        assert SearchConfig.from_json(saved) == config
        for older in (saved, saved["target"]):
            older.pop("settings", None), older.pop("search_epochs", None)
        assert SearchConfig.from_json(saved) == replace(config, settings=())
        with pytest.raises(ValueError, match="no setting"):
            replace(config, settings=("reinforce.l3=1",)).check()

    def test_a_bench_sets_each_of_its_strategies(self, tmp_path):
        (tmp_path / "t.csv").write_text("x")
        config = BenchConfig(str(tmp_path / "t.csv"), "metric.a", ("random", "evolution"))
        assert "settings" not in config.check().decisive()
        given = replace(config, settings=("evolution.sample=3", "random.draws=99")).check()
        assert given.decisive()["settings"] == ["evolution.sample=3", "random.draws=99"]
        with pytest.raises(ValueError, match="not used"):
            replace(config, settings=("reinforce.l2=1",)).check()


class TestPresets:
    def test_their_sizes(self):
        sizes = {name: (p.trainings, p.child_epochs) for name, p in presets.PRESETS.items()}
        assert sizes == {"fast": (500, 20), "default": (20_000, 100), "thorough": (75_000, 150)}
        assert presets.load("") == presets.USUAL

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            (("--preset", "quick"), "no preset 'quick'; there are: fast, default, thorough"),
            (("--child-epochs", "0"), "child-epochs is at least 1"),
        ],
    )
    def test_an_unknown_one_is_named_and_nothing_is_written(self, tmp_path, capsys, given, said):
        with pytest.raises(SystemExit) as stopped:
            cli.main(["search", *given, "--out", str(tmp_path / "run")])
        assert stopped.value.code == 2
        assert said in capsys.readouterr().err
        assert not (tmp_path / "run").exists()

    def test_the_epochs_are_those_of_the_search_alone(self):
        task = open_task("digits")
        target = Target("mcu_cnn", "digits", "stm32f405", "cmsis_nn", search_epochs=3)
        assert target.recipe(task, "search") == replace(task.recipes["search"], epochs=3)
        assert target.recipe(task, "full") == task.recipes["full"]
        assert replace(target, search_epochs=0).recipe(task, "search") == task.recipes["search"]


class TestReward:
    def test_it_is_what_was_measured_and_nothing_else(self):
        """Not a random number, which a controller learns from as readily."""
        strategy = told(reinforce())
        assert (strategy.rewards() == true_accuracy(strategy.genes)).all()
        assert strategy.baseline == pytest.approx(true_accuracy(strategy.genes).mean(), rel=0.5)

    def test_cubed(self):
        strategy = told(reinforce("reinforce.power=3"))
        assert strategy.rewards() == pytest.approx(true_accuracy(strategy.genes) ** 3)

    def test_less_size_and_latency(self):
        strategy = told(reinforce("reinforce.size_weight=0.5", "reinforce.latency_weight=0.25"))
        flash, _, latency = true_costs(strategy.genes).T
        wanted = true_accuracy(strategy.genes) - 0.5 * np.floor(flash) / 4000 - 0.25 * latency / 8
        assert strategy.rewards() == pytest.approx(wanted)

    @pytest.mark.parametrize("weight", ["size_weight", "latency_weight"])
    def test_without_a_limit_there_is_nothing_to_weigh_against(self, weight):
        with pytest.raises(ValueError, match=rf"reinforce\.{weight} .*--limit"):
            reinforce(f"reinforce.{weight}=1", limits=Limits())

    def test_a_weight_on_size_finds_smaller_networks(self):
        sizes = [
            told(reinforce(f"reinforce.size_weight={weight}"), 12).costs[-40:, 0].mean() for weight in ("0.001", "5")
        ]
        assert sizes[1] < 0.9 * sizes[0]


class TestLearning:
    def test_every_weight_gets_its_gradient_from_the_log_probabilities(self):
        controller = Controller(np.array([3, 2, 4]), 8, 0.1, seed=0)
        actions = controller.sample(40, seeds.rng(0))
        before = controller.arrays()
        controller.learn(actions, np.linspace(-1, 1, 40), rate=0.01, entropy=0.0, clip=5.0)
        for name, weights in controller.named_parameters():
            assert weights.grad is not None, name
            assert float(weights.grad.abs().sum()) > 0, name
            assert (weights.detach().numpy() != before[name]).any(), name

    def test_no_advantage_and_no_entropy_move_nothing(self):
        controller = Controller(np.array([3, 2, 4]), 8, 0.1, seed=0)
        before = controller.arrays()
        controller.learn(controller.sample(5, seeds.rng(0)), np.zeros(5), rate=0.01, entropy=0.0, clip=5.0)
        after = controller.arrays()
        assert all((after[name] == before[name]).all() for name in before)

    def test_l2_shrinks_the_weights(self):
        controller = Controller(np.array([3, 2, 4]), 8, 0.1, seed=0)

        def size():
            return sum(float((w.detach() ** 2).sum()) for w in controller.parameters())

        before = size()
        for _ in range(20):
            controller.learn(controller.sample(5, seeds.rng(0)), np.zeros(5), 0.01, entropy=0.0, clip=5.0, l2=1.0)
        assert size() < 0.5 * before

    def test_entropy_levels_the_probabilities(self):
        controller = Controller(np.array([3, 2, 4]), 8, 1.5, seed=0)

        def level():
            logs = controller.logs(torch.zeros(1, 3, dtype=torch.long)).detach()
            return float(-(logs.exp() * logs).sum())

        before = level()
        for _ in range(20):
            controller.learn(controller.sample(20, seeds.rng(0)), np.zeros(20), 0.02, entropy=1.0, clip=5.0)
        assert level() > before

    def test_the_rate_falls_and_the_gradient_is_clipped(self):
        """The second step is half as long at half the rate; what Adam is given is of the clip's norm."""
        plain, decayed = (told(reinforce(f"reinforce.rate_decay={d}"), 2).state() for d in ("1", "0.5"))
        again = told(reinforce("reinforce.rate_decay=0.5"), 1).state()
        first = told(reinforce(), 1).state()
        name = "controller.head"
        assert (first[name] == again[name]).all()  # the first step is at the full rate
        steps = [np.abs(state[name] - first[name]).sum() for state in (plain, decayed)]
        assert steps[1] == pytest.approx(0.5 * steps[0], rel=0.05)
        clipped = [
            told(reinforce(f"reinforce.clip={c}"), 1).state()["controller.adam.head.exp_avg"] for c in ("5", "1e-3")
        ]
        assert np.abs(clipped[1]).sum() < 0.1 * np.abs(clipped[0]).sum()

    def test_genes_of_unlike_sizes_share_no_weights(self):
        controller = Controller(np.array([3, 123, 2]), 8, 0.1, seed=0)
        assert controller.head.shape == (128, 8)
        logs = controller.logs(torch.zeros(1, 3, dtype=torch.long)).exp().detach().numpy()[0]
        assert logs.sum(axis=1) == pytest.approx(np.ones(3), abs=1e-5)
        assert [(row > 1e-9).sum() for row in logs] == [3, 123, 2]

    def test_two_samples_differ_on_a_space_of_181_genes(self):
        space = open_space("dna_cnn", (8, 8, 1), 10)
        controller = Controller(space.sizes, 16, 0.1, seed=0)
        one, two = (space.canonical(controller.sample(4, seeds.rng(0, i))) for i in range(2))
        assert len(np.unique(np.concatenate([one, two]), axis=0)) == 8


@pytest.mark.parametrize("number", [1.5, True, "3", np.int64(3)])
@pytest.mark.parametrize("name", ["seed", "workers", "trainings", "halving"])
def test_numbers_that_are_no_whole_ones_are_refused_before_anything_is_trained(name, number):
    """They are kept in JSON, where a finished search could not be read again."""
    with pytest.raises(ValueError, match=rf"^{name} is a whole number \(int\), got "):
        SearchConfig(**{name: number}).check()


def test_a_study_refuses_a_seed_that_is_none_at_once():
    with pytest.raises(ValueError, match="seed is a whole number"):
        Study(seed=1.5).plan()

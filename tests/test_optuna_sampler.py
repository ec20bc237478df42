"""LatentSampler in a user's own Optuna study."""

import numpy as np
import optuna
import pytest
import torch
from optuna.trial import TrialState

from latent_nas import optuna_sampler
from latent_nas.contracts.toy import OPEN, ToyCodec, ToyScorer, ToySpace, fits, true_accuracy
from latent_nas.limits import Limits
from latent_nas.optuna_sampler import LatentSampler
from latent_nas.spaces import Gene
from latent_nas.spaces.categorical import Categorical
from latent_nas.strategies.latent_rl import LatentRL

BEST = "abcdab"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    monkeypatch.setattr(LatentRL, "steps", 1024)
    monkeypatch.setattr(LatentRL, "envs", 64)
    monkeypatch.setattr(LatentRL, "queries", 256)
    monkeypatch.setattr(optuna_sampler, "STEPS", 150)


def plain(trial):
    """The more letters are right, the better; one parameter is not a category."""
    letters = [trial.suggest_categorical(f"x{i}", list("abcd")) for i in range(len(BEST))]
    return sum(a == b for a, b in zip(letters, BEST, strict=True)) + 0.01 * trial.suggest_float("f", 0, 1)


def toy(trial):
    genes = [trial.suggest_categorical(g.name, g.choices) for g in ToySpace.genes]
    return float(true_accuracy(ToySpace().canonical(np.array([genes])))[0])


def optimised(sampler, objective=plain, n=30, direction="maximize", **kwargs):
    study = optuna.create_study(direction=direction, sampler=sampler)
    study.optimize(objective, n_trials=n, **kwargs)
    return study


def asked(study):
    return [tuple(t.params.values()) for t in study.trials]


def test_the_agent_works_in_a_plain_study():
    """It makes its own space, codec and scorer."""
    study = optimised(LatentSampler(seed=0), n=22)
    values = [t.value for t in study.trials]
    assert np.mean(values[10:]) > np.mean(values[:10]) + 0.5
    letters = [tuple(v for k, v in t.params.items() if k != "f") for t in study.trials[10:]]
    assert len(set(letters)) == len(letters)


def test_with_space_codec_and_scorer_given(monkeypatch):
    monkeypatch.setattr(LatentRL, "initial", 4)
    space, limits = ToySpace(), Limits(flash_bytes=2200)

    class Refitted(ToyScorer):
        def refit(self, records):
            self.labels = len(records)

    given = {"codec": ToyCodec(space), "scorer": Refitted(labels=0, limits=OPEN), "fits": lambda g: fits(limits, g)}
    study = optimised(LatentSampler(space, batch=4, seed=0, **given), toy, n=12)
    genes = np.array(asked(study))
    assert len(np.unique(space.canonical(genes), axis=0)) == 12
    assert fits(limits, genes).all()
    assert np.mean([t.value for t in study.trials[4:]]) > np.mean([t.value for t in study.trials[:4]])


def test_the_agent_works_in_a_space_too_large_to_list():
    """18 parameters of two choices are 2^18 combinations: nothing is looked up, the fast surrogate judges."""

    def objective(trial):
        return sum(trial.suggest_categorical(f"x{i}", [0, 1]) for i in range(18))

    study = optimised(LatentSampler(seed=0, batch=2), objective, n=14)
    assert len(set(asked(study))) == 14
    assert np.mean([t.value for t in study.trials[10:]]) > np.mean([t.value for t in study.trials[:10]])


class TestWithoutAJudge:
    def test_same_seed_same_trials(self):
        one, two, other = (optimised(LatentSampler(strategy="evolution", seed=s)) for s in (1, 1, 2))
        assert asked(one) == asked(two) != asked(other)

    def test_to_minimise_is_to_maximise_the_negative(self):
        up = optimised(LatentSampler(strategy="local_search", seed=1))
        down = optimised(LatentSampler(strategy="local_search", seed=1), lambda t: -plain(t), direction="minimize")
        assert asked(up) == asked(down)

    def test_a_sampler_may_serve_two_studies(self):
        sampler = LatentSampler(strategy="local_search", seed=1)
        optimised(sampler)
        assert optimised(sampler).best_value >= 3

    def test_a_study_goes_on_with_another_sampler(self):
        study = optimised(LatentSampler(strategy="local_search", seed=1))
        study.sampler = LatentSampler(strategy="local_search", seed=1)
        study.optimize(plain, n_trials=10)
        letters = [tuple(v for k, v in t.params.items() if k != "f") for t in study.trials]
        assert not set(letters[:30]) & set(letters[30:])

    def test_failed_pruned_and_infinite_trials_are_not_proposed_again(self):
        def objective(trial):
            value = plain(trial)
            if trial.number % 5 == 1:
                raise optuna.TrialPruned
            if trial.number % 5 == 2:
                raise ArithmeticError
            return value if trial.number % 5 else float("inf")

        study = optimised(LatentSampler(strategy="local_search", seed=1), objective, catch=ArithmeticError)
        assert {t.state for t in study.trials} == {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL}
        letters = [tuple(v for k, v in t.params.items() if k != "f") for t in study.trials[10:]]
        assert len(set(letters)) == 20

    def test_threads_get_different_trials(self):
        study = optimised(LatentSampler(strategy="random", seed=1, batch=3), n_jobs=4)
        letters = [tuple(t.params[f"x{i}"] for i in range(6)) for t in study.trials[14:]]
        assert len(set(letters)) == len(letters)

    def test_a_small_space_ends_with_a_clear_line(self):
        space = Categorical([Gene("a", ("x", "y", None)), Gene("b", (1, 2.5))])
        study = optuna.create_study(sampler=LatentSampler(space, strategy="random", seed=0, batch=4))
        suggest = [lambda t, g=g: t.suggest_categorical(g.name, g.choices) for g in space.genes]
        study.optimize(lambda t: suggest[1](t) + len(str(suggest[0](t))), n_trials=6)
        assert len(set(asked(study))) == 6
        with pytest.raises(ValueError, match="every combination of a, b was proposed"):
            suggest[0](study.ask())


def test_bad_input():
    with pytest.raises(ValueError, match=r"'nope'; there are: .*evolution"):
        LatentSampler(strategy="nope")
    with pytest.raises(ValueError, match="give LatentSampler that space"):
        LatentSampler(codec=ToyCodec(ToySpace()))
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=LatentSampler(seed=0))
    with pytest.raises(ValueError, match="one objective, this study has 2"):
        study.ask().suggest_categorical("a", [1, 2])


class TestCategorical:
    def test_everything_is_its_own_network(self):
        space = Categorical([Gene("a", ("x", "y")), Gene("b", (1, 2, 3))])
        genes = space.sample(np.random.default_rng(0), 100)
        assert np.array_equal(space.canonical(genes), genes)
        assert len(np.unique(genes, axis=0)) == 6
        assert space.features(genes).shape == (100, 0)
        assert space.describe((1, 2)) == {"a": "y", "b": 3}
        with pytest.raises(ValueError, match="no graph"):
            space.graph((0, 0))

    @pytest.mark.parametrize("genes", [[], [Gene("a", ())], [Gene("a", (1,)), Gene("a", (2,))]])
    def test_bad_genes(self, genes):
        with pytest.raises(ValueError, match="wants genes of different names"):
            Categorical(genes)


def few(trial):
    """Six combinations of categories, and a number that the sampler leaves random."""
    return trial.suggest_categorical("a", [1, 2, 3]) + trial.suggest_categorical("b", [0, 5]) * trial.suggest_float(
        "f", 0, 1
    )


def test_a_study_with_other_parameters_goes_on_after_the_last_combination():
    study = optimised(LatentSampler(strategy="evolution", seed=0, startup=2, batch=2), few, n=20)
    assert len(study.trials) == 20
    combinations = [(t.params["a"], t.params["b"]) for t in study.trials]
    assert len(set(combinations[:7])) >= 5  # no proposal twice before that
    assert len({t.params["f"] for t in study.trials}) == 20


@pytest.mark.parametrize(
    ("given", "said"), [({"batch": 0}, "batch is at least 1"), ({"startup": -1}, "startup is at least 0")]
)
def test_numbers_out_of_range_are_said_at_once(given, said):
    with pytest.raises(ValueError, match=said):
        LatentSampler(**given)


def test_a_study_made_anew_under_its_name_is_another():
    """A notebook's cell that is run again: what the one before has measured is not of this one."""
    sampler = LatentSampler(seed=0, strategy="evolution", startup=3, batch=4)
    for best in (3, 0):
        study = optuna.create_study(direction="maximize", study_name="mine", sampler=sampler)
        study.optimize(lambda t, b=best: -sum(abs(t.suggest_categorical(n, [0, 1, 2, 3]) - b) for n in "abcde"), 25)
        assert sampler._search is not None
        assert {r.genes for r in sampler._search.records} <= set(asked(study))

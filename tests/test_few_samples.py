"""Data with few validation samples: networks are told apart by more of them, and no epoch is chosen by them."""

from dataclasses import replace

import numpy as np
import pytest

from latent_nas.evaluators import Job
from latent_nas.evaluators.work import record_of
from latent_nas.jobs.train_config import recipe_of
from latent_nas.target import Target, open_target
from latent_nas.tasks import open_task
from latent_nas.training.fit import fit
from latent_nas.training.stage import Stage

RNG = np.random.default_rng(0)


def series(path, n, groups=None):
    """Write n noisy waves of three frequencies and return the task's name."""
    y = np.arange(n) % 3
    phase, time = RNG.uniform(0, 6, (n, 1)), np.arange(24)
    x = np.sin(phase + (y[:, None] + 1) * time / 3) + RNG.normal(0, 0.3, (n, 24))
    more = {} if groups is None else {"groups": groups}
    np.savez(path, x=x[:, :, None], y=np.array(["a", "b", "c"])[y], **more)
    return str(path)


@pytest.fixture(scope="module")
def name(tmp_path_factory):
    return series(tmp_path_factory.mktemp("few") / "few.npz", 45)


class TestFolds:
    def test_they_judge_train_and_validation_once_and_never_what_they_learn(self, name):
        task = open_task(name)
        data = task.data()
        pairs = task.folds(data)
        assert len(pairs) == 3
        assert (pairs[0][1].x == data.valid.x).all()
        rows = [[{row.tobytes() for row in part.x} for part in pair] for pair in pairs]
        assert all(not learnt & judged for learnt, judged in rows)
        assert all(len(learnt | judged) == len(data.learn) for learnt, judged in rows)
        assert sum(len(judged) for _, judged in rows) == len(data.learn) == len(set.union(*(j for _, j in rows)))
        assert all(set(judged.y) == {0, 1, 2} for _, judged in pairs)
        assert not {row.tobytes() for row in data.test.x} & set.union(*(learnt | judged for learnt, judged in rows))
        again = open_task(name).folds(data)
        assert all(
            (a.x == b.x).all() for one, other in zip(pairs, again, strict=True) for a, b in zip(one, other, strict=True)
        )

    def test_a_record_measures_all_samples_a_final_one_the_test_part(self, name, monkeypatch):
        target = Target("mcu_cnn1d", name, "stm32f405", "native")
        setup = open_target(target)
        genes = tuple(setup.space.sample(np.random.default_rng(3), 1)[0].tolist())
        data, quick = setup.task.data(), replace(setup.task.recipes["search"], epochs=2)
        monkeypatch.setattr(setup.task, "recipes", {"search": quick, "full": quick})
        record = record_of(target, Job(genes, 0, "search"))
        assert (record.samples, record.epochs) == (len(data.learn), 2)
        right = record.measured_int8["accuracy"] * len(data.learn)
        assert right == pytest.approx(round(right))
        final = record_of(target, Job(genes, 0, "full", part="test", epochs=2))
        assert final.samples == len(data.test)

    def test_they_are_said_and_can_be_left(self, name):
        assert "trained 3 times" in open_task(name).about()[-1]
        assert "'?folds=1'" in open_task(name).about()[-1]
        alone = open_task(f"{name}?folds=1")
        assert len(alone.folds(alone.data())) == 1
        assert "each of them" in alone.about()[-1]
        assert len(open_task(f"{name}?folds=5").folds(alone.data())) == 5

    def test_given_validation_and_whole_groups_are_not_mixed(self, tmp_path):
        grouped = open_task(series(tmp_path / "g.npz", 45, np.repeat(np.arange(15), 3)))
        assert len(grouped.folds(grouped.data())) == 1
        with pytest.raises(ValueError, match="folds=5 deals samples anew"):
            open_task(f"{tmp_path / 'g.npz'}?folds=5")

    def test_many_samples_are_judged_as_they_were(self, tmp_path):
        task = open_task(series(tmp_path / "many.npz", 510))
        assert len(task.data().valid) >= 100
        assert len(task.folds(task.data())) == 1
        assert not task.recipes["full"].to_end
        assert not any("validation has" in line for line in task.about())
        digits = open_task("digits")
        assert len(digits.folds(digits.data())) == 1
        assert not any(recipe.to_end for recipe in digits.recipes.values())


class TestToTheEnd:
    def test_of_few_samples_no_epoch_is_chosen(self, name):
        task = open_task(name)
        assert all(recipe.to_end for recipe in task.recipes.values())
        data = task.data()
        space = open_target(Target("mcu_cnn1d", name, "stm32f405", "native")).space
        graph = space.graph(space.sample(np.random.default_rng(3), 1)[0])
        recipe = replace(task.recipes["search"], epochs=6, patience=1, learning_rate=0.0)
        stage = Stage(task, recipe, 0, data.train, data.valid)
        _, curve, epochs = fit(graph, stage)
        assert (len(curve), epochs) == (6, 6)  # though no epoch is better than the first
        _, curve, epochs = fit(graph, replace(stage, recipe=replace(recipe, to_end=False)))
        assert epochs < 6

    def test_a_patience_of_the_user_stops_early(self, name):
        assert recipe_of(name, "full").to_end
        assert not recipe_of(name, "full", patience=5).to_end

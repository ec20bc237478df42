"""Changes of the final trainings' recipe: typed, kept by a run, told again by its report, and refused where wrong."""

import json
from dataclasses import replace

import numpy as np
import pytest

from latent_nas import Study, cli
from latent_nas.jobs.search.config import SearchConfig, new_config
from latent_nas.jobs.search.prepare import prepare
from latent_nas.jobs.search.resume import going_on
from latent_nas.report.again import command
from latent_nas.runs.folder import RunFolder
from latent_nas.target import MAIN_TARGET
from latent_nas.tasks import open_task

TEXTS = ("epochs=2", "augmentation=shift=1,cutout=2", "teachers=0", "learning_rate=0.01", "balanced=yes", "patience=3")


def target(*texts):
    return replace(MAIN_TARGET, full_recipe=texts)


def test_they_change_full_trainings_alone():
    task = open_task("digits")
    changed = target(*TEXTS).recipe(task, "full")
    wanted = {"epochs": 2, "augmentation": "shift=1,cutout=2", "learning_rate": 0.01, "balanced": True, "patience": 3}
    assert changed == replace(task.recipes["full"], **wanted)
    assert target(*TEXTS).recipe(task, "search") == task.recipes["search"]


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (("epoch=3",), "a recipe has no 'epoch'; did you mean 'epochs'|a recipe has no 'epoch'.*epochs"),
        (("epochs",), "NAME=VALUE, as epochs=80; got 'epochs'"),
        (("epochs=many",), "epochs=many: epochs of a recipe is a whole number"),
        (("balanced=maybe",), "balanced of a recipe is yes or no"),
        (("epochs=3", "epochs=4"), "epochs of the recipe is given twice"),
        (("epochs=8", "augmentation=shift", "unaugmented_epochs=9"), "unaugmented_epochs of a recipe is 0 to 8, got 9"),
        (("unaugmented_epochs=2",), "unaugmented_epochs is for recipes with augment or augmentation.*leave it out"),
        (("drop=2",), "drop of a recipe is 0 to 1"),
        (("share=2",), "share of a recipe is above 0 and at most 1, got 2"),
        (("epoch_share=0",), "epoch_share of a recipe is above 0"),
        (("learning_rate=inf",), "learning_rate of a recipe is a finite number"),
        (("augmentation=flip",), "'flip' makes other signs"),
        (("optimiser=lion",), "no optimiser 'lion'"),
    ],
)
def test_a_wrong_one_is_said_before_anything_is_trained(texts, told):
    with pytest.raises(ValueError, match=told):
        prepare(new_config(target(*texts)))


def test_a_run_keeps_them_and_they_cannot_change():
    config = new_config(target(*TEXTS))
    plain = json.loads(json.dumps(config.to_json()))
    assert SearchConfig.from_json(plain) == config
    assert "--recipe epochs=2 --recipe augmentation=shift=1,cutout=2" in command(plain)
    assert going_on(config, {"recipe": TEXTS})[0] == config
    with pytest.raises(ValueError, match="--recipe can't change in a run that goes on"):
        going_on(config, {"recipe": ("epochs=9",)})
    del plain["target"]["full_recipe"]  # of a run that began before there were any
    assert SearchConfig.from_json(plain).target.full_recipe == ()


def test_a_search_trains_its_finals_by_them(tmp_path):
    texts = ["--recipe", "epochs=1", "--recipe", "augmentation=shift=1,noise=0.1"]
    line = ["search", "--trainings", "2", "--batch", "2", "--child-epochs", "1", "--top", "1", "--final-seeds", "1"]
    line += ["--strategy", "random", "--workers", "1", "--out", str(tmp_path / "run")]
    with pytest.raises(SystemExit, match=r"^[0-9]+$"):
        cli.main([*line, *texts])
    finals = [r for r in RunFolder(tmp_path / "run").store().records() if r.fidelity == "full"]
    assert {r.epochs for r in finals} == {1}
    study = Study(task="digits", recipe={"epochs": 1, "augmentation": "shift=1,noise=0.1"})
    assert study._config(2).target.full_recipe == ("epochs=1", "augmentation=shift=1,noise=0.1")
    assert np.isfinite(finals[0].score)

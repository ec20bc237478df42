"""``latent-nas validate`` goes on in its folder with the same question alone: of one target, on the same data."""

import json

import numpy as np
import pytest

from latent_nas.cli import main
from latent_nas.jobs import validate as job
from latent_nas.jobs.search.config import new_config
from latent_nas.runs.folder import RunFolder
from latent_nas.spaces import open_space
from latent_nas.target import Target
from latent_nas.tasks import open_task


def written(place, seed):
    """Write data anew and return its task's name."""
    x = np.random.default_rng(seed).normal(size=(300, 16)).astype(np.float32)
    np.savez(place / "own.npz", x=x, y=np.arange(300) % 3)
    return f"{place / 'own.npz'}?layout=ns"


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Writes the data anew and the genes for a device, and validates them without a training."""
    monkeypatch.setattr(job, "finalise", lambda *_: [])

    def ask(device="stm32f405", seed=0, top=1):
        name = written(tmp_path, seed)
        task = open_task(name)
        space = open_space("mcu_cnn1d", task.input_shape, task.outputs)
        genes = space.sample(np.random.default_rng(0), 1)[0].tolist()
        target = {"space": "mcu_cnn1d", "task": name, "device": device, "runtime": "native"}
        (tmp_path / "genes.json").write_text(json.dumps({**target, "genes": genes}))
        return job.validate(tmp_path / "genes.json", top, 1, 1, 0, tmp_path / "out", print, print)

    return ask


def test_the_same_again_goes_on_and_its_folder_names_the_target(asked, tmp_path):
    assert asked().networks == asked().networks == ()
    target = RunFolder.open(tmp_path / "out")[1]["target"]
    assert (target["space"], target["device"]) == ("mcu_cnn1d", "stm32f405")


@pytest.mark.parametrize(
    ("other", "named"), [({"device": "rp2040"}, "target"), ({"seed": 1}, "data"), ({"top": 2}, "top")]
)
def test_records_of_another_target_or_other_data_are_no_answer(asked, tmp_path, other, named):
    asked()
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with pytest.raises(ValueError, match=rf"out holds a validation of other {named}; choose another --out"):
        asked(**other)
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}


def test_a_run_whose_data_has_changed_since_is_said(tmp_path):
    name, said = written(tmp_path, 0), []
    config = new_config(Target("mcu_cnn1d", name, "stm32f405", "native"))
    RunFolder.create(tmp_path / "run", config.to_json()).store().close()
    job._chosen(tmp_path / "run", 1, said.append)
    assert said == []
    written(tmp_path, 1)
    job._chosen(tmp_path / "run", 1, said.append)
    assert "has changed since the search" in said[0]
    assert "what is there now" in said[0]


@pytest.mark.parametrize(
    "words", [("validate", "run", "--out", "v"), ("cost", "run/best_architecture.json"), ("train", "run", "--out", "t")]
)
def test_data_of_a_run_that_lie_elsewhere_by_now_are_said_with_the_next_step(tmp_path, monkeypatch, capsys, words):
    monkeypatch.chdir(tmp_path)
    name = written(tmp_path, 0)
    config = new_config(Target("mcu_cnn1d", name, "stm32f405", "native"))
    RunFolder.create(tmp_path / "run", config.to_json()).store().close()
    named = {"space": "mcu_cnn1d", "task": name, "device": "stm32f405", "runtime": "native", "genes": [0]}
    (tmp_path / "run/best_architecture.json").write_text(json.dumps(named))
    (tmp_path / "own.npz").rename(tmp_path / "moved.npz")
    with pytest.raises(SystemExit, match="2"):
        main(list(words))
    said = capsys.readouterr().err
    assert "searched with is not at" in said
    assert "`latent-nas search --resume run --task PATH`" in said

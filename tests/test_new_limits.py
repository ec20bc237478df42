"""A search that goes on with other limits: what was trained is known, what exceeds them is no candidate."""

import json
import re
from contextlib import closing, suppress

import pytest

from latent_nas import Study, cli
from latent_nas.jobs.runs import line
from latent_nas.jobs.search.begin import begin, resumed
from latent_nas.jobs.search.config import new_config
from latent_nas.jobs.search.resume import going_on
from latent_nas.jobs.search.run import search
from latent_nas.jobs.validate import _chosen as chosen_of
from latent_nas.limits import Limits
from latent_nas.records import ranked
from latent_nas.runs import files
from latent_nas.runs.folder import RunFolder
from latent_nas.runs.read import Run
from latent_nas.target import Target
from latent_nas.units import cost_row

QUICK = Target("mcu_cnn", "digits", "stm32f405", "cmsis_nn")
LOOSE = Limits(flash_bytes=24 * 1024, ram_bytes=12 * 1024, latency_ms=2)
TIGHT = Limits(flash_bytes=5632)


def ended(after, trainings):
    """Return what a search calls, which ends it, as Ctrl-C does, when so many of its trainings are done."""

    def done(what, finished, wanted):
        if what == "trainings" and finished >= after and wanted == trainings:
            raise KeyboardInterrupt

    return done


def quiet(*_):
    """Say nothing."""


def begun(folder, strategy, stop):
    """Make a run of four trainings, the rounds of three, that is left after ``stop``."""
    config = new_config(QUICK, "", 4, 1, LOOSE, strategy=strategy, batch=3, top=0, workers=1)
    with suppress(KeyboardInterrupt):
        search(*begin(config, folder), quiet, ended(stop, 4))


def trained(folder):
    with closing(RunFolder.open(folder)[0].store()) as store:
        return [r for r in store.records() if r.fidelity == "search"]


@pytest.mark.parametrize(("strategy", "stop"), [("random", 2), ("evolution", 4)])
def test_it_keeps_the_new_limits_and_a_kill_changes_nothing(strategy, stop, tmp_path):
    """``stop``: in the middle of a round; or after its end."""
    ways = {}
    for way, kills in (("whole", ()), ("killed", (stop + 1,))):
        folder = tmp_path / way
        begun(folder, strategy, stop)
        before = trained(folder)
        assert len(before) == stop
        for kill in kills:
            going = resumed(folder, limits=TIGHT, trainings=7)
            with pytest.raises(KeyboardInterrupt):
                search(*going, quiet, ended(kill, 7))
        said = []
        prepared, there = resumed(folder, limits=TIGHT, trainings=7)
        result = search(prepared, there, said.append, quiet)
        ways[way] = [(r.genes, r.measured_objective) for r in trained(folder)]
        new = trained(folder)[stop:]
        assert result.trainings == len(ways[way]) == 7
        assert all(not Limits(**prepared.limits.to_json()).exceeded(*cost_row(r)) for r in new)
        assert any(r.flash_bytes > TIGHT.flash_bytes for r in before)  # else nothing is shown
        run = Run.read(folder)
        assert run.limits.flash_bytes == TIGHT.flash_bytes
        inside = [r for r in ranked(trained(folder)) if r.flash_bytes <= TIGHT.flash_bytes]
        assert run.best[: len(inside)] == inside
        assert tuple(json.loads((folder / files.BEST).read_text())["genes"]) == inside[0].genes
        left = []
        assert chosen_of(folder, 9, left.append)[2] == inside
        assert left == [f"{7 - len(inside)} trained networks exceed {prepared.limits.text()} and are left out"]
        if not kills:
            fit = sum(r.flash_bytes <= TIGHT.flash_bytes for r in before)
            assert any(
                re.match("limits: at most 24 KB flash, .* before, now at most 5.5 KB flash, 12 KB", s) for s in said
            )
            assert f"{stop} trainings are known, of which {fit} keep the limits" in said
    assert ways["whole"] == ways["killed"]


def test_only_those_named_change_and_what_can_not_is_said():
    config = new_config(QUICK, "", 4, 1, LOOSE)
    assert going_on(config, {"limits": TIGHT})[0].limits == Limits(5632, 12 * 1024, 2)
    assert going_on(config, {"limits": Limits(ram_bytes=12 * 1024)}) == (config, [])
    for option in ({"asynchronous": True}, {"halving": 3}, {"objective": "weighted"}):
        with pytest.raises(ValueError, match=r"--limit can't change in a run with --.*begin another run with --out"):
            going_on(new_config(QUICK, "", 4, 1, LOOSE, **option), {"limits": TIGHT})


def test_from_python_and_from_the_shell(tmp_path, capsys):
    folder = tmp_path / "run"
    loose = {"flash_kb": 24, "ram_kb": 12, "latency_ms": 2}
    quick = {"strategy": "random", "child_epochs": 1, "workers": 1, "recipe": {"epochs": 4}}
    study = Study(task="digits", runtime="cmsis_nn", limits=loose, **quick)
    study.run(trainings=2, top=0, out=folder)
    assert study.run(trainings=3, top=0, limits={"flash_kb": 16}).folder == folder
    assert study.run(trainings=3, top=0).folder == folder  # as its last run, limits too
    held = {"flash_bytes": 16 * 1024, "ram_bytes": 12 * 1024, "latency_ms": 2}
    assert json.loads((folder / files.CONFIG).read_text())["limits"] == held
    with pytest.raises(SystemExit) as end:
        cli.main(["search", "--resume", str(folder), "--limit", "flash_kb=0.01"])
    assert end.value.code == 2
    assert "flash_bytes <= 10" in capsys.readouterr().err
    assert json.loads((folder / files.CONFIG).read_text())["limits"] == held
    resume = ["search", "--resume", str(folder), "--limit", "flash_kb=12", "--top", "1", "--final-seeds", "1"]
    with pytest.raises(SystemExit) as end:
        cli.main([*resume, "--json"])
    assert end.value.code == 0
    result = json.loads(capsys.readouterr().out)
    assert result["limits"]["flash_bytes"] == 12288
    assert [network["flash_bytes"] <= 12288 for network in result["networks"]] == [True]
    least = min(r.flash_bytes for r in trained(folder))
    with pytest.raises(SystemExit) as end:
        cli.main(["search", "--resume", str(folder), "--limit", f"flash_kb={(least - 1) / 1024}"])
    assert end.value.code == 1
    assert "No trained network is within the limits" in capsys.readouterr().out
    assert not (folder / files.BEST).exists()
    assert line(folder).fits is False
